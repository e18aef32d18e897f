// What micropip would install for each requirement, as `name==version` lines after a line `# requirement`.
//
//     node chosen-by-micropip.mjs FOLDER_WITH_PYODIDE MICROPIP_WHEEL REQUIREMENT…
//
// micropip chooses, and installs nothing: packages of the distribution need not be there. What its lock says that they need is followed here.
import { readFileSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

const [folder, wheel, ...requirements] = process.argv.slice(2);
const { loadPyodide } = await import(pathToFileURL(join(resolve(folder), "pyodide.mjs")));
const python = await loadPyodide({ indexURL: resolve(folder) + "/" });
const lock = JSON.parse(readFileSync(join(folder, "pyodide-lock.json"), "utf8"));
const normal = (name) => name.replace(/[-_.]+/g, "-").toLowerCase();

python.FS.writeFile(`/tmp/${basename(wheel)}`, readFileSync(wheel));
await python.runPythonAsync(`
import sys, json
sys.path.insert(0, "/tmp/${basename(wheel)}")
from micropip.transaction import Transaction
from micropip._vendored.packaging.src.packaging.markers import default_environment
from micropip import package_index
try:
    from micropip._compat import compatibility_layer as layer
except ImportError:
    from micropip._compat import CompatibilityInPyodide as layer

async def chosen(requirement):
    transaction = Transaction(
        _compat_layer=layer if isinstance(layer, type) else type(layer), ctx=default_environment(), ctx_extras=[], keep_going=True, deps=True, pre=False,
        fetch_kwargs={}, verbose=False, index_urls=package_index.DEFAULT_INDEX_URLS, constraints=[], reinstall=False)
    await transaction.gather_requirements([requirement])
    return json.dumps({
        "failed": [str(one) for one in transaction.failed],
        "wheels": [[str(one.name), str(one.version)] for one in transaction.wheels],
        "distribution": [str(one.name) for one in transaction.pyodide_packages],
    })
`);
const chosen = python.globals.get("chosen");
for (const requirement of requirements) {
	console.log(`# ${requirement}`);
	try {
		const { failed, wheels, distribution } = JSON.parse(await chosen(requirement));
		const all = new Map(wheels.map(([name, version]) => [normal(name), version]));
		const queue = distribution.map(normal);
		while (queue.length > 0) {
			const name = queue.pop();
			if (all.has(name) || !lock.packages[name]) continue;
			all.set(name, lock.packages[name].version);
			queue.push(...lock.packages[name].depends.map(normal));
		}
		for (const one of failed) console.log(`failed: ${one}`);
		for (const [name, version] of [...all].sort()) console.log(`${name}==${version}`);
	} catch (error) {
		console.log(`failed: ${String(error.message).trim().split("\n").pop()}`);
	}
}
