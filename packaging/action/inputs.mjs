// The inputs, checked: what larder will be asked with.
import { Failure, lines, words } from './runner.mjs';

// Options of `larder fetch` that one may name, and whether they have a value. `pull` knows only those that select.
const OPTIONS = {
	'--omit': { value: true, selects: true },
	'--platform': { value: true, selects: true },
	'--all-platforms': { value: false, selects: true },
	'--trust-project-config': { value: false, selects: true },
	'--require-integrity': { value: false, selects: false },
	'--jobs': { value: true, selects: false }
};

/** The options as larder's `fetch`, `export` and `push` take them, and those of them that `pull` takes. */
export function options(text) {
	const [all, selecting] = [[], []];
	const rest = words(text);
	while (rest.length > 0) {
		const [name, ...value] = rest.shift().split('=');
		const known = Object.hasOwn(OPTIONS, name) ? OPTIONS[name] : undefined;
		if (!known || (!known.value && value.length > 0)) {
			throw new Failure(`args: ${[name, ...value].join('=')} is none of ${Object.keys(OPTIONS).join(', ')}`, 2);
		}
		const one = [name];
		if (known.value) {
			const stated = value.length > 0 ? value.join('=') : rest.shift();
			if (!stated) throw new Failure(`args: ${name} has no value`, 2);
			one[0] = `${name}=${stated}`;
		}
		all.push(...one);
		if (known.selects) selecting.push(...one);
	}
	return { all, selecting };
}

export function projects(text) {
	const paths = lines(text);
	const wrong = paths.find((path) => path.includes('://'));
	if (wrong) throw new Failure(`projects: ${wrong} is a reference: name it in from or to`, 2);
	return paths.length > 0 ? paths : ['.'];
}

/** References, one a line: a path in them may have blanks. */
export function references(name, text) {
	const all = lines(text);
	const wrong = all.find((one) => !/^[a-z0-9]+:\/\//.test(one));
	if (wrong) throw new Failure(`${name}: ${wrong} is no reference such as s3://bucket/larder`, 2);
	return all;
}

export function readOnly(text) {
	const value = (text ?? '').trim() || 'auto';
	if (!['auto', 'true', 'false'].includes(value)) throw new Failure(`read-only: ${value} is none of auto, true and false`, 2);
	return value;
}
