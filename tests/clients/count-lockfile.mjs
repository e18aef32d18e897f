// Counts what a project's npm lockfile makes an installer download, by npm's own reading of it.
//
//     node count-lockfile.mjs NPM_CLI PROJECT
//
// NPM_CLI is npm's npm-cli.js: the library that reads the lockfile (@npmcli/arborist) comes from beside it. Prints one JSON
// document: `artifacts` distinct files to download, then the entries behind and beside them.
import { realpathSync } from 'node:fs';
import { createRequire } from 'node:module';
import { resolve } from 'node:path';

const [npmCli, project] = process.argv.slice(2);
if (!project) {
	console.error('usage: count-lockfile.mjs NPM_CLI PROJECT');
	process.exit(2);
}
const Arborist = createRequire(realpathSync(npmCli))('@npmcli/arborist');
const tree = await new Arborist({ path: resolve(project) }).loadVirtual();

const count = { entries: 0, links: 0, workspaces_and_folders: 0, bundled: 0, local_tarballs: 0, git: 0, registry_or_remote: 0 };
const files = new Set();
for (const node of tree.inventory.values()) {
	if (node.isRoot) {
		continue;
	}
	count.entries += 1;
	const source = node.resolved ?? '';
	if (node.isLink) {
		count.links += 1;
	} else if (!node.location.split('/').includes('node_modules')) {
		count.workspaces_and_folders += 1;
	} else if (node.inBundle) {
		count.bundled += 1;
	} else if (source.startsWith('file:')) {
		count.local_tarballs += 1;
	} else if (/^(git[+:]|github:|gitlab:|bitbucket:)/.test(source)) {
		count.git += 1;
		files.add(source);
	} else {
		count.registry_or_remote += 1;
		files.add(JSON.stringify([node.packageName, node.version, source]));
	}
}
console.log(JSON.stringify({ artifacts: files.size, ...count }));
