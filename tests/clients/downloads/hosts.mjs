// What a server needs to be every host of a network namespace: a certificate for each name, and a name server.
import { execFileSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { readFileSync, writeFileSync } from 'node:fs';
import { isIP } from 'node:net';

// certificates FOLDER, which has NAME.pem and NAME.key of each authority: gives the function that makes a key and a certificate for a host, or for several, when they are first
// asked for.
export function certificates(folder) {
	const openssl = (...args) => execFileSync('openssl', args, { cwd: folder, stdio: ['ignore', 'pipe', 'ignore'] });
	openssl('req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-subj', '/CN=server', '-keyout', 'server.key', '-out', 'server.csr');
	const key = readFileSync(`${folder}/server.key`);
	const made = new Map();
	return (hosts, authority = 'ca') => {
		const names = [hosts].flat().map((host) => `${isIP(host) ? 'IP' : 'DNS'}:${host}`).join();
		if (!made.has(names)) {
			writeFileSync(`${folder}/server.ext`, `subjectAltName=${names}\n`);
			const signed = ['-CA', `${authority}.pem`, '-CAkey', `${authority}.key`, '-CAcreateserial', '-days', '2', '-extfile', 'server.ext'];
			made.set(names, { key, cert: openssl('x509', '-req', '-in', 'server.csr', ...signed) });
		}
		return made.get(names);
	};
}

// serveNames ADDRESS_OF, READY: an A record for each name (RFC 1035), with the address that ADDRESS_OF has for it; no record of another type. READY is called when it listens.
export function serveNames(addressOf, ready) {
	const socket = createSocket('udp4', (query, asker) => {
		const end = query.indexOf(0, 12) + 5;
		const isAddress = query.readUInt16BE(end - 4) === 1;
		const head = Buffer.concat([query.subarray(0, 2), Buffer.from([0x81, 0x80, 0, 1, 0, isAddress ? 1 : 0, 0, 0, 0, 0])]);
		const record = () => Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, ...addressOf(nameIn(query)).split('.')]);
		socket.send(Buffer.concat([head, query.subarray(12, end), ...(isAddress ? [record()] : [])]), asker.port, asker.address);
	});
	socket.bind(53, '127.0.0.1', ready);
}

function nameIn(query) {
	const labels = [];
	for (let at = 12; query[at] > 0; at += query[at] + 1) {
		labels.push(query.toString('latin1', at + 1, at + 1 + query[at]));
	}
	return labels.join('.').toLowerCase();
}
