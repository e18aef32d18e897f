// The first step: a larder. The one that is named; else the one that the project's lockfile pins, with its digest; else that of a release, whose SHA256SUMS is compared.
import { createHash } from 'node:crypto';
import { appendFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, realpathSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { projects } from './inputs.mjs';
import { Failure, run, say, setOutputs, words } from './runner.mjs';

const PLATFORMS = ['linux-x64', 'linux-arm64', 'darwin-x64', 'darwin-arm64'];
const VERSION = /^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$/;
const LOCKFILES = ['npm-shrinkwrap.json', 'package-lock.json', 'pnpm-lock.yaml'];
const WITHOUT = 'name a larder that is there with the input larder';

const digest = (algorithm, file, encoding) => createHash(algorithm).update(readFileSync(file)).digest(encoding);

function platform() {
	const name = `${process.platform}-${process.arch}`;
	if (!PLATFORMS.includes(name)) throw new Failure(`there is no larder for ${name}, only for ${PLATFORMS.join(', ')}`);
	return name;
}

/** The version and sha512 of larder's binary that a lockfile pins, if it does. */
function pinned(file, name) {
	const text = readFileSync(file, 'utf8');
	if (file.endsWith('.json')) {
		const entry = Object.entries(JSON.parse(text).packages ?? {}).find(([path]) => path.endsWith(`node_modules/${name}`))?.[1];
		return entry && { version: entry.version, integrity: entry.integrity };
	}
	const found = new RegExp(`^ {2}['"]?/?${name}@([^:('"]+)['"]?:\\n {4}resolution: \\{integrity: ([^,}]+)`, 'm').exec(text);
	return found && { version: found[1], integrity: found[2] };
}

/** From the project's registry, with the project's configuration, and only if it has the bytes that the lockfile states. No script of the package is run. */
function fromLockfile(env, at) {
	for (const project of projects(env.INPUT_PROJECTS)) {
		const isFile = existsSync(project) && statSync(project).isFile();
		for (const file of isFile ? [project] : LOCKFILES.map((one) => join(project, one))) {
			if (!existsSync(file) || !LOCKFILES.some((one) => file.endsWith(one))) continue;
			const name = `@larder/${platform()}`;
			const { version, integrity } = pinned(file, name) ?? {};
			if (!VERSION.test(version ?? '') || !/^sha512-/.test(integrity ?? '')) continue;
			return unpack(fetchPackage(file, `${name}@${version}`, integrity, at), 'package/bin/larder', at);
		}
	}
	return undefined;
}

function fetchPackage(lockfile, specification, integrity, at) {
	const packed = run('npm', ['pack', '--silent', '--ignore-scripts', '--pack-destination', at, specification], { cwd: dirname(resolve(lockfile)) });
	const file = readdirSync(at).find((name) => name.endsWith('.tgz'));
	if (packed.code !== 0 || !file) throw new Failure(`${specification}, which ${lockfile} pins, cannot be downloaded; ${WITHOUT}`, 3);
	const has = `sha512-${digest('sha512', join(at, file), 'base64')}`;
	if (!words(integrity).includes(has)) throw new Failure(`${specification} is ${has}, and not ${integrity}, which ${lockfile} states`);
	return join(at, file);
}

/** Whose releases: the repository that this action is of. Of a composite action, the runner leaves it empty at times, and its path has it: …/_actions/OWNER/NAME/REF. */
function releases(env) {
	if (env.INPUT_RELEASES) return env.INPUT_RELEASES.replace(/\/+$/, '');
	const repository = env.ACTION_REPOSITORY || /\/_actions\/([^/]+\/[^/]+)\/[^/]+\/?$/.exec(env.GITHUB_ACTION_PATH ?? '')?.[1];
	if (!repository) throw new Failure(`it is not known whose releases to take larder from; ${WITHOUT}, or name their address with releases`);
	return `${env.GITHUB_SERVER_URL}/${repository}/releases/download`;
}

/** The release that is asked for, or else the one that this action is of: its own sources say the version, where a tag such as v1 does not. */
function versionOf(env) {
	const version = (env.INPUT_VERSION || run(join(env.GITHUB_ACTION_PATH, 'packaging/version.sh'), []).stdout).trim().replace(/^v/, '');
	if (!VERSION.test(version)) throw new Failure(`version: ${version} is no version such as 1.2.3`, 2);
	return version;
}

function download(address, to) {
	const { code } = run('curl', ['--fail', '--silent', '--show-error', '--location', '--retry', '3', '--output', to, '--', address]);
	if (code !== 0) throw new Failure(`${address} cannot be downloaded; ${WITHOUT}`, 3);
}

function fromRelease(env, at) {
	const [version, base] = [versionOf(env), releases(env)];
	const folder = `larder-${version}-${platform()}`;
	const name = `${folder}.tar.gz`;
	download(`${base}/v${version}/SHA256SUMS`, join(at, 'SHA256SUMS'));
	download(`${base}/v${version}/${name}`, join(at, name));
	const has = digest('sha256', join(at, name), 'hex');
	const stated = readFileSync(join(at, 'SHA256SUMS'), 'utf8').split('\n').map((line) => line.split(/ [ *]/)).find((line) => line[1] === name)?.[0];
	if (has !== stated) throw new Failure(`${name} has the sha256 ${has}, and SHA256SUMS says ${stated ?? 'nothing of it'}`);
	const held = words(env.INPUT_SHA256);
	if (held.length > 0 && !held.includes(has)) throw new Failure(`${name} has the sha256 ${has}, and the input sha256 says ${held.join(' or ')}`);
	return unpack(join(at, name), `${folder}/larder`, at);
}

function unpack(archive, member, at) {
	if (run('tar', ['-xzf', archive, '-C', at, member]).code !== 0) throw new Failure(`${archive} has no ${member}`);
	return join(at, member);
}

function named(path) {
	if (!existsSync(path) || !statSync(path).isFile()) throw new Failure(`larder: there is no program at ${path}`);
	return realpathSync(path);
}

export function install(env) {
	// Not the name that another use of the action in the same job has.
	const at = mkdtempSync(join(env.RUNNER_TEMP, 'larder-'));
	const given = env.INPUT_LARDER ? named(env.INPUT_LARDER) : undefined;
	const program = given ?? (env.INPUT_VERSION ? undefined : fromLockfile(env, at)) ?? fromRelease(env, at);
	const { code, stdout } = run(program, ['--version']);
	if (code !== 0) throw new Failure(`${program} --version ends with ${code}: it is no larder for this machine`);
	const bin = join(at, 'bin');
	mkdirSync(bin);
	const larder = join(bin, 'larder');
	symlinkSync(program, larder);
	appendFileSync(env.GITHUB_PATH, `${bin}\n`);
	const state = join(at, 'state.json');
	writeFileSync(state, JSON.stringify({ larder }));
	setOutputs(env, { state });
	say(stdout.split('\n')[0]);
}
