// A registry on loopback to which packages are published: `npm publish`, and what installs of them ask for. All of it is in memory.
//
//     node registry.mjs PORT_FILE
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';

const documents = new Map();
const tarballs = new Map();

// A document as npm publishes it has its tarballs as base64.
function publish(document, here) {
	const known = documents.get(document.name) ?? { name: document.name, 'dist-tags': {}, versions: {} };
	const [attachment] = Object.values(document._attachments);
	for (const [version, description] of Object.entries(document.versions)) {
		const path = `/${document.name}/-/${document.name.split('/').pop()}-${version}.tgz`;
		tarballs.set(path, Buffer.from(attachment.data, 'base64'));
		known.versions[version] = { ...description, dist: { ...description.dist, tarball: here + path } };
	}
	documents.set(document.name, { ...known, 'dist-tags': { ...known['dist-tags'], ...document['dist-tags'] } });
}

const server = createServer(async (request, response) => {
	const path = decodeURIComponent(new URL(request.url, 'http://loopback').pathname);
	const end = (status, body = '{}') => response.writeHead(status).end(body);
	if (request.method === 'PUT') {
		publish(JSON.parse(Buffer.concat(await request.toArray())), `http://${request.headers.host}`);
		return end(201);
	}
	const found = tarballs.get(path) ?? (documents.has(path.slice(1)) ? JSON.stringify(documents.get(path.slice(1))) : undefined);
	return found ? end(200, found) : end(404);
});
server.listen(0, '127.0.0.1', () => writeFileSync(process.argv[2], `${server.address().port}`));
