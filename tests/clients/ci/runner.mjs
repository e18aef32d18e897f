// Runs action.yml as GitHub's runner does: expressions, conditions, outputs and environment files; and, for actions/cache, a folder with its rules: an entry is found by its key
// or, the newest first, by a prefix of it, is never replaced, and belongs to a path.
//
//     node runner.mjs YAML ACTION WORKSPACE CACHE EVENT INPUTS     YAML: npm's package of that name; EVENT and INPUTS are JSON; the event has {name, actor, payload}
//
// Prints one JSON document: exit code, outputs, what restore and save were asked, the summary. The steps' own output goes to standard error.
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const [yaml, root, workspace, cache, eventText, inputsText] = process.argv.slice(2);
const { parse } = createRequire(join(yaml, 'x.js'))('yaml');
const action = parse(readFileSync(join(root, 'action.yml'), 'utf8'));
const event = JSON.parse(eventText);
const temp = mkdtempSync(`${workspace}.temp `);
const inputs = Object.fromEntries(Object.entries(action.inputs).map(([name, { default: value }]) => [name, value]));
Object.assign(inputs, JSON.parse(inputsText));

const steps = {};
const report = { code: 0, ran: [], restore: null, saved: [], path: '' };

const lookUp = (path) => {
	const [space, ...names] = path.split('.');
	if (space === 'github') return '';
	let at = { inputs, steps }[space];
	for (const name of names) at = at?.[name];
	return at ?? '';
};
const evaluate = (expression) => {
	const code = expression
		.replace(/\b(?:inputs|steps|github)(?:\.[\w-]+)+/g, (path) => JSON.stringify(String(lookUp(path))))
		.replace(/\bcancelled\(\)/g, 'false')
		.replace(/\bsuccess\(\)/g, String(report.code === 0));
	return new Function(`return (${code});`)();
};
const expand = (text) => String(text).replace(/\$\{\{(.*?)\}\}/g, (_, expression) => String(evaluate(expression.trim())));
const isToRun = (condition = 'success()') => {
	const expression = /^\$\{\{(.*)\}\}$/.exec(condition)?.[1] ?? condition;
	const says = /\b(success|cancelled|always|failure)\(\)/.test(expression);
	return (says || report.code === 0) && Boolean(evaluate(expression));
};

function outputsOf(file) {
	const outputs = {};
	const text = existsSync(file) ? readFileSync(file, 'utf8') : '';
	for (const [, name, , value] of text.matchAll(/^([\w-]+)<<(.+)\n([^]*?)\n\2\n/gm)) outputs[name] = value;
	return outputs;
}

// One entry: a folder with its key, its path and what was there. The names of the folders are numbers, in the order of saving.
const entries = () => (existsSync(cache) ? readdirSync(cache).map(Number).sort((a, b) => b - a) : []).map((number) => ({ number, ...JSON.parse(readFileSync(join(cache, `${number}`, 'entry.json'), 'utf8')) }));

const cacheSteps = {
	'actions/cache/restore': ({ path, key, 'restore-keys': keys }) => {
		const known = entries().filter((entry) => entry.of === path.slice(temp.length));
		const found = known.find((entry) => entry.key === key) ?? keys.split('\n').map((prefix) => known.find((entry) => entry.key.startsWith(prefix))).find(Boolean);
		report.restore = { key, matched: found?.key ?? null };
		if (found) cpSync(join(cache, `${found.number}`, 'content'), path, { recursive: true });
		return found ? { 'cache-matched-key': found.key, 'cache-hit': String(found.key === key) } : {};
	},
	'actions/cache/save': ({ path, key }) => {
		report.saved.push(key);
		const all = entries();
		if (all.some((entry) => entry.key === key)) return {};
		const at = join(cache, `${(all[0]?.number ?? 0) + 1}`);
		mkdirSync(at, { recursive: true });
		cpSync(path, join(at, 'content'), { recursive: true });
		writeFileSync(join(at, 'entry.json'), JSON.stringify({ key, of: path.slice(temp.length) }));
		return {};
	}
};

const file = (name) => join(temp, name);
writeFileSync(file('event.json'), JSON.stringify(event.payload ?? {}));
const base = {
	...process.env,
	CI: 'true',
	GITHUB_ACTIONS: 'true',
	GITHUB_ACTION_PATH: root,
	GITHUB_ACTOR: event.actor ?? 'someone',
	GITHUB_EVENT_NAME: event.name,
	GITHUB_EVENT_PATH: file('event.json'),
	GITHUB_PATH: file('path'),
	GITHUB_REPOSITORY: 'owner/project',
	GITHUB_SERVER_URL: 'https://registry.example',
	GITHUB_STEP_SUMMARY: file('summary.md'),
	GITHUB_WORKSPACE: workspace,
	RUNNER_ARCH: 'X64',
	RUNNER_OS: 'Linux',
	RUNNER_TEMP: temp
};

for (const [number, step] of action.runs.steps.entries()) {
	const id = step.id ?? `step-${number}`;
	if (!isToRun(step.if)) {
		steps[id] = { outcome: 'skipped', outputs: {} };
		continue;
	}
	report.ran.push(id);
	if (step.uses) {
		const values = Object.fromEntries(Object.entries(step.with).map(([name, value]) => [name, expand(value)]));
		steps[id] = { outcome: 'success', outputs: cacheSteps[step.uses.split('@')[0]](values) };
		continue;
	}
	const env = { ...base, GITHUB_OUTPUT: file(`output-${number}`) };
	for (const [name, value] of Object.entries(step.env ?? {})) env[name] = expand(value);
	writeFileSync(file('step.sh'), expand(step.run));
	const { status } = spawnSync('bash', ['--noprofile', '--norc', '-eo', 'pipefail', file('step.sh')], { cwd: workspace, env, stdio: ['ignore', 2, 2] });
	steps[id] = { outcome: status === 0 ? 'success' : 'failure', outputs: outputsOf(env.GITHUB_OUTPUT) };
	if (status !== 0) report.code = status;
}
report.outputs = Object.fromEntries(Object.entries(action.outputs).map(([name, { value }]) => [name, expand(value)]));
report.summary = existsSync(base.GITHUB_STEP_SUMMARY) ? readFileSync(base.GITHUB_STEP_SUMMARY, 'utf8') : '';
report.path = existsSync(base.GITHUB_PATH) ? readFileSync(base.GITHUB_PATH, 'utf8').trim() : '';
report.left = readdirSync(temp).includes('larder-cache');
// What a later step of the job finds by its name.
report.version = report.path && spawnSync('larder', ['--version'], { env: { ...base, PATH: `${report.path}:${process.env.PATH}` }, encoding: 'utf8' }).stdout?.split(' ')[0];
rmSync(temp, { recursive: true });
console.log(JSON.stringify(report));
