// Checks that a store holds every tarball that npm installed, by the receipts alone.
//
//     node store-has.mjs STORE node_modules/.package-lock.json
//     node store-has.mjs STORE --count        (how many receipts there are)
//
// Prints how many there are, or one line for each that is missing, and then exits with 1.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const [store, lockfile] = process.argv.slice(2);
if (!lockfile) {
	console.error('usage: store-has.mjs STORE (LOCKFILE | --count)');
	process.exit(2);
}
const stored = new Set();
let receipts = 0;
for (const entry of readdirSync(join(store, 'receipts'), { recursive: true })) {
	if (entry.endsWith('.json')) {
		const { digests } = JSON.parse(readFileSync(join(store, 'receipts', entry), 'utf8'));
		Object.values(digests).flat().forEach((digest) => stored.add(digest));
		receipts += 1;
	}
}
if (lockfile === '--count') {
	console.log(receipts);
	process.exit(0);
}

const { packages } = JSON.parse(readFileSync(lockfile, 'utf8'));
let installed = 0;
const missing = [];
for (const [path, entry] of Object.entries(packages)) {
	const isTarball = !entry.link && !entry.inBundle && entry.integrity && !entry.resolved?.startsWith('file:');
	if (isTarball) {
		installed += 1;
		if (!entry.integrity.split(/\s+/).some((digest) => stored.has(digest))) {
			missing.push(`missing: ${path} ${entry.version}`);
		}
	}
}
// A lockfile of which nothing was read must not pass.
if (installed === 0) {
	missing.push(`no installed tarball is named in ${lockfile}`);
}
console.log(missing.length ? missing.join('\n') : `all ${installed} installed packages are among ${receipts} stored`);
process.exit(missing.length ? 1 : 0);
