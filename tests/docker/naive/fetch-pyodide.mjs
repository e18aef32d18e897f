// fetch-pyodide.mjs: the runtime out of node_modules, and every address of pyodide.list, to static/pyodide.
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const folder = 'static/pyodide';
await mkdir(folder, { recursive: true });
await cp('node_modules/pyodide', folder, { recursive: true });
for (const address of (await readFile('pyodide.list', 'utf8')).trim().split('\n')) {
  const response = await fetch(address);
  if (!response.ok) throw new Error(`${address}: ${response.status}`);
  await writeFile(join(folder, address.split('/').pop()), Buffer.from(await response.arrayBuffer()));
}
