// A lockfile of any size, and the registry that has its packages.
//
//     node synthetic.mjs project N FOLDER [BYTES]    writes FOLDER/package.json and FOLDER/package-lock.json with N packages
//     node synthetic.mjs serve PORT_FILE [BYTES]     serves any of them on loopback; the port goes to PORT_FILE; ends with SIGTERM
//
// A package's tarball is no archive, since nothing unpacks it: its name, repeated to 1 kB or so; or as many BYTES, which compress as little as those of a tarball.
import { createCipheriv, createHash } from 'node:crypto';
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';

const [command, ...rest] = process.argv.slice(2);
const bytes = Number(rest[command === 'project' ? 2 : 1] ?? 0);

function body(path) {
	if (!bytes) return Buffer.from(`${path}\n`.repeat(32));
	const key = createHash('sha256').update(path).digest();
	return createCipheriv('aes-128-ctr', key.subarray(0, 16), key.subarray(16)).update(Buffer.alloc(bytes));
}

function project(count, folder) {
	const root = { name: 'synthetic', version: '1.0.0', dependencies: {} };
	const packages = { '': root };
	for (let number = 0; number < count; number += 1) {
		// A third is scoped, and a tenth nested, as in real lockfiles.
		const base = `package-${number}`;
		const name = number % 3 === 0 ? `@scope-${number % 50}/${base}` : base;
		const path = `${name}/-/${base}-1.${number % 20}.0.tgz`;
		const isNested = number % 10 === 9;
		packages[`${isNested ? `node_modules/package-${number - 1 - ((number - 1) % 3 === 0 ? 1 : 0)}/` : ''}node_modules/${name}`] = {
			version: `1.${number % 20}.0`,
			resolved: `https://registry.example/${path}`,
			integrity: `sha512-${createHash('sha512').update(body(path)).digest('base64')}`,
			license: 'MIT',
			...(number % 4 === 0 && { dev: true }),
			engines: { node: '>=18' }
		};
		if (!isNested) {
			root.dependencies[name] = `^1.${number % 20}.0`;
		}
	}
	mkdirSync(folder, { recursive: true });
	writeFileSync(`${folder}/package.json`, JSON.stringify(root, undefined, 2));
	const { name, version } = root;
	writeFileSync(`${folder}/package-lock.json`, JSON.stringify({ name, version, lockfileVersion: 3, requires: true, packages }, undefined, 2));
}

function serve(portFile) {
	const server = createServer((request, response) => {
		const content = body(decodeURIComponent(request.url.slice(1)));
		response.writeHead(200, { 'content-length': content.length, 'content-type': 'application/octet-stream' });
		response.end(content);
	});
	server.listen(0, '127.0.0.1', () => {
		// By rename, so that nobody reads half of it.
		writeFileSync(`${portFile}.new`, String(server.address().port));
		renameSync(`${portFile}.new`, portFile);
	});
}

switch (command) {
	case 'project':
		project(Number(rest[0]), rest[1]);
		break;
	case 'serve':
		serve(rest[0]);
		break;
	default:
		console.error('usage: synthetic.mjs (project N FOLDER [BYTES] | serve PORT_FILE [BYTES])');
		process.exit(2);
}
