// What both clients ask of a Pyodide that was started: node imports this file, and the page in the browser does.

const normal = (name) => name.replace(/[-_.]+/g, '-').toLowerCase();

// The lock's name: before 0.24 it is the other.
export const LOCKS = ['pyodide-lock.json', 'repodata.json'];

// How long a client may take, before it counts as one that waits for ever: a busy machine takes minutes for what takes seconds.
export const MINUTES = 10;

// Loads the packages and imports what they bring. `loadPackage` resolves whatever happens, so its messages and what is loaded are looked at.
// After `--load-only` nothing is imported.
export async function ask(pyodide, names, lock) {
  const isLoadOnly = names[0] === '--load-only';
  const packages = isLoadOnly ? names.slice(1) : names;
  const problems = [];
  const messageCallback = (text) => /^(Failed|Didn't find)/.test(text) && problems.push(text);
  const errorCallback = (text) => problems.push(text);
  // 0.21 takes the two one after the other.
  const callbacks = pyodide.version.startsWith('0.21.') ? [messageCallback, errorCallback] : [{ messageCallback, errorCallback }];
  await pyodide.loadPackage(packages, ...callbacks);
  const loaded = Object.keys(pyodide.loadedPackages);
  const there = new Set(loaded.map(normal));
  for (const name of packages) if (!there.has(normal(name))) problems.push(`${name} was not loaded`);
  let imported = 0;
  for (const name of isLoadOnly ? [] : packages) {
    const entry = lock.packages[name];
    if (entry.package_type === 'shared_library' || !entry.imports.length) continue;
    const errors = entry.imports.map((module) => importError(pyodide, module)).filter(Boolean);
    imported += entry.imports.length - errors.length;
    // Some packages bring a module that needs an extra: one that can be imported is enough.
    if (errors.length === entry.imports.length) problems.push(`${name}: ${errors.join('; ')}`);
  }
  return { version: pyodide.version, loaded: loaded.length, imported, problems };
}

function importError(pyodide, module) {
  try {
    pyodide.runPython(`import importlib\nimportlib.import_module(${JSON.stringify(module)})`);
  } catch (error) {
    return `import ${module}: ${String(error.message).trim().split('\n').at(-1)}`;
  }
}

// Prints what was found, and gives the exit code.
export function report({ version, loaded, imported, problems }) {
  for (const problem of problems) console.error(problem);
  console.log(`pyodide ${version} loaded ${loaded} packages and imported ${imported} modules, ${problems.length} problems`);
  return problems.length || !loaded ? 1 : 0;
}
