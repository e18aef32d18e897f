// The last step: the job's summary; and the archive, which nobody needs any more, goes.
import { appendFileSync, rmSync } from 'node:fs';
import { readState, say } from './runner.mjs';

// A few bytes are no measure.
const ENOUGH = 1_000_000;

const size = (bytes) => (bytes < 1e3 ? `${Math.round(bytes)} B` : bytes < 1e6 ? `${(bytes / 1e3).toFixed(1)} kB` : bytes < 1e9 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(2)} GB`);
const time = (seconds) => `${seconds.toFixed(seconds < 10 ? 2 : 1)} s`;
// Paths and references stand in a table: neither a column nor markup comes of them.
const cell = (text) => text.replace(/[\\`*_|<>&\[\]]/g, (mark) => `&#${mark.charCodeAt(0)};`);

/** A sentence, if the registries would have given the same bytes sooner; what they took is this run's, or that of the run that saved. */
export function slower(restored, fetched) {
	const rate = [fetched, restored?.once].find((one) => one && one.bytes >= ENOUGH && one.seconds > 0);
	if (!rate || !restored || restored.bytes < ENOUGH) return '';
	const expected = (restored.bytes * rate.seconds) / rate.bytes;
	if (restored.seconds <= expected) return '';
	return `Restoring ${size(restored.bytes)} took ${time(restored.seconds)}. The registries give as much in about ${time(expected)} (${size(rate.bytes / rate.seconds)}/s): this job is faster without this cache.`;
}

function table({ sums, before, restored, saved }) {
	const row = (...cells) => `| ${cells.join(' | ')} |`;
	const rows = ['| | artifacts | bytes | seconds |', '|---|--:|--:|--:|', row('already here', before, '', '')];
	if (restored) rows.push(row(`restored from ${cell(restored.way)}`, restored.count, size(restored.bytes), time(restored.seconds)));
	rows.push(row(`fetched from the registries, ${sums.requests} requests`, sums.fetched, size(sums.bytes), time(sums.seconds)));
	rows.push(row('**in all**', sums.artifacts, '', ''));
	if (saved) rows.push(row(`saved to ${cell(saved.way)} (files)`, saved.count, size(saved.bytes), time(saved.seconds)));
	return rows;
}

export function summary(env) {
	const state = readState(env);
	rmSync(state.folder, { recursive: true, force: true });
	const text = ['### larder', ''];
	if (state.sums) {
		// What GitHub's own step took after this action's.
		if (state.saved && state.usesGitHub) state.saved.seconds += (Date.now() - state.fetchedAt) / 1000;
		text.push(`\`${state.plan}\`: ${state.hit}`, '', ...table(state), '');
		const sentence = slower(state.restored, state.sums);
		if (sentence) text.push(sentence, '');
		if (state.why && state.sums.fetched > 0) text.push(`Nothing was saved: ${cell(state.why)}.`, '');
	} else {
		text.push('Nothing was fetched: the log says why.', '');
	}
	if (env.GITHUB_STEP_SUMMARY) appendFileSync(env.GITHUB_STEP_SUMMARY, `${text.join('\n')}\n`);
	else say(text.join('\n'));
}
