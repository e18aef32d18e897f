// The third step: takes in what was restored, fetches the rest, and gives what is new to whoever comes next.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Failure, keepState, larder, readState, say, setOutputs, total, warnOnStdout } from './runner.mjs';

const seconds = (since) => (Date.now() - since) / 1000;
const archiveOf = (state) => join(state.folder, 'archive.tar');
// What the registries took for the archive's files, for runs that download nothing and have nothing to compare with.
const ratesOf = (state) => join(state.folder, 'download.json');

/** What GitHub's cache had: bytes, seconds, and how fast the registries once were. */
function takeArchive(state, matched) {
	if (!matched) return undefined;
	const took = seconds(state.plannedAt);
	const start = Date.now();
	const { code, document } = existsSync(archiveOf(state)) ? larder(state, 'import', ['--', archiveOf(state)]) : { code: 1 };
	if (code !== 0) {
		const what = document ? `${document.refused.length} refused, ${document.did_not_come} that did not come` : 'it is no archive';
		const cure = matched === state.key ? `; an entry is never replaced, so delete it: gh cache delete ${matched}` : '';
		warnOnStdout('warning', `the cache's entry ${matched} is damaged (${what}); what it lacks is fetched${cure}`);
	}
	return { way: `GitHub's cache, ${matched === state.key ? 'this plan' : 'the newest of another plan'}`, bytes: document?.bytes ?? 0, seconds: took + seconds(start), once: readRate(state) };
}

// A cache is nobody's word: two numbers or nothing.
function readRate(state) {
	try {
		const { bytes, seconds } = JSON.parse(readFileSync(ratesOf(state), 'utf8'));
		return bytes > 0 && seconds > 0 ? { bytes: Number(bytes), seconds: Number(seconds) } : undefined;
	} catch {
		return undefined;
	}
}

/** What places have. `larder fetch --from` does the same in one step, and does not say how much came from where. */
function pull(state) {
	const from = state.from.length > 0 ? state.from : state.to;
	const start = Date.now();
	const { document } = larder(state, 'pull', [...state.options.selecting, '--', ...from, ...state.projects]);
	return { way: from.join(', '), bytes: document ? total(document, 'bytes') : 0, seconds: seconds(start) };
}

function restore(state, env) {
	if (state.isComplete) return undefined;
	return state.usesGitHub ? takeArchive(state, env.MATCHED_KEY) : pull(state);
}

/** Writes the archive that GitHub's cache is to have. Whether it can be saved decides nothing for the job. */
function writeArchive(state, fetched, once) {
	const start = Date.now();
	const { code, document } = larder(state, 'export', ['--offline', ...state.options.all, '--', archiveOf(state), ...state.projects]);
	if (code !== 0) {
		warnOnStdout('warning', 'nothing is saved: larder export failed, its message is in the log');
		return undefined;
	}
	const rate = fetched.bytes > (once?.bytes ?? 0) ? fetched : once;
	writeFileSync(ratesOf(state), JSON.stringify({ bytes: rate.bytes, seconds: rate.seconds }));
	return { way: "GitHub's cache", count: document.blobs, bytes: document.bytes, seconds: seconds(start) };
}

function push(state) {
	const start = Date.now();
	const { code, document } = larder(state, 'push', ['--offline', ...state.options.all, '--', ...state.to, ...state.projects]);
	if (code !== 0) {
		warnOnStdout('warning', 'not everything was pushed: the message of larder push is in the log');
		return undefined;
	}
	const sum = (name) => document.places.reduce((all, place) => all + place[name], 0);
	return { way: state.to.join(', '), count: sum('sent'), bytes: sum('bytes'), seconds: seconds(start) };
}

export function fetch(env) {
	const state = readState(env);
	const restored = restore(state, env);
	const { code, document } = larder(state, 'fetch', [...state.options.all, '--', ...state.projects]);
	if (!document) throw new Failure('larder fetch failed: its message is in the log', code || 1);
	const sums = Object.fromEntries(['artifacts', 'already_here', 'fetched', 'requests', 'bytes', 'seconds'].map((name) => [name, total(document, name)]));
	const count = sums.already_here - state.before;
	const hit = sums.fetched === 0 && code === 0 ? 'exact' : count > 0 ? 'nearest' : 'none';
	setOutputs(env, { hit, fetched: sums.fetched, requests: sums.requests, bytes: sums.bytes });
	say(`${sums.artifacts} artifacts = ${state.before} already here + ${count} restored + ${sums.fetched} fetched, ${sums.requests} requests (${hit})`);
	keepState(env, { sums, hit, restored: restored && { ...restored, count } });
	if (code !== 0) throw new Failure('larder fetch failed for some files: their names are in the log', code);

	let saved;
	if (state.why === '' && state.usesGitHub) {
		// Once, and only what is new. An entry is never replaced; one that has more than this plan needs serves it as well.
		if (sums.fetched > 0 && env.MATCHED_KEY !== state.key) saved = writeArchive(state, sums, restored?.once);
	} else if (state.why === '' && state.to.length > 0) {
		// Whatever was fetched: a place may lack what another had, or know the files by other plans alone. Where nothing is new, it is one request.
		saved = push(state);
	}
	setOutputs(env, { save: Boolean(saved && state.usesGitHub) });
	keepState(env, { saved, fetchedAt: Date.now() });
}
