// named-files.mjs PROJECT [LIBC…]: the path at the tests' registry of each file that the project's lockfiles name for this machine, one a line. Without
// other words it has glibc.
//
// Read without larder: npm's lockfile as JSON, larder.lock line by line. What an optional package's `os`, `cpu` and `libc` exclude is not there.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const [project, ...libcs] = process.argv.slice(2);
if (libcs.length === 0) libcs.push('glibc');
const { packages } = JSON.parse(readFileSync(join(project, 'package-lock.json'), 'utf8'));
const allows = (list, ...values) => !list || values.some((value) => list.includes(value));
const files = new Set();
for (const [place, { version, os, cpu, libc }] of Object.entries(packages)) {
  if (place === '' || !allows(os, process.platform) || !allows(cpu, process.arch) || !allows(libc, ...libcs)) continue;
  const name = place.slice(place.lastIndexOf('node_modules/') + 'node_modules/'.length);
  files.add(`/npm/${name}/-/${name.split('/').pop()}-${version}.tgz`);
}
let release;
for (const block of readFileSync(join(project, 'larder.lock'), 'utf8').split('\n[')) {
  const value = (key) => block.match(new RegExp(`^${key} = "(.*)"$`, 'm'))?.[1];
  if (block.startsWith('runtime]')) release = value('version');
  if (block.startsWith('[package]]')) files.add(value('path') ? `/files/${value('path')}` : `/pyodide/v${release}/full/${value('file_name')}`);
}
for (const file of files) console.log(file);
