// Puts a line of a certain speed between programs on this machine and servers on loopback: each server gets a port of its own, and all share the line.
//
//     node slow.mjs PORTS_FILE MEGABYTES_PER_SECOND ROUND_TRIP_MS PORT…     the new ports, one a line in the order of these, go to PORTS_FILE; ends with SIGTERM
//
// It passes bytes on, and knows nothing of what they are. Each way is a token bucket: a chunk arrives when the line has carried all before it, and half a round trip later. A
// connection takes one round trip to be made.
import { renameSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';

const [portsFile, megabytes, roundTrip, ...ports] = process.argv.slice(2);
const bytesPerMs = Number(megabytes) * 1000;
const delay = Number(roundTrip) / 2;
// What a line may carry late, since timers come up to some milliseconds late: without it, each would cost speed.
const LATE = 5;
// Of one connection, not yet arrived: more than a line's delay holds, and less than memory minds.
const UNDERWAY = 4 << 20;

class Line {
	#freeAt = 0;
	#queue = [];
	#timer;

	/** Calls `arrive` when as many bytes have been carried. */
	send(bytes, arrive) {
		const now = performance.now();
		this.#freeAt = Math.max(this.#freeAt, now - LATE) + bytes / bytesPerMs;
		this.#queue.push({ at: this.#freeAt + delay, arrive });
		this.#wait(now);
	}

	#wait(now) {
		if (this.#timer || this.#queue.length === 0) return;
		this.#timer = setTimeout(() => this.#deliver(), Math.max(0, this.#queue[0].at - now));
	}

	#deliver() {
		this.#timer = undefined;
		const now = performance.now();
		let number = 0;
		while (number < this.#queue.length && this.#queue[number].at <= now) this.#queue[number++].arrive();
		this.#queue.splice(0, number);
		this.#wait(now);
	}
}

function pass(line, from, to) {
	let underway = 0;
	from.on('data', (chunk) => {
		underway += chunk.length;
		if (underway > UNDERWAY) from.pause();
		line.send(chunk.length, () => {
			underway -= chunk.length;
			if (to.writable && !to.write(chunk)) {
				from.pause();
				to.once('drain', () => from.resume());
			} else if (underway <= UNDERWAY) from.resume();
		});
	});
	from.on('end', () => line.send(0, () => to.end()));
	from.on('error', () => to.destroy());
	from.on('close', () => line.send(0, () => from.errored && to.destroy()));
}

const [up, down] = [new Line(), new Line()];
const servers = ports.map((port) =>
	createServer({ allowHalfOpen: true, noDelay: true, pauseOnConnect: true }, (client) => {
		const server = connect({ port: Number(port), host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
		pass(up, client, server);
		pass(down, server, client);
		// `data` has a listener by now, and the socket stays paused until the connection would be there.
		client.pause();
		setTimeout(() => client.resume(), Number(roundTrip));
	})
);
await Promise.all(servers.map((server) => new Promise((done) => server.listen(0, '127.0.0.1', done))));
// By rename, so that nobody reads half of it.
writeFileSync(`${portsFile}.new`, servers.map((server) => `${server.address().port}\n`).join(''));
renameSync(`${portsFile}.new`, portsFile);
