// Lays out Pyodide's runtime, as the npm package `pyodide` holds it, in static/pyodide.
import { cp, mkdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const source = dirname(fileURLToPath(import.meta.resolve('pyodide/package.json')));
const target = fileURLToPath(new URL('../static/pyodide/', import.meta.url));
const files = ['pyodide.asm.mjs', 'pyodide.asm.wasm', 'python_stdlib.zip', 'pyodide-lock.json'];

await rm(target, { recursive: true, force: true });
await mkdir(target, { recursive: true });
await Promise.all(files.map((file) => cp(join(source, file), join(target, file))));
console.log(`static/pyodide: ${files.length} files`);
