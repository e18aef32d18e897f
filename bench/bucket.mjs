// An object store in memory, as far as larder asks one by S3's rules. It believes every signature, and has one bucket, whatever that is called.
//
//     node bucket.mjs PORT
import { createHash, randomUUID } from 'node:crypto';
import { createServer } from 'node:http';

const objects = new Map();
const uploads = new Map();

const tagOf = (bytes) => `"${createHash('md5').update(bytes).digest('hex')}"`;
const xml = (response, text) => response.writeHead(200, { 'content-type': 'application/xml' }).end(text);
const end = (response, status, headers = {}) => response.writeHead(status, { 'content-length': 0, ...headers }).end();

function keep(name, bytes) {
	const object = { bytes, tag: tagOf(bytes), at: new Date() };
	objects.set(name, object);
	return object;
}

function put(request, response, name, bytes) {
	const there = objects.get(name);
	const { 'if-match': match, 'if-none-match': none } = request.headers;
	if ((none && there) || (match && there?.tag !== match)) return end(response, 412);
	end(response, 200, { etag: keep(name, bytes).tag });
}

function get(request, response, name) {
	const found = objects.get(name);
	if (!found) return end(response, 404);
	response.writeHead(200, { 'content-length': found.bytes.length, etag: found.tag, 'last-modified': found.at.toUTCString() });
	response.end(request.method === 'HEAD' ? undefined : found.bytes);
}

// All in one answer: nobody here has so many plans.
function list(response, prefix) {
	const found = [...objects].filter(([name]) => name.startsWith(prefix)).sort(([one], [other]) => (one < other ? -1 : 1));
	const rows = found.map(([name, { bytes, tag, at }]) => `<Contents><Key>${name}</Key><LastModified>${at.toISOString()}</LastModified><ETag>${tag.replaceAll('"', '&quot;')}</ETag><Size>${bytes.length}</Size></Contents>`);
	xml(response, `<ListBucketResult><IsTruncated>false</IsTruncated>${rows.join('')}</ListBucketResult>`);
}

// A large object in parts: begun, a part, ended.
function upload(response, name, query, bytes) {
	const id = query.get('uploadId');
	if (!id) {
		const begun = randomUUID();
		uploads.set(begun, new Map());
		return xml(response, `<InitiateMultipartUploadResult><UploadId>${begun}</UploadId></InitiateMultipartUploadResult>`);
	}
	const parts = uploads.get(id);
	if (query.has('partNumber')) {
		parts.set(Number(query.get('partNumber')), bytes);
		return end(response, 200, { etag: tagOf(bytes) });
	}
	uploads.delete(id);
	const { tag } = keep(name, Buffer.concat([...parts].sort(([one], [other]) => one - other).map(([, part]) => part)));
	xml(response, `<CompleteMultipartUploadResult><ETag>${tag.replaceAll('"', '&quot;')}</ETag></CompleteMultipartUploadResult>`);
}

const server = createServer({ keepAliveTimeout: 60_000 }, async (request, response) => {
	const { pathname, searchParams } = new URL(request.url, 'http://loopback');
	const name = decodeURIComponent(pathname).replace(/^\/[^/]*\/?/, '');
	const bytes = Buffer.concat(await request.toArray());
	if (request.method === 'POST' || searchParams.has('uploadId')) upload(response, name, searchParams, bytes);
	else if (request.method === 'PUT') put(request, response, name, bytes);
	else if (searchParams.has('list-type')) list(response, searchParams.get('prefix') ?? '');
	else get(request, response, name);
});
server.listen(Number(process.argv[2]), '127.0.0.1');
