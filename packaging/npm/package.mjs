// Prints the package.json of one of larder's packages.
//
//     node package.mjs launcher VERSION PLATFORM…
//     node package.mjs platform VERSION PLATFORM
//
// LARDER_REPOSITORY is the address of the sources, which npm compares with where a package is published from.
const [kind, version, ...platforms] = process.argv.slice(2);
const { LARDER_REPOSITORY: repository } = process.env;

const common = {
	version,
	description: 'A content-addressed pre-build fetch cache for npm and Pyodide',
	license: 'MIT OR Apache-2.0',
	...(repository && { repository: { type: 'git', url: `git+${repository}.git` } }),
	engines: { node: '>=18' },
	publishConfig: { access: 'public', provenance: true }
};

const kinds = {
	launcher: () => ({
		name: 'larder',
		...common,
		keywords: ['lockfile', 'cache', 'offline', 'docker', 'buildkit', 'pyodide', 'integrity'],
		bin: { larder: 'bin/larder.js' },
		directories: { man: 'man' },
		optionalDependencies: Object.fromEntries(platforms.map((platform) => [`@larder/${platform}`, version]))
	}),
	platform: () => {
		const [os, cpu] = platforms[0].split('-');
		return {
			name: `@larder/${platforms[0]}`,
			...common,
			description: `The binary of larder for ${platforms[0]}`,
			os: [os],
			cpu: [cpu],
			// yarn 2 and later keep packages in archives, from which nothing can be started.
			preferUnplugged: true
		};
	}
};

console.log(JSON.stringify(kinds[kind](), undefined, 2));
