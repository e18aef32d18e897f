// Small files of the kind that a client looks for, by the path of their address. What a client checks of a file holds of its stand-in: digests, names within archives, a
// media type, an addon that can be loaded.
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { brotliCompressSync, crc32, gzipSync } from 'node:zlib';

const [, packages, pyodide] = process.argv.slice(2);
const binary = 'application/octet-stream';
const program = Buffer.from('#!/bin/sh\necho stand-in\n');
const library = Buffer.alloc(3000, 'library');
// An addon that every node loads.
const addon = readFileSync(`${packages}/node_modules/bcrypt-6/prebuilds/linux-${process.arch}/bcrypt.glibc.node`);

// A tar archive of these files (POSIX.1-1988 ustar).
function tar(files) {
	const entries = Object.entries(files).map(([name, bytes]) => {
		const head = Buffer.alloc(512);
		const octal = (number, length) => `${number.toString(8).padStart(length - 1, '0')}\0`;
		head.write(name, 0);
		head.write(octal(0o755, 8) + octal(0, 8) + octal(0, 8) + octal(bytes.length, 12) + octal(0, 12) + '        0', 100);
		head.write('ustar\u000000', 257);
		head.write(octal(head.reduce((sum, byte) => sum + byte, 0), 7), 148);
		return Buffer.concat([head, bytes, Buffer.alloc((512 - (bytes.length % 512)) % 512)]);
	});
	return Buffer.concat([...entries, Buffer.alloc(1024)]);
}
const tarGz = (files) => gzipSync(tar(files));

// A zip archive of these files, not compressed (APPNOTE.TXT 4.3).
function zip(files) {
	const parts = [];
	const directory = [];
	let offset = 0;
	for (const [path, bytes] of Object.entries(files)) {
		const name = Buffer.from(path);
		const common = Buffer.alloc(26);
		common.writeUInt16LE(20, 0);
		common.writeUInt16LE(0x21, 8);
		common.writeUInt32LE(crc32(bytes), 10);
		common.writeUInt32LE(bytes.length, 14);
		common.writeUInt32LE(bytes.length, 18);
		common.writeUInt16LE(name.length, 22);
		const rest = Buffer.alloc(14);
		rest.writeUInt32LE((0o100755 << 16) >>> 0, 6);
		rest.writeUInt32LE(offset, 10);
		const local = Buffer.concat([Buffer.from('PK\x03\x04'), common, name, bytes]);
		directory.push(Buffer.concat([Buffer.from('PK\x01\x02\x14\x03'), common, rest, name]));
		parts.push(local);
		offset += local.length;
	}
	const size = directory.reduce((sum, { length }) => sum + length, 0);
	const end = Buffer.alloc(22);
	end.write('PK\x05\x06');
	end.writeUInt16LE(directory.length, 8);
	end.writeUInt16LE(directory.length, 10);
	end.writeUInt32LE(size, 12);
	end.writeUInt32LE(offset, 16);
	return Buffer.concat([...parts, ...directory, end]);
}

const digest = (algorithm, bytes) => createHash(algorithm).update(bytes).digest('hex');
const last = (path) => path.split('/').pop();
const json = (value) => [Buffer.from(`${JSON.stringify(value)}\n`), 'application/json'];
const text = (value) => [Buffer.from(value), 'text/plain'];

// A pure Python package, and what an index says of it.
const WHEEL = 'stand_in-1.0-py3-none-any.whl';
const metadata = 'Metadata-Version: 2.1\nName: stand-in\nVersion: 1.0\n';
const wheel = zip({
	'stand_in.py': Buffer.from('VALUE = 1\n'),
	'stand_in-1.0.dist-info/METADATA': Buffer.from(metadata),
	'stand_in-1.0.dist-info/WHEEL': Buffer.from('Wheel-Version: 1.0\nGenerator: none\nRoot-Is-Purelib: true\nTag: py3-none-any\n'),
	'stand_in-1.0.dist-info/RECORD': Buffer.from('stand_in.py,,\nstand_in-1.0.dist-info/METADATA,,\nstand_in-1.0.dist-info/WHEEL,,\nstand_in-1.0.dist-info/RECORD,,\n')
});
function pythonIndex({ host }) {
	const file = { filename: WHEEL, url: `https://${host}/files/${WHEEL}`, hashes: { sha256: digest('sha256', wheel) }, size: wheel.length };
	return [Buffer.from(JSON.stringify({ meta: { 'api-version': '1.0' }, name: 'stand-in', versions: ['1.0'], files: [file] })), 'application/vnd.pypi.simple.v1+json'];
}

const crate = tarGz({ 'stand-in-1.0.0/Cargo.toml': Buffer.from('[package]\nname = "stand-in"\nversion = "1.0.0"\nedition = "2021"\n'), 'stand-in-1.0.0/src/lib.rs': Buffer.alloc(0) });

// Which path is answered with what: bytes or [bytes, media type], made when it is asked for; undefined for what is not there.
const RULES = [
	// cypress: an address that redirects.
	[/^\/desktop\//, () => ({ location: '/redirected/cypress.zip' })],
	[/^\/redirected\/cypress\.zip$/, () => zip({ 'Cypress/Cypress': program })],
	[/\/(chrome|chrome-headless-shell)-linux(64|-arm64)\.zip$/, ({ pathname }) => zip({ [`${last(pathname).replace('.zip', '')}/${/headless/.test(pathname) ? 'chrome-headless-shell' : 'chrome'}`]: program })],
	[/\/ffmpeg-linux(-arm64)?\.zip$/, () => zip({ 'ffmpeg-linux': program })],
	// @prisma/engines: digests beside the files.
	[/\/schema-engine\.gz\.sha256$/, () => text(`${digest('sha256', gzipSync(program))}  schema-engine.gz\n`)],
	[/\/schema-engine\.sha256$/, () => text(`${digest('sha256', program)}  schema-engine\n`)],
	[/\/(schema-engine|ffmpeg-linux-\w+)\.gz$/, () => gzipSync(program)],
	[/\/ffmpeg-linux-\w+\.(README|LICENSE)$/, ({ pathname }) => text(`${last(pathname)}\n`)],
	// chromedriver: where its zip is stands in a JSON.
	[/\/chrome-for-testing\/[\d.]+\.json$/, ({ host }) => json({ downloads: { chromedriver: [{ platform: 'linux64', url: `https://${host}/chromedriver-linux64.zip` }] } })],
	[/\/chromedriver-linux64\.zip$/, () => zip({ 'chromedriver-linux64/chromedriver': program })],
	// mongodb-memory-server
	[/\/mongodb-linux-[\w.-]+\.tgz$/, () => tarGz({ 'mongodb/bin/mongod': program })],
	[/\/mongodb-linux-[\w.-]+\.tgz\.md5$/, ({ pathname }) => text(`${digest('md5', tarGz({ 'mongodb/bin/mongod': program }))}  ${last(pathname)}\n`)],
	// node-pre-gyp
	[/\/bcrypt_lib-v[\w.-]+\.tar\.gz$/, () => tarGz({ 'bcrypt/bcrypt_lib.node': addon })],
	[/\/grpc-tools\/v[\d.]+\/[\w-]+\.tar\.gz$/, () => tarGz({ 'bin/protoc': program, 'bin/grpc_node_plugin': program })],
	[/\/CPU-linux-[\w.-]+\.tar\.gz$/, () => tarGz({ 'tfjs/tfjs_binding.node': addon })],
	[/\/libtensorflow-cpu-linux-[\w.-]+\.tar\.gz$/, () => tarGz({ 'lib/libtensorflow.so.2': library, LICENSE: library })],
	// prebuild-install, and sharp's library
	[/\/libvips-[\w.-]+\.tar\.br$/, () => brotliCompressSync(tar({ 'lib/libvips-cpp.so.42': library, 'versions.json': Buffer.from('{}') }))],
	[/\/\w+(-\w+)?-v[\d.]+-(napi|node)-v\d+-linux(-\w+)?\.tar\.gz$/, () => tarGz({ 'build/Release/addon.node': addon })],
	[/\/electron-v[\w.-]+\.zip$/, ({ pathname }) => zip({ version: Buffer.from(/v([\d.]+)-/.exec(pathname)[1]), electron: program })],
	// onnxruntime-node: an archive of a release, an index of packages.
	[/\/onnxruntime-linux-x64-gpu-[\d.]+\.tgz$/, () => [tarGz({ 'lib/libonnxruntime_providers_cuda.so': library, 'lib/libonnxruntime_providers_shared.so': library }), binary]],
	[/^\/v3\/index\.json$/, ({ host }) => json({ resources: [{ '@type': 'PackageBaseAddress/3.0.0', '@id': `https://${host}/flat/` }] })],
	[/^\/flat\/[^/]+\/index\.json$/, () => json({ versions: Array.from({ length: 20 }, (_, at) => `1.30.${at}`) })],
	[/\.nupkg$/, () => zip(Object.fromEntries(['cuda', 'shared', 'tensorrt'].map((name) => [`runtimes/linux-x64/native/libonnxruntime_providers_${name}.so`, library])))],
	[/\/sentry-cli-Linux-\w+$/, ({ pathname }) => Buffer.from(`#!/bin/sh\necho sentry-cli ${/\/(\d+\.\d+\.\d+)\//.exec(pathname)[1]}\n`)],
	[/\/linux-\w+-\d+_binding\.node$/, () => addon],
	// geckodriver: its version is that of a file on a branch.
	[/\/Cargo\.toml$/, () => text('[package]\nname = "geckodriver"\nversion = "0.99.0"\n')],
	[/\/geckodriver-v[\w.-]+\.tar\.gz$/, () => tarGz({ geckodriver: program })],
	[/\/releases\/tags\/v[\w.-]+$/, ({ host }) => json({ assets: ['x86_64', 'aarch64'].map((cpu) => ({ name: `ripgrep-v13.0.0-13-${cpu}-unknown-linux-musl.tar.gz`, url: `https://${host}/ripgrep.tar.gz` })) })],
	[/^\/ripgrep\.tar\.gz$/, () => tarGz({ rg: program })],
	[/\/linux-\w+-\d+\.br$/, () => brotliCompressSync(addon)],
	// node-gyp
	[/\/node-v[\d.]+-headers\.tar\.gz$/, ({ pathname }) => tarGz({ [`${last(pathname).replace('-headers.tar.gz', '')}/include/node/node.h`]: library })],
	[/\/node-v[\d.]+\/SHASUMS256\.txt$|\/v[\d.]+\/SHASUMS256\.txt$/, ({ pathname }) => text(headerSums(/v[\d.]+/.exec(pathname)[0]))],
	// Pyodide's CDN has what a wheel on the Python index carries; the Python index has one package.
	[/^\/pyodide\/v[\d.]+\/full\/[\w.+-]+$/, ({ pathname }) => existsSync(`${pyodide}/${last(pathname)}`) ? readFileSync(`${pyodide}/${last(pathname)}`) : undefined],
	[/^\/simple\/stand-in\/$/, pythonIndex],
	[/\/stand_in-1\.0-py3-none-any\.whl$/, () => wheel],
	[/\/pnpm\/-\/pnpm-[\d.]+\.tgz$/, () => tarGz({ 'package/package.json': Buffer.from('{ "name": "pnpm", "bin": { "pnpm": "bin/pnpm.cjs" } }'), 'package/bin/pnpm.cjs': Buffer.from('console.log("9.99.9");\n') })],
	// A registry of crates, sparse.
	[/^\/index\/config\.json$/, ({ host }) => json({ dl: `https://${host}/crates` })],
	[/^\/index\/st\/an\/stand-in$/, () => text(`${JSON.stringify({ name: 'stand-in', vers: '1.0.0', deps: [], cksum: digest('sha256', crate), features: {}, yanked: false })}\n`)],
	[/^\/crates\/stand-in\/1\.0\.0\/download$/, () => crate],
	// next: a style sheet, which names fonts on another host.
	[/^\/css2$/, () => [Buffer.from(fontFace('latin-ext') + fontFace('latin')), 'text/css']],
	// bazelisk runs what it downloads.
	[/\/bazel-[\d.]+-linux-\w+$/, () => program],
	// For those who take what they are told to.
	[/^\/any\/[\w.-]+\.tar\.gz$/, () => tarGz({ 'any/file': library })],
	[/^\/any\/[\w.-]+\.mjs$/, () => [Buffer.from('export default 1;\n'), 'application/javascript']],
	[/^\/any\/[\w.-]+$/, () => library]
];

// The part of a style sheet for one set of characters, laid out as next reads it: line by line.
function fontFace(subset) {
	const lines = ["font-family: 'Inter'", 'font-style: normal', 'font-weight: 100 900', `src: url(https://fonts.example/any/${subset}.woff2) format('woff2')`];
	return `/* ${subset} */\n@font-face {\n${lines.map((line) => `  ${line};\n`).join('')}}\n`;
}

function headerSums(version) {
	const headers = standIn(new URL(`https://host.example/node-${version}-headers.tar.gz`)).bytes;
	return `${digest('sha256', headers)}  node-${version}-headers.tar.gz\n`;
}

// standIn URL: bytes and media type, or the location that it redirects to; undefined if nothing is there.
export function standIn(url) {
	const found = RULES.find(([path]) => path.test(url.pathname))?.[1](url);
	if (!found || found.location) {
		return found;
	}
	const [bytes, type] = Array.isArray(found) ? found : [found, binary];
	return { bytes, type };
}

// `node stand-ins.mjs - PACKAGES PYODIDE ALGORITHM URL`: the digest of the stand-in of an address.
if (process.argv[2] === '-') {
	const bytes = standIn(new URL(process.argv[6])).bytes;
	console.log(createHash(process.argv[5].split('-')[0]).update(bytes).digest(process.argv[5].split('-')[1] ?? 'hex'));
}
