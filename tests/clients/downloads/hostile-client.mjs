// What a script does that larder should not record, or that should not disturb it; then it downloads an innocent file to `got`. It runs behind larder's proxy.
//
//     node hostile-client.mjs CASE WORD…
//
// Standard output gets a line for each answer: status, bytes and address, or how curl ended.
import { spawn, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { connect } from 'node:net';

const [wanted, ...words] = process.argv.slice(2);
const proxy = new URL(process.env.HTTPS_PROXY);
const nobody = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'];

async function ask(url, headers = {}) {
	const response = await fetch(url, { headers });
	console.log(response.status, (await response.arrayBuffer()).byteLength, url);
}

// curl OPTIONS, BEFORE: says its exit code, and the last status with its reason. Words before it run it as somebody else.
function curl(options, before = []) {
	const [program, ...all] = [...before, 'curl', '-sS', '-o', '/dev/null', '-D', '-', '--max-time', '20', ...options];
	const { status, stdout, stderr } = spawnSync(program, all, { encoding: 'utf8', cwd: '/' });
	const heads = stdout.split('\r\n').filter((line) => line.startsWith('HTTP/'));
	console.log(`curl ${status} ${heads.pop()}`.trim());
	console.error(stderr);
}

// killed URL: curl, once it has a part of the file.
function killed(url) {
	const client = spawn('curl', ['-sS', '--limit-rate', '1M', url], { stdio: ['ignore', 'pipe', 'inherit'] });
	client.stdout.once('data', () => client.kill('SIGKILL'));
	return new Promise((ended) => client.on('close', (code, signal) => ended(console.log('curl', signal))));
}

// connections COUNT, FIRST: to the proxy. Each says this and nothing more, and stays open; what ends one ends this.
function connections(count, first) {
	const open = () => new Promise((opened) => { const socket = connect(proxy.port, proxy.hostname, () => opened(socket.write(first))).on('close', () => process.exit(3)); });
	return Promise.all(Array.from({ length: count }, open));
}

const CASES = {
	nothing() {},
	async asks(...urls) {
		for (const url of urls) await ask(url);
	},
	'asks with': (header, ...urls) => Promise.all(urls.map((url) => ask(url, Object.fromEntries([header.split(': ')])))),
	curl: (...options) => curl(options),
	'curl twice': (...options) => [curl(options), curl(options)],
	'many addresses': (pattern) => spawnSync('curl', ['-sS', '-Z', '--parallel-max', '8', '-o', '/dev/null', pattern], { stdio: 'ignore' }),
	async 'is killed'(url, ...urls) {
		await killed(url);
		await CASES.asks(...urls);
	},
	async 'kills itself'(url) {
		await (await fetch(url)).body.getReader().read();
		process.kill(process.pid, 'SIGKILL');
	},
	'another user': (...urls) => urls.map((url) => curl(['-k', '-x', proxy.href, url], nobody)),
	'without the password': (...urls) => urls.map((url) => curl(['-x', `http://${proxy.host}`, url])),
	async '200 connections'() {
		const password = btoa(`${proxy.username}:${proxy.password}`);
		await connections(100, '');
		await connections(100, `CONNECT files.example:443 HTTP/1.1\r\nProxy-Authorization: Basic ${password}\r\n\r\n`);
	}
};

await CASES[wanted](...words);
const response = await fetch('https://files.example/innocent.bin');
writeFileSync('got', Buffer.from(await response.arrayBuffer()));
process.exit(0);
