// Asks an address in one way, and prints what came, or the error. It ends by itself: what holds it is a fault.
//
//     node ask.cjs WAY ADDRESS
//
// It stands beside a node_modules with the packages, those that do not support every node by the major of the one that they are for.
'use strict';

const [way, address] = process.argv.slice(2);
const major = Number(process.versions.node.split('.')[0]);
const fitting = (name) => `${name}-${Math.min(major, 22)}`;
const text = (stream) => stream.setEncoding('utf8').toArray().then((parts) => parts.join(''));

// With https.get, as most programs do it.
function get(options, use = (request) => request) {
	return new Promise((resolve, reject) => {
		const request = require('https').get(address, options, (response) => resolve(text(response)));
		use(request.on('error', reject));
	});
}

// The first socket is free when the turn is over in which its answer ended.
async function twice(ask, wait = 20) {
	await ask();
	await new Promise((resolve) => setTimeout(resolve, wait));
	return ask();
}

async function exitsAtOnce(asked) {
	await asked;
	const end = Date.now();
	process.on('exit', () => process.stdout.write(Date.now() - end < 2000 ? ' at once' : ' late'));
	return 'ended';
}

function timed(request, event) {
	return new Promise((resolve, reject) => {
		request.on('error', reject);
		request.on(event, (value) => resolve(value ?? event));
	});
}

const slowly = (response) => new Promise((resolve) => setTimeout(resolve, 1500, response));

function rawTls(...options) {
	return new Promise((resolve, reject) => {
		const socket = require('tls').connect(...options, () => socket.write(`GET / HTTP/1.1\r\nHost: ${new URL(address).host}\r\nConnection: close\r\n\r\n`));
		socket.on('error', reject);
		resolve(text(socket).then((all) => all.split('\r\n\r\n')[1]));
	});
}

function inWorker(options) {
	const { Worker } = require('worker_threads');
	const program = `fetch(${JSON.stringify(address)}).then((r) => r.text()).then((t) => require('worker_threads').parentPort.postMessage(t))`;
	return timed(new Worker(program, { eval: true, ...options }), 'message');
}

const ways = {
	fetch: async () => (await fetch(address)).text(),
	'fetch of a POST': async () => (await fetch(address, { method: 'POST', body: Buffer.alloc(3_000_000) })).text(),
	'https.get': () => get({}),
	'https.get, agent: false': () => get({ agent: false }),
	'an https.Agent of its own': () => get({ agent: new (require('https').Agent)({ keepAlive: false }) }),
	'https.globalAgent replaced': () => {
		const https = require('https');
		https.globalAgent = new https.Agent({ keepAlive: true });
		return get({});
	},
	'an agent with a class of its own': () => {
		class Own extends require('https').Agent {
			createConnection(options, callback) {
				return super.createConnection({ ...options, own: true }, callback);
			}
		}
		return get({ agent: new Own({ keepAlive: true }) });
	},
	'an agent that drops the password': async () => {
		const { hostname: host, port } = new URL(process.env.HTTPS_PROXY);
		const connecting = require('http').request({ host, port, method: 'CONNECT', path: 'a.public.example:443' }).end();
		const socket = await new Promise((resolve, reject) => {
			connecting.on('error', reject).on('connect', ({ statusCode }, opened) => (statusCode === 200 ? resolve(opened) : reject(new Error(statusCode))));
		});
		const { host: name } = new URL(address);
		return get({ headers: { host: name }, createConnection: () => require('tls').connect({ socket, servername: name }) });
	},
	'two requests on one socket': () => {
		const agent = new (require('https').Agent)({ keepAlive: true });
		return twice(() => get({ agent }));
	},
	'two requests, with an end between them': () => {
		const agent = new (require('https').Agent)({ keepAlive: true });
		return twice(() => get({ agent }), 300);
	},
	'two sockets, one TLS session': () => {
		const agent = new (require('https').Agent)({ keepAlive: false });
		return twice(() => get({ agent, maxVersion: 'TLSv1.2' }));
	},
	'twenty at once': async () => [...new Set(await Promise.all(Array.from({ length: 20 }, () => get({ agent: false }))))].join(),
	'http2.connect': async () => {
		const session = require('http2').connect(new URL(address).origin);
		const failed = timed(session, 'close');
		const body = text(session.request({ ':path': new URL(address).pathname }));
		const first = await Promise.race([body, failed]);
		session.close();
		return first;
	},
	'tls.connect by port and host': () => {
		require('http');
		const { hostname } = new URL(address);
		return rawTls(443, hostname, { servername: hostname });
	},
	'tls.connect by options, not https': () => {
		require('http');
		const { hostname: host, port } = new URL(address);
		return rawTls({ host, port, servername: host });
	},
	'a worker thread': () => inWorker({}),
	'a worker thread with arguments of its own': () => inWorker({ execArgv: ['--no-warnings'] }),
	'a forked child': () => {
		const child = require('child_process').fork(__filename, ['https.get', address], { silent: true });
		return text(child.stdout).then((all) => all.trim());
	},
	vm: () => require('vm').runInNewContext('ask(address).then((response) => response.text())', { ask: fetch, address }),
	'domain': () => {
		require('domain').create().run(() => {});
		return get({});
	},
	// Whether node's own parts are as they were, before the first client and after it.
	untouched: async () => {
		const isOurs = () => /isWaiting|throughProxy/.test(require('events').init + require('tls').connect);
		const before = isOurs();
		require('https');
		return `${before} ${isOurs()}, ${Object.keys(require.cache).filter((path) => /preload\.cjs$/.test(path)).length} in require.cache`;
	},
	// The milliseconds of processor time that loading the preload takes once a module has been loaded, and what of the network it loads.
	cost: async () => {
		require(process.env.WARM_UP);
		const start = process.cpuUsage();
		require(process.env.PRELOAD);
		const { user, system } = process.cpuUsage(start);
		const loaded = ['net', 'tls', 'http', 'https', 'stream'].filter((name) => process.moduleLoadList.includes(`NativeModule ${name}`));
		return `${((user + system) / 1000).toFixed(2)} ${loaded}`;
	},
	// Errors and ends.
	'an abort before the tunnel stands': () => get({}, (request) => setTimeout(() => request.destroy(new Error('aborted')), 100)),
	'an abort at once': () => get({}, (request) => request.destroy(new Error('aborted'))),
	'an abort by signal': () => get({ signal: AbortSignal.timeout(100) }),
	'an abort of fetch': async () => (await fetch(address, { signal: AbortSignal.timeout(100) })).text(),
	'an abort in the middle': () =>
		new Promise((resolve, reject) => {
			const request = require('https').get(address, (response) => {
				response.once('data', () => request.destroy(new Error('aborted')));
				response.on('error', reject);
			});
			request.on('error', reject);
		}),
	'a timeout': () => get({ timeout: 100 }, (request) => request.on('timeout', () => request.destroy(new Error('timed out')))),
	'an agent with a timeout': () =>
		get({ agent: new (require('https').Agent)({ timeout: 100 }) }, (request) => request.on('timeout', () => request.destroy(new Error('timed out')))),
	'two hundred aborts': async () => {
		const asked = Array.from({ length: 200 }, (_, n) => get({ agent: false }, (request) => setTimeout(() => request.destroy(new Error('aborted')), n / 2)));
		const ends = await Promise.allSettled(asked);
		return ends.every(({ reason, value }) => reason?.message === 'aborted' || value) ? 'each has ended' : JSON.stringify(ends);
	},
	megabytes: async () => {
		const hash = require('crypto').createHash('sha256');
		let bytes = 0;
		await new Promise((resolve, reject) => {
			// The server ends the connection with the answer, while much of it is still on the way.
			require('https').get(address, { agent: false }, async (response) => {
				for await (const chunk of response) {
					bytes += chunk.length;
					hash.update(chunk);
					// Slow enough at times that the socket must wait.
					if (bytes >> 20 !== (bytes - chunk.length) >> 20) {
						await new Promise((go) => setTimeout(go, 50));
					}
				}
				resolve();
			}).on('error', reject);
		});
		return `${bytes} ${hash.digest('hex').slice(0, 8)}`;
	},
	'an exit while https.get keeps a socket': () => exitsAtOnce(get({ agent: new (require('https').Agent)({ keepAlive: true }) })),
	'an exit while fetch keeps a socket': () => exitsAtOnce(fetch(address).then((response) => response.text())),
	events: () => {
		const names = [];
		return get({ agent: false }, (request) => {
			request.on('socket', (socket) => {
				names.push(socket.connecting ? 'connecting' : 'connected');
				for (const name of ['lookup', 'connect', 'ready', 'secureConnect', 'close']) {
					socket.on(name, () => names.push(name));
				}
				socket.on('close', () => process.stdout.write(`${names.join(' ')} `));
			});
		}).then(() => new Promise((resolve) => setTimeout(resolve, 50, 'then ended')));
	},
	// Packages.
	'undici.request': async () => (await (await require(fitting('undici')).request(address)).body.text()),
	"undici's own Agent": async () => {
		const { Agent, request } = require(fitting('undici'));
		return (await request(address, { dispatcher: new Agent({ connect: { timeout: 5000 } }) })).body.text();
	},
	"undici's EnvHttpProxyAgent": async () => {
		const { EnvHttpProxyAgent, request } = require(fitting('undici'));
		return (await request(address, { dispatcher: new EnvHttpProxyAgent() })).body.text();
	},
	"undici's two requests on one socket": () => {
		const { Agent, request } = require(fitting('undici'));
		const dispatcher = new Agent();
		return twice(async () => (await request(address, { dispatcher })).body.text());
	},
	axios: async () => (await require('axios').get(address, { proxy: false })).data,
	'axios with its own proxy': async () => (await require('axios').get(address)).data,
	got: async () => (await (await import(fitting('got'))).default(address, { retry: { limit: 0 } })).body,
	'got 11': async () => (await require('got-11')(address, { retry: 0 })).body,
	'got, http2': async () => (await (await import(fitting('got'))).default(address, { http2: true, retry: { limit: 0 } })).body,
	"got's lookup timeout": async () => (await require('got-11')(address, { retry: 0, timeout: { lookup: 1000 }, hooks: { afterResponse: [slowly] } })).body,
	"got's connect timeout": async () => (await require('got-11')(address, { retry: 0, timeout: { connect: 100 } })).body,
	'node-fetch': async () => (await (await import('node-fetch')).default(address)).text()
};

function explained(error) {
	const cause = error.cause ? `: ${explained(error.cause)}` : '';
	return `${error.name} ${error.code ?? ''} ${error.message}${cause}`;
}
ways[way]().then(
	(got) => process.stdout.write(`${got}`.trim()),
	(error) => process.stdout.write(explained(error))
);
