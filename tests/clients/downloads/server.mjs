// Every host of the internet, in this network namespace: a name server that leads each name here, and https with a certificate for each. What is asked for is answered by its
// path with stand-ins (`stand-ins.mjs`).
//
//     node server.mjs FOLDER PACKAGES PYODIDE ADDRESS    FOLDER has ca.pem and ca.key, and gets `ready` when the server listens; PACKAGES and PYODIDE are for `stand-ins.mjs`
//
// FOLDER/requests gets a line of JSON for each request: method, url and, where the answer redirects, location.
import { appendFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { createSecureContext } from 'node:tls';
import { certificates, serveNames } from './hosts.mjs';
import { standIn } from './stand-ins.mjs';

const [folder, , , address] = process.argv.slice(2);
const certificateFor = certificates(folder);

createServer({ SNICallback: (host, done) => done(null, createSecureContext(certificateFor(host))) }, (request, response) => {
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
}).listen(443, address, () => serveNames(() => address, () => writeFileSync(`${folder}/ready`, '')));
