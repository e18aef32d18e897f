// Opens node's https connections through the loopback proxy that HTTPS_PROXY names.
//
// `larder run` puts it into NODE_OPTIONS (`--require`), for clients that read no proxy variable: `fetch`, `https.get` and `agent: false` on node 18 and 20, own
// agents and npm's undici on all. Their connections all begin in `tls.connect`, which it replaces: the caller gets a TLS socket at once, over a stream that first
// asks the proxy to CONNECT. An agent's own CONNECT gets the password, if it has none. It leaves alone a connection that already has a socket (it has its proxy), pipes, loopback, what NO_PROXY names, TLS that is not
// https (no HTTP in ALPN, no https agent, not port 443), and plain http. Without a loopback proxy it does nothing.
'use strict';

delete require.cache[__filename];

const LOOPBACK = /^(?:(?:.*\.)?localhost|(?:0|127)(?:\.\d+){0,3}|::1?|::ffff:(?:127\.|7f).*)$/i;
const { env } = process;
const proxy = loopbackProxy(env.https_proxy || env.HTTPS_PROXY);
const exceptions = (env.no_proxy || env.NO_PROXY || '').toLowerCase().split(/[\s,]+/).filter(Boolean).map(exception);

if (proxy && process.versions.openssl) {
	beforeFirstClient(() => {
		replaceConnect();
		addAuthorization();
	});
}

// http://user:password@127.0.0.1:PORT, taken apart; undefined if it is anything else.
function loopbackProxy(address) {
	try {
		const { protocol, hostname, port, username, password } = new URL(address || 'none:');
		const host = hostname.replace(/^\[|\]$/g, '');
		const credentials = Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`).toString('base64');
		const authorization = username && `Proxy-Authorization: Basic ${credentials}\r\n`;
		return protocol === 'http:' && LOOPBACK.test(host) ? { host, port: Number(port || 80), authorization } : undefined;
	} catch {
		return undefined;
	}
}

// One entry of NO_PROXY: *, host, .suffix, *.suffix, host:port, ::1, [::1], [::1]:port. The empty name is that of each host.
function exception(entry) {
	const [, bracketed, plain = '', port] = /^(?:\[(.*)\]|([^:]*|.*:.*:.*))(?::(\d+))?$/.exec(entry) || [entry, entry];
	return { name: bracketed || plain.replace(/^\*$|^\*?\.|\.$/g, ''), port };
}

// The host and port that these options of tls.connect are for, if they go through the proxy.
function target({ host, port, path, socket, ALPNProtocols, _agentKey }) {
	const isHttps = Number(port) === 443 || _agentKey !== undefined || /http\/1|h2/.test(ALPNProtocols);
	if (!isHttps || socket || path || typeof host !== 'string') {
		return undefined;
	}
	const name = host.toLowerCase().replace(/^\[|\]$|\.$/g, '');
	const isException = exceptions.some((one) => (!one.port || one.port === `${port}`) && (!one.name || `.${name}`.endsWith(`.${one.name}`)));
	return /^[\w.:-]+$/.test(name) && !LOOPBACK.test(name) && !isException ? { name, port } : undefined;
}

// Calls `install` when the first http agent or undici dispatcher begins to exist, before any connection of theirs: to load `tls` in each node would cost it 10 ms,
// and `require`, `import` and node's own modules have no other sign of the need in common.
function beforeFirstClient(install) {
	const EventEmitter = require('events');
	const { init } = EventEmitter;
	let isWaiting = true;
	function initOrInstall(options) {
		if (isWaiting && ('createConnection' in this || 'dispatch' in this)) {
			isWaiting = false;
			EventEmitter.init = EventEmitter.init === initOrInstall ? init : EventEmitter.init;
			install();
		}
		return init.call(this, options);
	}
	EventEmitter.init = initOrInstall;
}

function replaceConnect() {
	const tls = require('tls');
	const original = tls.connect;
	tls.connect = function connect(...args) {
		// (options), (port, options), (port, host, options), each with or without a callback.
		const ends = typeof args[0] !== 'object' && { port: args[0], host: args[1] };
		const options = Object.assign({}, ends, ...args.slice(0, 3).filter((one) => typeof one === 'object'));
		const to = target(options);
		return to ? throughProxy(original, options, to, args.find((one) => typeof one === 'function')) : original.apply(this, args);
	};
	require('module').syncBuiltinESMExports();
}

// Some agents take host and port alone from the proxy's address: their CONNECT gets its password here.
function addAuthorization() {
	const { Socket } = require('net');
	const { connect } = Socket.prototype;
	Socket.prototype.connect = function authorized(...args) {
		const [{ host, port }] = Array.isArray(args[0]) ? args[0] : typeof args[0] === 'object' ? args : [{ port: args[0], host: args[1] }];
		// It takes away what stands in the place of `write`.
		connect.apply(this, args);
		if (host === proxy.host && Number(port) === proxy.port) {
			this.write = function authorize(chunk, ...rest) {
				delete this.write;
				const [, line, headers] = /^(CONNECT [^\r]+\r\n)(.*)$/s.exec(Buffer.from(chunk).toString('latin1')) || [];
				return this.write(line && !/^proxy-authorization:/im.test(headers) ? line + proxy.authorization + headers : chunk, ...rest);
			};
		}
		return this;
	};
}

function throughProxy(connect, options, { name, port }, callback) {
	const net = require('net');
	const authority = `${name.includes(':') ? `[${name}]` : name}:${port}`;
	// Half open, for what TLS says last when the other side has ended.
	const raw = new net.Socket({ allowHalfOpen: true });
	const tunnel = new (require('stream').Duplex)({
		read: () => raw.resume(),
		write: (chunk, encoding, done) => raw.write(chunk, (error) => error || done()),
		final: (done) => raw.end(() => done()),
		destroy: (error, done) => done(raw.destroy() && error)
	});
	// Holds back TLS's first message until the tunnel stands.
	tunnel.cork();
	const socket = connect({ ...options, socket: tunnel }, callback);
	// What node does with sockets that it connects itself.
	const own = { allowHalfOpen: Boolean(options.allowHalfOpen), connecting: true, ref: () => raw.ref() && socket, unref: () => raw.unref() && socket };
	Object.assign(socket, own).setTimeout(options.timeout || 0);

	const refuse = (why) => socket.destroy(Object.assign(new Error(`The proxy opens no tunnel to ${authority}: ${why}`), { code: 'ERR_PROXY_TUNNEL' }));
	let answer = '';
	function readAnswer(chunk) {
		answer += chunk.toString('latin1');
		const end = answer.indexOf('\r\n\r\n');
		if (end >= 0 && /^HTTP\/1\.\d 2\d\d\b/.test(answer)) {
			raw.off('data', readAnswer).on('data', (data) => tunnel.push(data) || raw.pause()).on('end', () => tunnel.push(null));
			end + 4 < answer.length && tunnel.push(Buffer.from(answer.slice(end + 4), 'latin1'));
			tunnel.uncork();
			socket.connecting = false;
			socket.emit('connect');
			socket.emit('ready');
		} else if (end >= 0 || answer.length > 65536) {
			refuse(answer.split('\r\n', 1)[0].slice(0, 500));
		}
	}
	raw.on('data', readAnswer).on('error', (error) => socket.destroy(error));
	raw.on('end', () => socket.connecting && refuse('it closed the connection')).on('close', () => raw.readableEnded || socket.destroy());
	raw.on('connect', () => socket.emit('lookup', null, proxy.host, net.isIP(proxy.host), name));
	raw.setNoDelay(true).connect(proxy.port, proxy.host);
	raw.write(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n${proxy.authorization}\r\n`);
	return socket;
}
