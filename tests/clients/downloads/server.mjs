// Every host of the internet, in this network namespace: a name server that leads each name here, and https with a certificate for each. What is asked for is answered by its
// path with stand-ins (`stand-ins.mjs`); below /git/, git's own server answers for the repositories in FOLDER/git.
//
//     node server.mjs FOLDER PACKAGES PYODIDE ADDRESS    FOLDER has ca.pem and ca.key, and gets `ready` when the server listens; PACKAGES and PYODIDE are for `stand-ins.mjs`
//
// FOLDER/requests gets a line of JSON for each request: method, url and, where the answer redirects, location.
import { spawn } from 'node:child_process';
import { appendFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { createSecureContext } from 'node:tls';
import { certificates, serveNames } from './hosts.mjs';
import { standIn } from './stand-ins.mjs';

const [folder, , , address] = process.argv.slice(2);
const certificateFor = certificates(folder);

createServer({ SNICallback: (host, done) => done(null, createSecureContext(certificateFor(host))) }, (request, response) => {
	const url = new URL(request.url, `https://${request.headers.host}`);
	if (url.pathname.startsWith('/git/')) {
		return answerGit(request, response, url);
	}
	const found = standIn(url);
	const location = found?.location && new URL(found.location, url).href;
	note(request, url, location);
	if (!found) {
		return response.writeHead(404, { 'content-type': 'text/plain' }).end('not found\n');
	}
	if (location) {
		return response.writeHead(302, { location }).end();
	}
	response.writeHead(200, { 'content-type': found.type, 'content-length': found.bytes.length });
	return response.end(request.method === 'HEAD' ? undefined : found.bytes);
}).listen(443, address, () => serveNames(() => address, () => writeFileSync(`${folder}/ready`, '')));

function note({ method }, { href }, location) {
	appendFileSync(`${folder}/requests`, `${JSON.stringify({ method, url: href, location })}\n`);
}

// Answers as git-http-backend(1) does, which speaks CGI (RFC 3875).
function answerGit(request, response, url) {
	note(request, url);
	const { 'content-type': CONTENT_TYPE, 'content-encoding': HTTP_CONTENT_ENCODING, 'git-protocol': GIT_PROTOCOL } = request.headers;
	const asked = { REQUEST_METHOD: request.method, PATH_INFO: url.pathname, QUERY_STRING: url.search.slice(1), CONTENT_TYPE, HTTP_CONTENT_ENCODING, GIT_PROTOCOL };
	const backend = spawn('git', ['http-backend'], { env: { PATH: process.env.PATH, GIT_PROJECT_ROOT: folder, GIT_HTTP_EXPORT_ALL: '1', ...asked }, stdio: ['pipe', 'pipe', 'inherit'] });
	request.pipe(backend.stdin);
	backend.stdout.toArray().then((parts) => {
		const answer = Buffer.concat(parts);
		const end = answer.indexOf('\r\n\r\n');
		const headers = answer.toString('latin1', 0, end).split('\r\n').map((line) => line.split(': '));
		const status = headers.find(([name]) => name === 'Status')?.[1] ?? '200';
		response.writeHead(parseInt(status), headers.filter(([name]) => name !== 'Status').flat()).end(answer.subarray(end + 4));
	});
}
