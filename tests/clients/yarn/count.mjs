// Counts what a yarn.lock makes yarn download, by yarn's own parsers.
//
//     node count.mjs FOLDER YARN_LOCK
//
// FOLDER has @yarnpkg/lockfile (version 1) and @yarnpkg/parsers (later versions) in its node_modules. Prints one JSON document: `artifacts` distinct files to
// download, and the entries behind and beside them.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { resolve } from 'node:path';

const [folder, file] = process.argv.slice(2);
if (!file) {
	console.error('usage: count.mjs FOLDER YARN_LOCK');
	process.exit(2);
}
const require = createRequire(resolve(folder, 'package.json'));
const text = readFileSync(file, 'utf8');
const count = { entries: 0, projects: 0, patches: 0, local: 0, registry_or_remote: 0 };
const files = new Set();

if (text.includes('__metadata:')) {
	const { __metadata, ...entries } = require('@yarnpkg/parsers').parseSyml(text);
	for (const { resolution } of Object.values(entries)) {
		const protocol = /^@?[^@]+@([a-z+]+):/.exec(resolution)?.[1];
		count.entries += 1;
		if (protocol === 'workspace') {
			count.projects += 1;
		} else if (protocol === 'patch') {
			count.patches += 1;
		} else if (['file', 'link', 'portal'].includes(protocol)) {
			count.local += 1;
		} else {
			count.registry_or_remote += 1;
			files.add(resolution);
		}
	}
} else {
	// Keys that share an entry have the same object.
	const { type, object } = require('@yarnpkg/lockfile').parse(text);
	if (type !== 'success') {
		throw new Error(`yarn's parser says: ${type}`);
	}
	for (const { resolved, version } of new Set(Object.values(object))) {
		count.entries += 1;
		if (!resolved || resolved.startsWith('file:')) {
			count.local += 1;
		} else {
			count.registry_or_remote += 1;
			files.add(`${resolved} ${version}`);
		}
	}
}
console.log(JSON.stringify({ artifacts: files.size, ...count }));
