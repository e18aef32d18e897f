import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { vitePreprocess } from '@sveltejs/vite-plugin-svelte';

/**
 * What a build is stamped with: `BUILD_HASH`; without it the commit; without a repository or git (an image's build has neither) the version in
 * package.json; and without that the time.
 */
export function version(folder = import.meta.dirname, environment = process.env) {
	return environment.BUILD_HASH || commit(folder) || packageVersion(folder) || String(Date.now());
}

function commit(folder) {
	try {
		return execFileSync('git', ['rev-parse', 'HEAD'], { cwd: folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
	} catch {
		return undefined;
	}
}

function packageVersion(folder) {
	return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')).version;
}

export default {
	preprocess: vitePreprocess()
};
