// naive.mjs PROJECT REGISTRY: lets a copy of the example fetch Pyodide in `npm run build`, and gives each package of its lockfile an address at REGISTRY.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const [project, registry] = process.argv.slice(2);

function edit(name, change) {
  const file = join(project, name);
  const document = JSON.parse(readFileSync(file, 'utf8'));
  change(document);
  writeFileSync(file, `${JSON.stringify(document, null, 2)}\n`);
}

edit('package.json', ({ scripts }) => (scripts.pyodide = 'node fetch-pyodide.mjs'));
edit('package-lock.json', ({ packages }) => {
  for (const [place, entry] of Object.entries(packages)) {
    if (place === '') continue;
    const name = place.slice(place.lastIndexOf('node_modules/') + 'node_modules/'.length);
    entry.resolved = `${registry}/${name}/-/${name.split('/').pop()}-${entry.version}.tgz`;
  }
});
