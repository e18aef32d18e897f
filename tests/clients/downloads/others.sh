#!/usr/bin/env bash
# Clients that are no npm package, or that scripts use: each downloads a file whose address is in larder.lock by `larder run --offline`, where there is no network, as it does online,
# and nobody sets a variable; what has no row is refused at once and named. npm, pnpm, yarn and bun are in `replay/own-addresses.sh`. git cannot be replayed: it is only refused.
source "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
source "$ROOT/tests/clients/downloads.sh"
source "$ROOT/tests/clients/pyodide.sh"

# Client, releases of node, command.
MATRIX='fetch 20,24 node get.mjs fetch
https.get 20,24 node get.mjs https
next,webpack 20 env NEXT_TELEMETRY_DISABLED=1 next build --webpack
next,turbopack 20 env NEXT_TELEMETRY_DISABLED=1 next build --turbopack
deno 20 deno run --quiet --allow-all get.mjs fetch
deno,modules 20 deno cache --quiet --allow-import --vendor modules.mjs
corepack 20 corepack pnpm --version
curl 20 curl -fsSLO https://files.example/any/file.tar.gz
wget 20 wget -q https://files.example/any/file.tar.gz
pip 20 python3 -m pip download --quiet --no-deps --index-url https://index.example/simple stand-in
pip,address 20 python3 -m pip download --quiet --no-deps https://files.example/any/stand_in-1.0-py3-none-any.whl
uv 20 uv pip install --quiet --no-deps --target got --index-url https://index.example/simple stand-in
urllib 20 python3 get.py urllib
httpx 20 python3 get.py httpx
requests 20 python3 get.py requests
aiohttp 20 python3 get.py aiohttp
cargo 20 cargo fetch --quiet
Go,bazelisk 20 bazelisk version'

# The programs and projects of the matrix.
prepare() {
	cat >get.mjs <<-'END'
		import { writeFileSync } from 'node:fs';
		import { get } from 'node:https';
		const address = 'https://files.example/any/file.tar.gz';
		const ways = {
			fetch: async () => {
				const response = await fetch(address);
				if (!response.ok) throw new Error(`${response.status} ${response.statusText}`);
				return Buffer.from(await response.arrayBuffer());
			},
			https: () => new Promise((resolve, reject) => get(address, async (response) => {
				const parts = await response.toArray();
				response.statusCode === 200 ? resolve(Buffer.concat(parts)) : reject(new Error(`${response.statusCode} ${response.statusMessage}`));
			}).on('error', reject))
		};
		writeFileSync('got', await ways[process.argv[2]]());
	END
	say "import 'https://files.example/any/module.mjs';" >modules.mjs
	cat >get.py <<-'END'
		import asyncio, sys, urllib.request

		ADDRESS = "https://files.example/any/file.tar.gz"

		def urllib_way():
		    return urllib.request.urlopen(ADDRESS).read()

		def httpx_way():
		    import httpx
		    return httpx.get(ADDRESS).raise_for_status().content

		def requests_way():
		    import requests
		    response = requests.get(ADDRESS)
		    response.raise_for_status()
		    return response.content

		def aiohttp_way():
		    import aiohttp
		    async def get():
		        async with aiohttp.ClientSession(trust_env=True, raise_for_status=True) as session:
		            async with session.get(ADDRESS) as response:
		                return await response.read()
		    return asyncio.run(get())

		open("got", "wb").write(globals()[sys.argv[1] + "_way"]())
	END
	case $CLIENT in
	next,*)
		mkdir pages
		cat >pages/index.js <<-'END'
			import { Inter } from 'next/font/google';
			const inter = Inter({ subsets: ['latin'] });
			export default function Page() { return <p className={inter.className}>A page</p>; }
		END
		# What takes long is off: caches, making code small, tracing what a server would need. Turbopack takes packages only from below its root.
		cat >next.config.mjs <<-'END'
			export default {
				output: 'export',
				generateBuildId: () => 'build',
				outputFileTracingExcludes: { '*': ['**/*'], 'next-server': ['**/*'] },
				turbopack: { root: '/' },
				experimental: { turbopackMinify: false, turbopackFileSystemCacheForBuild: false },
				webpack: (config) => ({ ...config, cache: false, optimization: { ...config.optimization, minimize: false } })
			};
		END
		;;
	Go,bazelisk)
		: >MODULE.bazel
		printf 'USE_BAZEL_VERSION=8.0.0\nBAZELISK_BASE_URL=https://files.example/any\n' >.bazeliskrc
		;;
	corepack) sed -i "s|\"private\"|\"packageManager\": \"pnpm@9.99.9+sha512.$(stand_in sha512 /pnpm/-/pnpm-9.99.9.tgz)\", \"private\"|" package.json ;;
	cargo)
		mkdir -p .cargo src
		printf '[source.crates-io]\nreplace-with = "own"\n[source.own]\nregistry = "sparse+https://crates.example/index/"\n' >.cargo/config.toml
		printf '[package]\nname = "project"\nversion = "1.0.0"\nedition = "2021"\n[dependencies]\nstand-in = "1"\n' >Cargo.toml
		: >src/lib.rs
		;;
	esac
}

# A clone over https sends POST, which cannot be replayed: `larder record` names the host that it leaves out, and offline git is refused, which is named.
clones() {
	local MAJOR=20 CLIENT=git code
	local -a command=(git clone --quiet https://forge.example/git/repository.git got)
	command -v git >/dev/null || { skip "git over https: it is not installed" && return 0; }
	make_repository "$WORK/server/git/repository.git"
	place prepare
	code=$(run "$WORK/online" with_authority "${command[@]}")
	if [ "$code" != 0 ] || [ ! -e "$PLACE/project/got/file" ]; then fail "git over https: exit code of the clone online: $code" && show "$WORK/online" && return 0; fi
	place prepare
	code=$(SET=(SSL_CERT_FILE="$CA"); run "$WORK/record" alone_here "$LARDER" record --yes --store "$WORK/recording" . -- "${command[@]}")
	if [ "$code" = 0 ] && grep -q '^warning: not recorded: forge\.example: ' "$WORK/record.err"; then
		pass "git over https: cloned under larder record, $(sed -n 's/^warning: \(not recorded: \)/\1/p' "$WORK/record.err")"
	else
		fail "git over https: exit code of larder record: $code" && show "$WORK/record"
	fi
	place prepare "$DOWNLOADS/unrelated.lock"
	code=$(CUT=yes tenths run "$WORK/refused" alone_here "$LARDER" run --offline --store "$WORK/store" -- "${command[@]}")
	if [ "$code" = 128 ] && [ "$(cat "$WORK/tenths")" -le 100 ] && grep -qF 'refused https://forge.example/git/repository.git/info/refs: ' "$WORK/refused.err"; then
		pass "git over https: offline, refused, named, git's exit code $code, tenths of a second: $(cat "$WORK/tenths")"
	else
		fail "git over https: offline: exit code $code, tenths of a second: $(cat "$WORK/tenths")" && show "$WORK/refused"
	fi
}

# make_repository FOLDER: a bare one with a commit.
make_repository() (
	export HOME=$WORK GIT_CONFIG_NOSYSTEM=1
	local -a as=(git -c user.name=test -c user.email=test@host.example --git-dir "$1")
	local tree commit
	git init --quiet --bare --initial-branch main "$1"
	tree=$(printf '100644 blob %s\tfile\n' "$(say content | "${as[@]}" hash-object -w --stdin)" | "${as[@]}" mktree)
	commit=$("${as[@]}" commit-tree -m 'Add a file' "$tree")
	"${as[@]}" update-ref refs/heads/main "$commit"
)

need_others() {
	local program
	for program in curl wget git; do command -v "$program" >/dev/null || alone debian debian_has "$program" || true; done
	client python-clients install_python_clients || { skip "downloads: Python's clients cannot be installed here" && finish; }
	install_uv || { skip "downloads: uv cannot be installed here" && finish; }
}

serve_downloads "downloads by other clients" need_others
# What next makes anew with each build: its cache, how long each step took, and keys.
LEFT_OUT+=('./project/.next/cache' './project/.next/trace*' './project/.next/prerender-manifest.json' './project/.next/server/preview-props.json' './project/.next/server/server-reference-manifest.*')
# The programs themselves, not what chooses them by the user's folder.
PATH=$(dirname "$(python3 -c 'import sys; print(sys.executable)')"):$(dirname "$(rustup which cargo 2>/dev/null || command -v cargo)"):$CLIENTS/uv/bin:$PATH
while read -r -u 3 CLIENT releases command; do
	for MAJOR in ${releases//,/ }; do
		if ! command -v "${command%% *}" >/dev/null && [ ! -e "$WORK/node_modules/.bin/${command%% *}" ]; then skip "$CLIENT: it is not installed" && continue; fi
		replays "node $MAJOR, ${CLIENT/,/, }" 10 prepare $command
	done
done 3< <(chosen <<<"$MATRIX")
[ -z "$(chosen <<<git)" ] || clones
finish
