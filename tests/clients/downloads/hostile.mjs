// Every host of the internet as hostile.sh wants it: some names lead into private networks, one server cannot prove who it is, and some files change.
//
//     node hostile.mjs FOLDER    FOLDER has ca.pem and ca.key, false.pem and false.key, and gets `ready` when the server listens
//
// FOLDER/requests gets a line for each request: the address at which it came, what it asks for, and the headers that say who asks.
import { appendFileSync, writeFileSync } from 'node:fs';
import { createServer as createHttp } from 'node:http';
import { createServer as createHttps } from 'node:https';
import { createSecureContext } from 'node:tls';
import { certificates, serveNames } from './hosts.mjs';

const [folder] = process.argv.slice(2);
const certificateFor = certificates(folder);

const PUBLIC = '198.51.100.1';
const PRIVATE = { 'private.example': '10.9.8.7', 'link-local.example': '169.254.9.9', 'loopback.example': '127.0.0.9' };

const file = (bytes) => (response) => response.writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': bytes.length }).end(bytes);
const small = (word) => file(Buffer.alloc(3000, `${word}\0`));
const large = (word) => file(Buffer.alloc(20_000_000, `${word}\0`));
const redirect = (location) => (response) => response.writeHead(302, { location }).end();
const third = (response, then) => response.writeHead(200, { 'content-length': 3_000_000 }).write(Buffer.alloc(1_000_000, 'part\0'), then);

// How often each path was asked for before.
const asked = new Map();

// What a path is answered with. Who answers gets what the path matched, and how often it was asked for before.
const RULES = [
	[/^\/innocent\.bin$/, () => small('innocent')],
	[/^\/innocent-large\.bin$/, () => large('innocent')],
	[/^\/secret\.bin$/, () => small('secret')],
	[/^\/token\.json$/, () => (response) => response.writeHead(200, { 'content-type': 'application/json' }).end('{ "access_token": "s3cret" }')],
	[/^\/to\/(.+)$/, ([, location]) => redirect(location)],
	[/^\/(\d+)-times-first\.bin$/, ([, times], before) => small(before < times ? 'first' : 'second')],
	[/^\/(\d+)-times-first-large\.bin$/, ([, times], before) => large(before < times ? 'first' : 'second')],
	[/^\/(\d+)-times-secret-then-to\/(.+)$/, ([, times, location], before) => (before < times ? small('secret') : redirect(location))],
	// A third, and no more for who waits.
	[/^\/half\.bin$/, () => (response) => third(response)],
	[/^\/cut\.bin$/, () => (response) => third(response, () => response.destroy())]
];

function answer(scheme, request, response) {
	const { host, authorization = '', cookie = '' } = request.headers;
	const [path] = request.url.split('?');
	const before = asked.get(path) ?? 0;
	asked.set(path, before + 1);
	appendFileSync(`${folder}/requests`, `${request.socket.localAddress} ${scheme}://${host}${request.url} ${authorization}${cookie}\n`);
	for (const [pattern, rule] of RULES) {
		const found = pattern.exec(path);
		if (found) {
			return rule(found, before)(response);
		}
	}
	return response.writeHead(404).end();
}

const contextFor = (host) => createSecureContext(certificateFor(host, host === 'false.example' ? 'false' : 'ca'));
// Who asks for an address names no host.
const options = { ...certificateFor([PUBLIC, ...Object.values(PRIVATE)]), SNICallback: (host, done) => done(null, contextFor(host)) };
const https = createHttps(options, (request, response) => answer('https', request, response));
const http = createHttp((request, response) => answer('http', request, response));
// Of one name, the first look-up leads to the public address, and each after it into a private network.
let rebound = 0;
const addressOf = (name) => (name === 'rebound.example' && rebound++ > 0 ? PRIVATE['private.example'] : (PRIVATE[name] ?? PUBLIC));
const listening = () => serveNames(addressOf, () => writeFileSync(`${folder}/ready`, ''));
http.listen(80, '0.0.0.0', () => https.listen(443, '0.0.0.0', listening));
