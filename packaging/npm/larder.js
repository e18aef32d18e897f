#!/usr/bin/env node
// Starts the larder of this platform, which is a package of its own.
'use strict';

const { spawn } = require('node:child_process');
const { constants } = require('node:os');

const platform = `${process.platform}-${process.arch}`;
const { optionalDependencies } = require('../package.json');
const name = `@larder/${platform}`;

let program;
try {
	program = require.resolve(`${name}/bin/larder`);
} catch {
	const known = Object.keys(optionalDependencies).map((one) => one.replace('@larder/', ''));
	const why = optionalDependencies[name]
		? `the package ${name} is not installed: install again without --omit=optional (--no-optional), and look whether the lockfile has it`
		: `there is no larder for ${platform}, only for ${known.join(', ')}: build it with cargo install`;
	console.error(`larder: ${why}`);
	process.exit(1);
}

const child = spawn(program, process.argv.slice(2), { stdio: 'inherit' });
// What a terminal sends reaches both. The child decides what comes of it.
for (const signal of ['SIGINT', 'SIGQUIT']) process.on(signal, () => {});
for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
child.on('error', (error) => {
	console.error(`larder: ${program} cannot be started: ${error.message}`);
	process.exit(1);
});
child.on('exit', (code, signal) => {
	if (signal) {
		process.removeAllListeners(signal);
		process.kill(process.pid, signal);
		// Where the signal does not end it: as a shell has it.
		code = 128 + constants.signals[signal];
	}
	process.exit(code);
});
