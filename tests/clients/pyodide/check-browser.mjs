// check-browser.mjs FOLDER [--load-only] PACKAGE…: the same as check-node.mjs in headless Chromium, which compares every file with the lock's digest. The folder is served on
// loopback; to be run where there is nothing else.
import { spawn } from 'node:child_process';
import { createReadStream } from 'node:fs';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { extname, join, resolve } from 'node:path';
import { LOCKS, report } from './ask.mjs';

const [folder, ...packages] = process.argv.slice(2);
const root = resolve(folder);
const types = { '.html': 'text/html', '.mjs': 'text/javascript', '.js': 'text/javascript', '.json': 'application/json', '.wasm': 'application/wasm' };
const isOld = !(await stat(join(root, LOCKS[0])).catch(() => null));
const page = `<!doctype html><script type="module">
  import { ask } from '/ask.mjs';
  const tell = (found) => fetch('/found', { method: 'POST', body: JSON.stringify(found) });
  try {
    const { loadPyodide } = await import('/folder/pyodide.mjs');
    const lock = await (await fetch('/folder/${LOCKS[isOld ? 1 : 0]}')).json();
    await tell(await ask(await loadPyodide(), ${JSON.stringify(packages)}, lock));
  } catch (error) {
    await tell({ loaded: 0, imported: 0, problems: [String(error.stack ?? error)] });
  }
</script>`;

let tell;
const told = new Promise((settle) => (tell = settle));
const missing = [];
const server = createServer(async (request, response) => {
  const path = decodeURIComponent(new URL(request.url, 'http://loopback').pathname);
  if (path === '/found') {
    let body = '';
    for await (const chunk of request) body += chunk;
    response.end();
    return tell(JSON.parse(body));
  }
  const send = (type, bytes) => response.setHeader('content-type', type).end(bytes);
  if (path === '/') return send('text/html', page);
  if (path === '/ask.mjs') return send('text/javascript', await readFile(new URL('./ask.mjs', import.meta.url)));
  const file = path.startsWith('/folder/') && resolve(root, path.slice('/folder/'.length));
  const isThere = file && file.startsWith(root) && (await stat(file).catch(() => null))?.isFile();
  if (!isThere) {
    if (path !== '/favicon.ico') missing.push(path);
    return response.writeHead(404).end();
  }
  response.setHeader('content-type', types[extname(file)] ?? 'application/octet-stream');
  createReadStream(file).pipe(response);
});
await new Promise((settle) => server.listen(0, '127.0.0.1', settle));
const profile = await mkdtemp(join(tmpdir(), 'larder-chromium-'));
const flags = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--no-first-run', '--disable-background-networking'];
const address = `http://127.0.0.1:${server.address().port}/`;
const browser = spawn('chromium', [...flags, `--user-data-dir=${profile}`, address], { stdio: 'ignore' });
browser.on('error', (error) => tell({ loaded: 0, imported: 0, problems: [String(error)] }));
const late = setTimeout(() => tell({ loaded: 0, imported: 0, problems: ['nothing came back for three minutes'] }), 180_000);
const found = await told;
clearTimeout(late);
const ended = new Promise((settle) => browser.once('exit', settle));
browser.kill();
await ended;
server.close();
server.closeAllConnections();
await rm(profile, { recursive: true, force: true, maxRetries: 5 });
found.problems.push(...missing.map((path) => `the browser asked for ${path}, which is not there`));
process.exit(report(found));
