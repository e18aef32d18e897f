// A registry, a scope's own registry, a host of files and a forge, on port 443 of this network namespace; every request goes to a log.
//
//     node server.mjs FOLDER READY    FOLDER has server.key, server.pem and tarballs; READY is made when it listens; requests go to FOLDER/requests
import { createHash } from 'node:crypto';
import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';

const [folder, ready] = process.argv.slice(2);
const file = (name) => readFileSync(`${folder}/${name}`);

// The tarball of a package, by its name.
const tarball = (name) => `${name.replace('@', '').replace('/', '-')}-1.0.0.tgz`;

function packument(host, name) {
	const bytes = file(tarball(name));
	const dist = {
		tarball: `https://${host}/${name}/-/${name.split('/').pop()}-1.0.0.tgz`,
		integrity: `sha512-${createHash('sha512').update(bytes).digest('base64')}`,
		shasum: createHash('sha1').update(bytes).digest('hex')
	};
	return JSON.stringify({ name, time: { '1.0.0': '2020-01-01T00:00:00.000Z' }, 'dist-tags': { latest: '1.0.0' }, versions: { '1.0.0': { name, version: '1.0.0', dist } } });
}

function answer(host, path) {
	const [, name] = /^\/((?:@[^/]+\/)?[^/]+)\/-\/[^/]+$/.exec(path) ?? [];
	if (name && existsSync(`${folder}/${tarball(name)}`)) return file(tarball(name));
	const commit = /^\/(?:repos\/)?[^/]+\/([^/]+)\/(?:tar\.gz|archive|tarball)\/[0-9a-f]{7,40}(?:\.tar\.gz)?$/.exec(path);
	if (commit) return file(tarball(commit[1]));
	if (existsSync(`${folder}${path}`) && path.endsWith('.tgz')) return file(path.slice(1));
	const wanted = path.slice(1);
	return /^(@[^/]+\/)?[^/]+$/.test(wanted) && existsSync(`${folder}/${tarball(wanted)}`) ? packument(host, wanted) : undefined;
}

createServer({ key: file('server.key'), cert: file('server.pem') }, (request, response) => {
	const host = request.headers.host;
	appendFileSync(`${folder}/requests`, `${request.method} ${host}${request.url}\n`);
	const found = answer(host, decodeURIComponent(new URL(request.url, `https://${host}`).pathname));
	response.writeHead(found ? 200 : 404, { 'content-type': Buffer.isBuffer(found) ? 'application/octet-stream' : 'application/json' });
	response.end(request.method === 'HEAD' ? undefined : found ?? '{}');
}).listen(443, '127.0.0.1', () => writeFileSync(ready, ''));
