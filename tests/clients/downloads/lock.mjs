// The rows of larder.lock for what a server was asked for.
//
//     node lock.mjs REQUESTS            REQUESTS is server.mjs's log
//     node lock.mjs --first REQUESTS    the address that was asked for first
import { readFileSync } from 'node:fs';

const [first, file] = process.argv[2] === '--first' ? [true, process.argv[3]] : [false, process.argv[2]];
const lines = readFileSync(file, 'utf8').split('\n').filter(Boolean).map((line) => JSON.parse(line));
const targets = new Set(lines.map(({ location }) => location));
const rows = new Map(lines.filter(({ url, method }) => !targets.has(url) && /^(GET|HEAD)$/.test(method)).map((line) => [line.url, line]));
const by = 'by = ["script:test"]';
const quoted = (text) => JSON.stringify(text).replaceAll('\x7f', '\\u007f');
if (first) {
	console.log([...rows.keys()][0]);
} else {
	console.log('version = 2');
	for (const { url, status, sha256, size, type, body } of rows.values()) {
		console.log(
			sha256
				? `\n[[download]]\nurl = ${quoted(url)}\nsha256 = "${sha256}"\nsize = ${size}\ncontent_type = ${quoted(type)}\n${by}\ntrust = "first-use"${body ? `\nbody = ${quoted(body)}` : ''}`
				: `\n[[absent]]\nurl = ${quoted(url)}\nstatus = ${status}\n${by}`
		);
	}
}
