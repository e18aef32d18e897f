// install-with-micropip.mjs FOLDER INDEX PACKAGE: micropip, loaded from the folder, installs the package from that index and no other place.
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

const [folder, index, name] = process.argv.slice(2);
const root = resolve(folder);
const { loadPyodide } = await import(pathToFileURL(resolve(root, 'pyodide.mjs')).href);
const pyodide = await loadPyodide({ indexURL: root });
await pyodide.loadPackage('micropip');
const asked = [];
const real = globalThis.fetch;
globalThis.fetch = (address, ...rest) => {
  asked.push(address.url ?? String(address));
  return real(address, ...rest);
};
await pyodide.runPythonAsync(`import micropip\nawait micropip.install(${JSON.stringify(name)}, index_urls=${JSON.stringify(index)})\nimport ${name}`);
const elsewhere = asked.filter((address) => !address.startsWith(new URL(index).origin));
for (const address of elsewhere) console.error(`a request for ${address}`);
console.log(`${name} installed with ${asked.length} requests, ${elsewhere.length} of them elsewhere`);
process.exit(elsewhere.length || !asked.length ? 1 : 0);
