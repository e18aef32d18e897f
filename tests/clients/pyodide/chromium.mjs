// A page in headless Chromium, served on loopback, until it tells what it found. To be run where there is nothing else than loopback.
import { spawn } from 'node:child_process';
import { createReadStream } from 'node:fs';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { extname, join, resolve } from 'node:path';
import { MINUTES } from './ask.mjs';

const TYPES = {
  '.css': 'text/css',
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.json': 'application/json',
  '.mjs': 'text/javascript',
  '.wasm': 'application/wasm',
};

// found(pages, folders): opens `/` and gives the document that the page posts to `/found`, or `problems`; what it posts to `/at` says how far it came.
// `pages` are texts by path; `folders` have files below a path each, such as `/folder/`. What the page asks for and nobody has is a problem, too.
export async function found(pages, folders) {
  let tell;
  const told = new Promise((settle) => (tell = settle));
  const missing = [];
  let at = 'its beginning';
  const server = createServer(async (request, response) => {
    const path = decodeURIComponent(new URL(request.url, 'http://loopback').pathname);
    if (path === '/found' || path === '/at') {
      let body = '';
      for await (const chunk of request) body += chunk;
      response.end();
      return path === '/at' ? (at = body) : tell(JSON.parse(body));
    }
    response.setHeader('content-type', TYPES[path === '/' ? '.html' : extname(path)] ?? 'application/octet-stream');
    if (path in pages) return response.end(pages[path]);
    const file = await fileAt(folders, path);
    if (!file) {
      if (path !== '/favicon.ico') missing.push(path);
      return response.writeHead(404).end();
    }
    createReadStream(file).pipe(response);
  });
  await new Promise((settle) => server.listen(0, '127.0.0.1', settle));
  const profile = await mkdtemp(join(tmpdir(), 'larder-chromium-'));
  const flags = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--no-first-run', '--disable-background-networking'];
  const address = `http://127.0.0.1:${server.address().port}/`;
  const browser = spawn('chromium', [...flags, `--user-data-dir=${profile}`, address], { stdio: 'ignore' });
  browser.on('exit', (code, signal) => tell({ problems: [`the browser ended by itself: ${code ?? signal}`] }));
  browser.on('error', (error) => tell({ problems: [String(error)] }));
  const late = setTimeout(() => tell({ problems: [`nothing came back for ${MINUTES} minutes, since ${at}`] }), MINUTES * 60_000);
  const result = await told;
  clearTimeout(late);
  const ended = new Promise((settle) => browser.once('exit', settle));
  browser.kill();
  await ended;
  server.close();
  server.closeAllConnections();
  await rm(profile, { recursive: true, force: true, maxRetries: 5 });
  result.problems.push(...missing.map((path) => `the browser asked for ${path}, which is not there`));
  return result;
}

async function fileAt(folders, path) {
  for (const [below, folder] of Object.entries(folders)) {
    const root = resolve(folder);
    const file = path.startsWith(below) && resolve(root, path.slice(below.length));
    if (file && file.startsWith(root) && (await stat(file).catch(() => null))?.isFile()) return file;
  }
  return null;
}
