// A script of a project's own, of the usual kind: Pyodide in node loads packages from its CDN and from the Python index, and what it loaded becomes the folder that the
// project serves. It knows nothing of larder.
import { copyFile, readdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadPyodide } from 'pyodide';

const folder = 'static/pyodide';
const packages = ['packaging', 'six', 'stand-in'];

const pyodide = await loadPyodide({ packageCacheDir: folder });
await pyodide.loadPackage('micropip');
const micropip = pyodide.pyimport('micropip');
for (const name of packages) {
	await micropip.install(name);
}
pyodide.runPython('import packaging, six, stand_in; assert stand_in.VALUE == 1');
await writeFile(join(folder, 'pyodide-lock.json'), micropip.freeze());
const runtime = dirname(fileURLToPath(import.meta.resolve('pyodide')));
for (const name of (await readdir(runtime)).filter((file) => /^(pyodide\.|python_stdlib)/.test(file))) {
	await copyFile(join(runtime, name), join(folder, name));
}
console.log(`fetched ${(await readdir(folder)).length} files`);
