// check-browser.mjs FOLDER [--load-only] PACKAGE…: the same as check-node.mjs in headless Chromium, which compares every file with the lock's digest.
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { LOCKS, report } from './ask.mjs';
import { found } from './chromium.mjs';

const [folder, ...packages] = process.argv.slice(2);
const isOld = !(await stat(join(folder, LOCKS[0])).catch(() => null));
const page = `<!doctype html><script type="module">
  import { ask } from '/ask.mjs';
  const tell = (found) => fetch('/found', { method: 'POST', body: JSON.stringify(found) });
  try {
    const { loadPyodide } = await import('/folder/pyodide.mjs');
    const lock = await (await fetch('/folder/${LOCKS[isOld ? 1 : 0]}')).json();
    await tell(await ask(await loadPyodide(), ${JSON.stringify(packages)}, lock));
  } catch (error) {
    await tell({ problems: [String(error.stack ?? error)] });
  }
</script>`;
const pages = { '/': page, '/ask.mjs': await readFile(new URL('./ask.mjs', import.meta.url), 'utf8') };
process.exit(report({ loaded: 0, imported: 0, ...(await found(pages, { '/folder/': folder })) }));
