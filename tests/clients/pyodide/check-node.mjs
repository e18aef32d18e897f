// check-node.mjs FOLDER [--load-only] PACKAGE…: Pyodide in node loads these packages from the folder, and every module that the lock says they bring can be imported.
// To be run where there is no network. The last line of the output says what was done; exit code 1 if anything went wrong.
import { readFile, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { LOCKS, MINUTES, ask, report } from './ask.mjs';

const [folder, ...packages] = process.argv.slice(2);
const root = resolve(folder);
const requests = [];
globalThis.fetch = async (address) => {
  requests.push(String(address));
  throw new TypeError(`a request for ${address}`);
};
const patience = setTimeout(() => {
  console.error(`nothing happened for ${MINUTES} minutes: the loader waits for a cycle`);
  process.exit(1);
}, MINUTES * 60_000);
const isOld = !(await stat(resolve(root, LOCKS[0])).catch(() => null));
const lock = JSON.parse(await readFile(resolve(root, LOCKS[isOld ? 1 : 0]), 'utf8'));
const { loadPyodide } = await import(pathToFileURL(resolve(root, 'pyodide.mjs')).href);
const found = await ask(await loadPyodide({ indexURL: root }), packages, lock);
clearTimeout(patience);
found.problems.push(...requests.map((address) => `a request for ${address}`));
process.exit(report(found));
