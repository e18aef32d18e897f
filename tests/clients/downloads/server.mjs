// Every host of the internet, in this network namespace: a name server that leads each name here, and https with a certificate for each. What is asked for is answered by its
// path with stand-ins (`stand-ins.mjs`).
//
//     node server.mjs FOLDER PACKAGES PYODIDE ADDRESS    FOLDER has ca.pem and ca.key, and gets `ready` when the server listens; PACKAGES and PYODIDE are for `stand-ins.mjs`
//
// FOLDER/requests gets a line of JSON for each request: method, url and, where the answer redirects, location.
import { execFileSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { createSecureContext } from 'node:tls';
import { standIn } from './stand-ins.mjs';

const [folder, , , address] = process.argv.slice(2);

// A certificate for any host, made when it is first asked for.
const openssl = (...args) => execFileSync('openssl', args, { cwd: folder, stdio: ['ignore', 'pipe', 'ignore'] });
openssl('req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-subj', '/CN=server', '-keyout', 'server.key', '-out', 'server.csr');
const key = readFileSync(`${folder}/server.key`);
const contexts = new Map();
function contextFor(host) {
	if (!contexts.has(host)) {
		writeFileSync(`${folder}/server.ext`, `subjectAltName=DNS:${host}\n`);
		const cert = openssl('x509', '-req', '-in', 'server.csr', '-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '2', '-extfile', 'server.ext');
		contexts.set(host, createSecureContext({ key, cert }));
	}
	return contexts.get(host);
}

createServer({ key, SNICallback: (host, done) => done(null, contextFor(host)) }, (request, response) => {
	const url = new URL(request.url, `https://${request.headers.host}`);
	const found = standIn(url);
	const location = found?.location && new URL(found.location, url).href;
	appendFileSync(`${folder}/requests`, `${JSON.stringify({ method: request.method, url: url.href, location })}\n`);
	if (!found) {
		return response.writeHead(404, { 'content-type': 'text/plain' }).end('not found\n');
	}
	if (location) {
		return response.writeHead(302, { location }).end();
	}
	response.writeHead(200, { 'content-type': found.type, 'content-length': found.bytes.length });
	return response.end(request.method === 'HEAD' ? undefined : found.bytes);
}).listen(443, address, () => names.bind(53, '127.0.0.1', () => writeFileSync(`${folder}/ready`, '')));

// RFC 1035: an A record of the address for each name; no record of another type.
const names = createSocket('udp4', (query, asker) => {
	const end = query.indexOf(0, 12) + 5;
	const isAddress = query.readUInt16BE(end - 4) === 1;
	const head = Buffer.concat([query.subarray(0, 2), Buffer.from([0x81, 0x80, 0, 1, 0, isAddress ? 1 : 0, 0, 0, 0, 0])]);
	const record = Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, ...address.split('.')]);
	names.send(Buffer.concat([head, query.subarray(12, end), ...(isAddress ? [record] : [])]), asker.port, asker.address);
});
