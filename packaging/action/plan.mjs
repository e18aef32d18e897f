// The second step: what is wanted, what is here, and under which key GitHub's cache may have the rest.
//
// The cache holds one archive (`larder export`), not the store's folder. For one plan they are as large: 1,653 files have 478.4 MB as an archive and 478.7 MB as a folder, both
// packed as the cache packs them. But a folder keeps what it was restored with, so it grows with each plan that starts from the nearest entry; an archive has this plan's files
// alone, is the same to the byte on every machine, and its import compares each file with its digests before a store gets it that may be in use.
import { createHash } from 'node:crypto';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { whyReadOnly } from './event.mjs';
import { options, projects, readOnly, references } from './inputs.mjs';
import { Failure, keepState, larder, readState, run, say, setOutputs, total, warnOnStdout } from './runner.mjs';

/** One digest for all projects: their plan's own, or what several have together. */
function planDigest(state, paths) {
	const { code, stdout } = run(state.larder, ['plan', '--digest', '--', ...paths]);
	if (code !== 0) throw new Failure('larder cannot read what the lockfiles name: its message is in the log', code);
	const digests = [...new Set(stdout.trim().split('\n'))].sort();
	return digests.length === 1 ? digests[0] : `sha256:${createHash('sha256').update(digests.join('\n')).digest('hex')}`;
}

/** The key, and what older entries are found by: first the same plan with other options, then the newest of any plan. */
function keysOf(env, plan, args) {
	const base = `larder-v1-${env.RUNNER_OS}-${env.RUNNER_ARCH}-`;
	const ofPlan = base + plan.slice(plan.indexOf(':') + 1);
	// Other options select other files: an entry that lacks some would be found for ever, since none is ever replaced.
	const key = args.length > 0 ? `${ofPlan}-${createHash('sha256').update(args.join('\n')).digest('hex').slice(0, 8)}` : ofPlan;
	return { key, 'restore-keys': `${ofPlan}\n${base}` };
}

export function plan(env) {
	const state = readState(env);
	const asked = { projects: projects(env.INPUT_PROJECTS), options: options(env.INPUT_ARGS), from: references('from', env.INPUT_FROM), to: references('to', env.INPUT_TO) };
	const wanted = readOnly(env.INPUT_READ_ONLY);
	const why = whyReadOnly(env, wanted);
	if (wanted === 'false' && why) warnOnStdout('warning', `nothing is saved, although read-only is false: ${why}`);
	else if (why) say(`nothing will be saved: ${why}`);

	const digest = planDigest(state, asked.projects);
	const keys = keysOf(env, digest, asked.options.all);
	// What is missing is no failure yet; its names would fill the log.
	const here = larder(state, 'fetch', ['--offline', ...asked.options.all, '--', ...asked.projects], { messages: 'never' });
	if (!here.document) {
		say(here.stderr.replaceAll('::', ': :'));
		throw new Failure('larder cannot look into its store: its message is in the log', here.code || 1);
	}
	const store = larder(state, 'status', [], { messages: 'never' }).document?.store ?? '';
	const before = total(here.document, 'already_here');
	const isComplete = here.code === 0;
	const usesGitHub = asked.from.length === 0 && asked.to.length === 0;
	// Always the same: the path is part of what an entry is found by. The runner's variable, since its expression says the host's path in a container.
	const folder = join(env.RUNNER_TEMP, 'larder-cache');
	rmSync(folder, { recursive: true, force: true });
	mkdirSync(folder, { recursive: true });
	say(`plan ${digest}: ${before} artifacts are here${isComplete ? ', and that is all' : ''}`);
	setOutputs(env, { plan: digest, store, folder, ...keys, restore: usesGitHub && !isComplete });
	keepState(env, { ...asked, plan: digest, key: keys.key, folder, before, isComplete, usesGitHub, why, plannedAt: Date.now() });
}
