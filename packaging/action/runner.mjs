// What a step and its runner say to each other: outputs, messages, the state that one step leaves for the next; and how larder is run.
import { spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { appendFileSync, readFileSync, writeFileSync, writeSync } from 'node:fs';

/** Ends the step with one message and larder's own exit code. */
export class Failure extends Error {
	constructor(message, code = 1) {
		super(message);
		this.code = code;
	}
}

// At once, not when node finds time: what larder prints comes between.
export const say = (text) => writeSync(1, `${text}\n`);

const escaped = (text) => text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
/** A message that the runner shows beside the job: `error`, `warning` or `notice`. */
export const warnOnStdout = (kind, text) => say(`::${kind} title=larder::${escaped(text)}`);

/** Sets outputs. Each value's end is a line that nobody can guess, so that no value can set another output. */
export function setOutputs(env, outputs) {
	for (const [name, value] of Object.entries(outputs)) {
		const end = randomUUID();
		appendFileSync(env.GITHUB_OUTPUT, `${name}<<${end}\n${value}\n${end}\n`);
	}
}

export const readState = (env) => JSON.parse(readFileSync(env.STATE, 'utf8'));
export function keepState(env, more) {
	writeFileSync(env.STATE, JSON.stringify({ ...readState(env), ...more }));
}

/** Whole lines, without those that are empty. */
export const lines = (text) => (text ?? '').split('\n').map((line) => line.trim()).filter(Boolean);
export const words = (text) => (text ?? '').split(/\s+/).filter(Boolean);

// What larder and its like print is no command to the runner, whatever names are in it.
function asText(print) {
	const token = randomUUID();
	say(`::stop-commands::${token}`);
	const result = print();
	say(`::${token}::`);
	return result;
}

/**
 * Runs a program with these arguments, and no shell: its exit code and what it printed. Its messages go to the log: `live`, `failed` (if it fails, when it has ended) or `never`.
 */
export function run(program, args, { messages = 'failed', cwd } = {}) {
	const start = () => spawnSync(program, args, { cwd, encoding: 'utf8', maxBuffer: 1 << 30, stdio: ['ignore', 'pipe', messages === 'live' ? 'inherit' : 'pipe'] });
	const { status, signal, error, stdout, stderr } = messages === 'live' ? asText(start) : start();
	if (error) throw new Failure(`${program} cannot be started: ${error.message}`);
	if (status !== 0 && messages === 'failed') asText(() => say(stderr));
	return { code: status ?? (signal === 'SIGINT' ? 130 : 1), stdout, stderr };
}

/** Runs larder with --json: its exit code, and its document, if it came so far. */
export function larder(state, command, args, { messages = 'live' } = {}) {
	const result = run(state.larder, [command, '--json', ...args], { messages });
	let document;
	try {
		document = JSON.parse(result.stdout);
	} catch {
		// Whatever stopped it is in its messages.
	}
	if (result.code === 130) throw new Failure(`larder ${command} was stopped`, 130);
	return { ...result, document };
}

/** The sums of numbers over a document's projects. */
export const total = (document, name) => document.projects.reduce((sum, project) => sum + project[name], 0);
