// Counts what a lockfile of pnpm or bun holds, without any code of larder's.
//
//     node count-other-lockfile.mjs LOCKFILE
//
// pnpm-lock.yaml: by its lines, as pnpm itself indents them. bun.lock: JavaScript reads it, since to JavaScript it is an object. Prints one JSON document: `entries` projects and
// packages, `artifacts` distinct files to download.
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { runInNewContext } from 'node:vm';

function countPnpm(text) {
	let part = '';
	let projects = 0;
	let entries = 0;
	const files = new Set();
	const packages = [];
	for (const line of text.split('\n')) {
		if (/^\S/.test(line)) {
			part = line.split(':')[0];
		} else if (/^ {2}\S/.test(line) && part === 'importers') {
			projects += 1;
		} else if (/^ {2}\S/.test(line) && part === 'packages') {
			packages.push({ key: line.trim().replace(/:( \{\})?$/, '').replace(/^'|'$/g, ''), rest: '' });
		} else if (part === 'packages' && packages.length) {
			packages.at(-1).rest += `${line}\n`;
		}
	}
	for (const { key, rest } of packages) {
		entries += 1;
		if (!/type: directory|tarball: file:/.test(rest)) {
			// Peers are no part of the file: `/a/1.0.0_peers`, `/a@1.0.0(peers)`.
			files.add(key.replace(/\(.*$/, '').replace(/^(\/(?:@[^/]+\/[^/]+|[^@/][^/]*)\/[^/_]+)_.*$/, '$1'));
		}
	}
	return { entries: entries + (projects || 1), artifacts: files.size };
}

function countBun(text) {
	const { workspaces, packages } = runInNewContext(`(${text})`);
	const files = new Set();
	for (const [what, , wants] of Object.values(packages)) {
		const isHere = /^.+@(workspace:|file:|link:|root:|\.{1,2}\/)/.test(what);
		if (!isHere && !wants?.bundled) {
			files.add(what);
		}
	}
	return { entries: Object.keys(workspaces).length + Object.keys(packages).length, artifacts: files.size };
}

const text = readFileSync(process.argv[2], 'utf8');
console.log(JSON.stringify(basename(process.argv[2]) === 'bun.lock' ? countBun(text) : countPnpm(text)));
