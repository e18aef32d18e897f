// A registry on loopback that writes down each request: `METHOD PATH STATUS BYTES` a line of LOG, when the answer is out.
//
//     node registry.mjs LOG CACHE     with NPM, OWN, FILES and PYODIDE in the environment
//
// `/npm/` is the npm registry at NPM, with the tarballs in the folder OWN besides, `/files/` the host of the Python index's files at FILES; what either gave is kept in CACHE, for the next run too.
// `/private/` is `/npm/` for those who send the token `larder-test`; everybody else gets 401. `/pyodide/` is the folder PYODIDE, as the CDN has it. The port stands on the first line of the output.
import { createHash } from 'node:crypto';
import { appendFileSync } from 'node:fs';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { basename, join, resolve } from 'node:path';

const [log, cache] = process.argv.slice(2);
const { NPM, OWN, FILES, PYODIDE } = process.env;
const underWay = new Map();

// What stands at an address, from CACHE or from there; asked for once, however many want it.
function upstream(base, path, accept) {
  const address = new URL(path, base).href;
  if (!underWay.has(address)) {
    underWay.set(
      address,
      load(address, accept).finally(() => underWay.delete(address))
    );
  }
  return underWay.get(address);
}

async function load(address, accept) {
  const file = join(cache, createHash('sha256').update(address).digest('hex'));
  const kept = await readFile(file).catch(() => null);
  if (kept) return kept;
  const response = await fetch(address, { headers: { accept } });
  if (!response.ok) return null;
  const body = Buffer.from(await response.arrayBuffer());
  await writeFile(`${file}.new`, body);
  await rename(`${file}.new`, file);
  return body;
}

// A package's document, with its tarballs here.
async function packument(name, here) {
  const body = await upstream(NPM, name, 'application/vnd.npm.install-v1+json');
  if (!body) return null;
  const document = JSON.parse(body);
  for (const version of Object.values(document.versions)) {
    const { pathname } = new URL(version.dist.tarball);
    version.dist.tarball = here + pathname.slice(new URL(NPM).pathname.length);
  }
  return Buffer.from(JSON.stringify(document));
}

async function answer(path, here) {
  const [, registry] = path.match(/^\/(npm|private)\//) ?? [];
  if (registry) {
    const rest = path.slice(registry.length + 2);
    const own = await readFile(join(OWN, basename(rest))).catch(() => null);
    if (own) return own;
    return rest.includes('/-/') ? upstream(NPM, rest, '*/*') : packument(rest, `${here}/${registry}/`);
  }
  if (path.startsWith('/files/')) return upstream(FILES, path.slice('/files/'.length), '*/*');
  if (path.startsWith('/pyodide/')) {
    const file = resolve(PYODIDE, decodeURIComponent(path.slice('/pyodide/'.length)));
    return file.startsWith(`${resolve(PYODIDE)}/`) ? readFile(file).catch(() => null) : null;
  }
  return null;
}

await mkdir(cache, { recursive: true });
const server = createServer(async (request, response) => {
  const { pathname } = new URL(request.url, 'http://loopback');
  let status = 502;
  let body = null;
  try {
    const isKnown = !pathname.startsWith('/private/') || request.headers.authorization === 'Bearer larder-test';
    body = isKnown && request.method === 'GET' ? await answer(pathname, `http://${request.headers.host}`) : null;
    status = body ? 200 : isKnown ? 404 : 401;
  } catch (error) {
    console.error(`${pathname}: ${error}`);
  }
  // Written before the answer: whoever has it finds its line.
  appendFileSync(log, `${request.method} ${pathname} ${status} ${body?.length ?? 0}\n`);
  response.writeHead(status, { 'content-length': body?.length ?? 0 });
  response.end(body ?? undefined);
});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
