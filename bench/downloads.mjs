// Writes what curl needs to download all tarballs of a package-lock.json (version 2 or 3, each entry with `resolved` and sha512).
//
//     node downloads.mjs LOCKFILE REGISTRY FOLDER (tree | flat) CONFIG SUMS
//
// REGISTRY replaces the host that the lockfile names. `tree` lays the files out by the path of their address, `flat` by number.
// CONFIG is for `curl --config`; SUMS has a line for each file as `openssl dgst -sha512 -r` prints it.
import { readFileSync, writeFileSync } from 'node:fs';

const [lockfile, registry, folder, layout, configFile, sumsFile] = process.argv.slice(2);
const files = new Map();
for (const [path, { resolved, integrity }] of Object.entries(JSON.parse(readFileSync(lockfile, 'utf8')).packages)) {
	if (!resolved?.startsWith('https://')) {
		continue;
	}
	const digest = /sha512-(\S+)/.exec(integrity)?.[1];
	if (!digest) {
		throw new Error(`${path} has no sha512`);
	}
	files.set(new URL(resolved).pathname.slice(1), Buffer.from(digest, 'base64').toString('hex'));
}
let config = '';
let sums = '';
let number = 0;
for (const [path, digest] of files) {
	const file = `${folder}/${layout === 'tree' ? decodeURIComponent(path) : number}`;
	config += `url = "${registry.replace(/\/$/, '')}/${path}"\noutput = "${file}"\n`;
	sums += `${digest} *${file}\n`;
	number += 1;
}
writeFileSync(configFile, config);
writeFileSync(sumsFile, sums);
