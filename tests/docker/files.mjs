// Servers of files on public names, behind a proxy on loopback: whoever asks it for a host by CONNECT gets FOLDER/HOST/PATH over TLS. Queries are left out.
//
//     node files.mjs FOLDER LOG     FOLDER has server.key and server.pem; each request is a line of LOG. The proxy's port stands on the first line of the output
import { appendFileSync, createReadStream, readFileSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import { resolve } from 'node:path';
import { TLSSocket } from 'node:tls';

const [folder, log] = process.argv.slice(2);
const certificate = { key: readFileSync(`${folder}/server.key`), cert: readFileSync(`${folder}/server.pem`) };

const files = createServer((request, response) => {
  const { host, pathname } = new URL(request.url, `https://${request.headers.host}`);
  const file = resolve(folder, host, `.${decodeURIComponent(pathname)}`);
  appendFileSync(log, `${request.method} ${host}${request.url}\n`);
  const found = file.startsWith(`${resolve(folder, host)}/`) && statSync(file, { throwIfNoEntry: false });
  if (!found || !found.isFile()) {
    response.writeHead(404).end();
    return;
  }
  response.writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': found.size });
  createReadStream(file).pipe(response);
});

const proxy = createServer((request, response) => response.writeHead(405).end());
proxy.on('connect', (request, socket) => {
  // A client that goes away has what it wanted.
  socket.on('error', () => socket.destroy());
  socket.write('HTTP/1.1 200 Connected\r\n\r\n');
  const inside = new TLSSocket(socket, { isServer: true, ...certificate });
  inside.on('error', () => inside.destroy());
  files.emit('connection', inside);
});
proxy.listen(0, '127.0.0.1', () => console.log(proxy.address().port));
