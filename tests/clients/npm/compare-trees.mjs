// Compares two folders: each file's path, type, mode, bytes and link target.
//
//     node compare-trees.mjs list FOLDER [--times]     prints what the folder holds, one JSON document a line
//     node compare-trees.mjs LEFT RIGHT [--all]
//
// LEFT and RIGHT are folders, or files that `list` printed. Prints the first differences (`--all`: each), and then exits with 1. `--times` adds a
// file's inode and mtime: what a folder's next version must not touch.
//
// npm's own record of a tree, node_modules/.package-lock.json, is compared to the byte as any other file, and its difference is told entry by entry.
import { createHash } from 'node:crypto';
import { lstatSync, readFileSync, readdirSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

const MOST_SHOWN = 12;
const RECORD = /(^|\/)node_modules\/\.package-lock\.json$/;

/** Path → what is there. Folders are entries too, since an empty one is a difference. */
function list(folder, withTimes) {
	const entries = new Map();
	const walk = (path) => {
		for (const name of readdirSync(join(folder, path)).sort()) {
			const below = path ? `${path}/${name}` : name;
			const entry = describe(join(folder, below), below);
			if (withTimes && entry.type === 'file') {
				const { ino, mtimeNs } = lstatSync(join(folder, below), { bigint: true });
				entry.written = `${ino} ${mtimeNs}`;
			}
			entries.set(below, entry);
			if (entry.type === 'folder') {
				walk(below);
			}
		}
	};
	walk('');
	return entries;
}

function describe(file, path) {
	const stat = lstatSync(file);
	const mode = (stat.mode & 0o7777).toString(8);
	if (stat.isSymbolicLink()) {
		return { path, type: 'link', target: readlinkSync(file) };
	}
	if (stat.isDirectory()) {
		return { path, type: 'folder', mode };
	}
	if (!stat.isFile()) {
		return { path, type: 'special', mode };
	}
	const bytes = readFileSync(file);
	const entry = { path, type: 'file', mode, size: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') };
	return RECORD.test(path) ? { ...entry, text: bytes.toString() } : entry;
}

function read(source) {
	if (lstatSync(source).isDirectory()) {
		return list(source, false);
	}
	const lines = readFileSync(source, 'utf8').split('\n').filter(Boolean);
	return new Map(lines.map((line) => JSON.parse(line)).map((entry) => [entry.path, entry]));
}

/** Lines that say how two records of a tree differ. */
function recordDifferences(path, left, right) {
	const [ours, theirs] = [left, right].map((text) => JSON.parse(text).packages);
	const lines = [];
	for (const key of new Set([...Object.keys(ours), ...Object.keys(theirs)])) {
		const [one, other] = [ours[key], theirs[key]].map((entry) => entry ?? {});
		for (const field of new Set([...Object.keys(one), ...Object.keys(other)])) {
			const [a, b] = [one[field], other[field]].map((value) => JSON.stringify(value));
			if (a !== b) {
				lines.push(`${path}: ${key}: ${field}: ${a} and ${b}`);
			}
		}
	}
	return lines.length ? lines : [`${path}: the same fields in another order or form`];
}

function compare(left, right) {
	const differences = [];
	for (const path of [...new Set([...left.keys(), ...right.keys()])].sort()) {
		const [one, other] = [left.get(path), right.get(path)];
		if (!one || !other) {
			differences.push(`only in ${one ? 'the first' : 'the second'}: ${path} (${(one ?? other).type})`);
			continue;
		}
		if (one.text !== undefined && other.text !== undefined && one.text !== other.text) {
			differences.push(...recordDifferences(path, one.text, other.text));
			// Mode and type are still compared.
			[one, other].forEach((entry) => ['size', 'sha256', 'text'].forEach((key) => delete entry[key]));
		}
		for (const key of ['type', 'mode', 'target', 'size', 'sha256', 'written']) {
			if (one[key] !== other[key] && (key !== 'written' || (one.written && other.written))) {
				differences.push(`${path}: ${key}: ${one[key]} and ${other[key]}`);
			}
		}
	}
	return differences;
}

const { values: options, positionals } = parseArgs({
	allowPositionals: true,
	options: {
		all: { type: 'boolean' },
		times: { type: 'boolean' }
	}
});
const [first, second] = positionals;
if (!second) {
	console.error('usage: compare-trees.mjs (list FOLDER [--times] | LEFT RIGHT [--all])');
	process.exit(2);
}
if (first === 'list') {
	const text = [...list(second, options.times).values()].map((entry) => `${JSON.stringify(entry)}\n`).join('');
	process.stdout.write(text);
} else {
	const [left, right] = [read(first), read(second)];
	const differences = compare(left, right);
	// Two empty folders are equal, and say nothing.
	if (left.size === 0) {
		differences.push(`nothing is in ${first}`);
	}
	if (differences.length) {
		console.log(differences.slice(0, options.all ? undefined : MOST_SHOWN).join('\n'));
		console.log(`${differences.length} differences, ${left.size} and ${right.size} files and folders`);
		process.exitCode = 1;
	} else {
		console.log(`${left.size} files and folders`);
	}
}
