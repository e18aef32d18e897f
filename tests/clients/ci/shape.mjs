// What is wrong with the shape of action.yml: one line each, and nothing if it is right.
//
//     node shape.mjs YAML FILE
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const [yaml, file] = process.argv.slice(2);
const { parse } = createRequire(join(yaml, 'x.js'))('yaml');
const text = readFileSync(file, 'utf8');
const { name, description, inputs, outputs, runs } = parse(text);
const wrong = [];
const ids = new Set(runs.steps.map((step) => step.id).filter(Boolean));
if (!name || !description || runs.using !== 'composite') wrong.push('no name, no description, or not composite');
for (const step of runs.steps) {
	const what = step.id ?? step.uses ?? 'a step without an id';
	if (Boolean(step.run) === Boolean(step.uses)) wrong.push(`${what} has not exactly one of run and uses`);
	if (step.run && !step.shell) wrong.push(`${what} has no shell`);
	if (step.run?.includes('${{')) wrong.push(`${what} has an expression in its script`);
	if (step.uses && !/@[0-9a-f]{40}$/.test(step.uses)) wrong.push(`${what} is not pinned by its commit`);
}
for (const [which, one] of Object.entries({ ...inputs, ...outputs })) if (!one.description) wrong.push(`${which} has no description`);
for (const [which, one] of Object.entries(inputs)) if (typeof one.default !== 'string') wrong.push(`${which} has no default`);
for (const [, which] of text.matchAll(/inputs\.([\w-]+)/g)) if (!inputs[which]) wrong.push(`there is no input ${which}`);
for (const which of Object.keys(inputs)) if (!text.includes(`inputs.${which} }}`)) wrong.push(`nobody reads the input ${which}`);
for (const [, id] of text.matchAll(/steps\.([\w-]+)\./g)) if (!ids.has(id)) wrong.push(`there is no step ${id}`);
if (wrong.length > 0) console.log(wrong.join('\n'));
