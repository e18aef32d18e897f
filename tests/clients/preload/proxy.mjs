// A proxy that answers whatever its clients ask for, as a replaying one does, and an https server that none of them should ask it for.
//
//     node proxy.mjs FOLDER    FOLDER has key.pem and cert.pem, for *.public.example and localhost
//
// It ends when its standard input does. FOLDER/ports: the proxy's port, and the https server's. FOLDER/asked: a line for each CONNECT.
// A host's first label says what the proxy does with it (`ways` below), and a path what a server answers (`answer`).
import { appendFileSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createSecureServer } from 'node:http2';
import { createServer as createHttpsServer } from 'node:https';

const [folder] = process.argv.slice(2);
const certificate = { key: readFileSync(`${folder}/key.pem`), cert: readFileSync(`${folder}/cert.pem`) };
const authorization = `Basic ${Buffer.from('larder:secret').toString('base64')}`;
const megabyte = Buffer.alloc(1 << 20, 'x');

async function answer(who, request, response) {
	const [, what, size] = request.url.split('/');
	const socket = request.stream?.session.socket ?? request.socket;
	socket.requests = (socket.requests ?? 0) + 1;
	if (what === 'silent') {
		return;
	}
	if (what === 'megabytes') {
		response.writeHead(200, { 'content-length': size << 20 });
		for (let sent = 0; sent < size; sent += 1) {
			response.write(megabyte) || (await new Promise((resolve) => response.once('drain', resolve)));
		}
		response.end();
		return;
	}
	if (what === 'echo') {
		let bytes = 0;
		for await (const chunk of request) {
			bytes += chunk.length;
		}
		response.end(`${bytes} bytes`);
		return;
	}
	if (what === 'broken') {
		response.writeHead(200, { 'content-length': 100 });
		response.write('x');
		setTimeout(() => socket.destroy(), 50);
		return;
	}
	if (what === 'ends') {
		response.end(`${socket.requests}`);
		setTimeout(() => socket.end(), 20);
		return;
	}
	const known = { version: request.httpVersion, requests: socket.requests, resumed: socket.isSessionReused(), sni: socket.servername };
	response.writeHead(200, { 'content-type': 'text/plain', ...(what === 'close' && { connection: 'close' }) });
	response.end(what in known ? `${known[what]}` : `${who} ${request.headers.host ?? request.authority}`);
}

const inTunnel = createSecureServer({ ...certificate, allowHTTP1: true }, (request, response) => answer('tunnel', request, response));
const stands = 'HTTP/1.1 200 Connection established\r\n\r\n';
function serve(socket) {
	// A socket of an http server stays open when its client has ended, which TLS does not expect.
	socket.allowHalfOpen = false;
	inTunnel.emit('connection', socket);
}
const ways = {
	refused: (socket) => socket.end('HTTP/1.1 404 Not in larder.lock\r\nContent-Length: 0\r\n\r\n'),
	silent: () => {},
	closed: (socket) => socket.end(),
	reset: (socket) => socket.resetAndDestroy(),
	halves: (socket) => {
		socket.write(stands.slice(0, 30));
		setTimeout(() => socket.write(stands.slice(30)) && serve(socket), 20);
	}
};
const proxy = createServer((request, response) => response.writeHead(501).end());
proxy.on('connect', (request, socket) => {
	appendFileSync(`${folder}/asked`, `${request.url}\n`);
	socket.on('error', () => {});
	const way = ways[request.url.split('.')[0]];
	if (request.headers['proxy-authorization'] !== authorization) {
		socket.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n');
	} else if (way) {
		way(socket);
	} else {
		socket.write(stands);
		serve(socket);
	}
});
const direct = createHttpsServer(certificate, (request, response) => answer('direct', request, response));

for (const server of [inTunnel, direct]) {
	server.on('tlsClientError', () => {});
}
for (const server of [proxy, direct]) {
	await new Promise((resolve) => server.listen(0, '::', resolve));
}
writeFileSync(`${folder}/ports.part`, `${proxy.address().port} ${direct.address().port}\n`);
renameSync(`${folder}/ports.part`, `${folder}/ports`);
process.stdin.on('end', () => process.exit()).resume();
