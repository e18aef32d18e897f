#!/usr/bin/env bash
# A build with neither an image of larder nor a context: the snippet takes the binary from larder's package, as the lockfile has it.
source "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
prepare
IMAGES=(--build-arg "NODE_IMAGE=$NODE_IMAGE" --build-arg "PYTHON_IMAGE=$PYTHON_IMAGE")
ONLINE=(--network=host)
PLATFORM=$(node -p '`${process.platform}-${process.arch}`')
VERSION=$("$ROOT/packaging/version.sh")
LINE='npm ci --prefer-offline'

# The packages, where the registry has what is this test's own: tarballs, and the document of the platform's package.
code=$(run "$WORK/pack" "$ROOT/packaging/npm.sh" "$WORK/packed" "$PLATFORM=$STATIC")
equals "exit code of packaging/npm.sh" 0 "$code"
[ "$code" = 0 ] || { show "$WORK/pack" && finish; }
cp "$WORK/packed/larder-$VERSION.tgz" "$OWN_PACKAGES/"
cp "$WORK/packed/larder-$PLATFORM-$VERSION.tgz" "$OWN_PACKAGES/$PLATFORM-$VERSION.tgz"
TARBALL=/npm/@larder/$PLATFORM/-/$PLATFORM-$VERSION.tgz
digest() { node -p '"sha512-" + crypto.createHash("sha512").update(fs.readFileSync(process.argv[1])).digest("base64")' "$1"; }
DIGEST=$(digest "$OWN_PACKAGES/$PLATFORM-$VERSION.tgz")
cat >"$OWN_PACKAGES/@larder%2f$PLATFORM" <<DOCUMENT
{"name": "@larder/$PLATFORM", "dist-tags": {"latest": "$VERSION"}, "versions": {"$VERSION":
 {"name": "@larder/$PLATFORM", "version": "$VERSION", "dist": {"tarball": "$REGISTRY$TARBALL", "integrity": "$DIGEST"}}}}
DOCUMENT

# with_larder FOLDER: the example after `npm i -D larder`. npm's cache in its builds is this test's own.
with_larder() {
	webui "$1"
	own_cache "$1" npm
	node - "$1" "$PLATFORM" "$VERSION" "$REGISTRY/npm" "$(digest "$OWN_PACKAGES/larder-$VERSION.tgz")" "$DIGEST" <<-'ADD'
		const fs = require('fs');
		const [folder, platform, version, registry, launcher, binary] = process.argv.slice(2);
		const edit = (name, change) => {
			const document = JSON.parse(fs.readFileSync(`${folder}/${name}`, 'utf8'));
			change(document);
			fs.writeFileSync(`${folder}/${name}`, `${JSON.stringify(document, undefined, 2)}\n`);
		};
		const [os, cpu] = platform.split('-');
		edit('package.json', (root) => (root.devDependencies.larder = version));
		edit('package-lock.json', ({ packages }) => {
			packages[''].devDependencies.larder = version;
			packages[`node_modules/@larder/${platform}`] = {
				version, resolved: `${registry}/@larder/${platform}/-/${platform}-${version}.tgz`, integrity: binary, cpu: [cpu], dev: true, optional: true, os: [os]
			};
			packages['node_modules/larder'] = {
				version, resolved: `${registry}/larder/-/larder-${version}.tgz`, integrity: launcher, dev: true, bin: { larder: 'bin/larder.js' },
				optionalDependencies: { [`@larder/${platform}`]: version }
			};
		});
	ADD
}
# own_cache FOLDER ID: gives npm's cache in its builds another id.
own_cache() { sed -i "s|type=cache,target=/root/.npm|type=cache,id=$MOUNT-$2,target=/root/.npm|" "$1/Dockerfile"; }

# package NAME: how the step ended that installs larder's package.
package() { step "$1" "$LINE"; }

APP=$WORK/app
with_larder "$APP"
build first "$APP" "${ONLINE[@]}" --build-arg BUILD_HASH=one
built "first build" first "install ran, Pyodide ran, Vite ran" "$(($(files_of "$APP" | wc -l) + 1)) requests, 1 twice"
equals "first build, what was requested twice: larder itself, which the install wants too" "$TARBALL" "$(asked_for first | uniq -d)"
equals "first build, larder's package" ran "$(package first)"

build hash "$APP" "${ONLINE[@]}" --build-arg BUILD_HASH=two
built "new BUILD_HASH" hash "install CACHED, Pyodide CACHED, Vite ran" "0 requests, 0 twice"
equals "new BUILD_HASH, larder's package" CACHED "$(package hash)"

sed -i 's/Python in the browser/Python, in the browser/' "$APP/src/App.svelte"
build source "$APP" "${ONLINE[@]}" --build-arg BUILD_HASH=two
built "a source edit" source "install CACHED, Pyodide CACHED, Vite ran" "0 requests, 0 twice"
equals "a source edit, larder's package" CACHED "$(package source)"

# Another lockfile: larder's package comes from npm's cache, and it is the same, so Pyodide's step stays.
sed -i '0,/"name": "webui"/s//"name": "another"/' "$APP/package.json" "$APP/package-lock.json"
build lockfile "$APP" "${ONLINE[@]}" --build-arg BUILD_HASH=two
equals "another lockfile" "exit code 0; 0 requests, 0 twice; larder's package ran, install ran" "exit code $CODE; $(requests lockfile); larder's package $(package lockfile), install $(step lockfile 'run -- npm ci')"

(cd "$APP" && "$LARDER" view context .larder --quiet --store "$WORK/store")
build context "$APP" --network=none --build-context "larder=$APP/.larder" --build-arg BUILD_HASH=one
built "with a context" context "install ran, Pyodide ran, Vite ran" "0 requests, 0 twice"
equals "with a context, larder's package" absent "$(package context)"

# For another processor, larder is still that of the machine that builds.
case $(uname -m) in x86_64) other=linux/arm64 ;; *) other=linux/amd64 ;; esac
build other "$APP" "${ONLINE[@]}" --platform "$other" --build-arg BUILD_HASH=two --target frontend
equals "for another processor" "exit code 0; install CACHED, Pyodide CACHED, Vite CACHED; 0 requests, 0 twice" "exit code $CODE; $(steps other); $(requests other)"

# larder_stage NAME: the stage `larder` of the snippet beside the lockfile in that folder, and an npm's cache that is empty. Its files go to $WORK/NAME.files.
larder_stage() {
	local from
	from=$(wc -l <"$REQUEST_LOG")
	CODE=0
	cp "$ROOT/Dockerfile.snippet" "$WORK/$1/Dockerfile"
	own_cache "$WORK/$1" "$1"
	printf '; %s\nregistry=%s/npm/\n' "$MOUNT-$1" "$REGISTRY" >"$WORK/$1/.npmrc"
	docker buildx build --progress=plain "${ONLINE[@]}" "${IMAGES[@]}" --target larder --output "type=local,dest=$WORK/$1.files" "$WORK/$1" >"$WORK/$1.out" 2>&1 || CODE=$?
	requests_since "$from" >"$WORK/$1.requests"
}
said() { if grep -q "^#[0-9]* [0-9.]* .*$2" "$WORK/$1.out"; then say yes; else say no; fi; }

# The lockfiles of others, as they write them.
mkdir "$WORK"/{pnpm,yarn,bun,nothing,yarn-4,tampered}
printf "lockfileVersion: '9.0'\n\npackages:\n\n  '@larder/%s@%s':\n    resolution: {integrity: %s}\n    os: [linux]\n" "$PLATFORM" "$VERSION" "$DIGEST" >"$WORK/pnpm/pnpm-lock.yaml"
printf '# yarn lockfile v1\n\n\n"@larder/%s@%s":\n  version "%s"\n  resolved "%s#0123"\n  integrity %s\n' "$PLATFORM" "$VERSION" "$VERSION" "$REGISTRY$TARBALL" "$DIGEST" >"$WORK/yarn/yarn.lock"
printf '{\n  "lockfileVersion": 1,\n  "packages": {\n    "@larder/%s": ["@larder/%s@%s", "", { "os": "linux" }, "%s"],\n  }\n}\n' "$PLATFORM" "$PLATFORM" "$VERSION" "$DIGEST" >"$WORK/bun/bun.lock"
for name in pnpm yarn bun; do
	larder_stage "$name"
	equals "the lockfile of $name: exit code, requests for the package" "0 1" "$CODE $(grep -cF "$TARBALL" "$WORK/$name.requests")"
	if cmp -s "$STATIC" "$WORK/$name.files/bin/larder" && [ -x "$WORK/$name.files/bin/larder" ] && [ -d "$WORK/$name.files/store" ]; then
		pass "the lockfile of $name: the binary, and an empty store"
	else
		fail "the lockfile of $name: not the binary with an empty store" && tail -n 15 "$WORK/$name.out"
	fi
done

# Refused: bytes that are not what the lockfile says, and lockfiles that say nothing of it.
WRONG=$(digest "$STATIC")
sed "s|$DIGEST|$WRONG|" "$APP/package-lock.json" >"$WORK/tampered/package-lock.json"
larder_stage tampered
equals "another digest in the lockfile: exit code, whether it is said, files" "1 yes absent" \
	"$CODE $(said tampered "integrity checksum failed when using sha512: wanted $WRONG but got $DIGEST") $([ -e "$WORK/tampered.files/bin/larder" ] && say there || say absent)"
printf '"@larder/%s@npm:%s":\n  version: %s\n  checksum: 10c0/0123456789\n' "$PLATFORM" "$VERSION" "$VERSION" >"$WORK/yarn-4/yarn.lock"
for name in nothing yarn-4; do
	larder_stage "$name"
	equals "$name: exit code, whether the way out is said, requests" "1 yes 0" "$CODE $(said "$name" "no larder for this build: no lockfile .* has @larder/$PLATFORM.*npm i -D larder") $(wc -l <"$WORK/$name.requests")"
done
finish
