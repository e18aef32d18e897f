#!/usr/bin/env bash
# What install scripts download and a script of the project's own fetches, once recorded in larder.lock: the snippet builds it with the network cut, from a context and from a
# seeded mount, although its install step has no larder.lock. What is not recorded is named in the step.
source "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
source "$ROOT/tests/clients/replay.sh"
need openssl "downloads of scripts in builds"
prepare

ONNX=1.21.0
CYPRESS=13.17.0
FORGE=$(sed -n 's/^pub const GITHUB_HOST: &str = "\(.*\)";/\1/p' "$ROOT/src/core/endpoints.rs")
ONNX_URL=$(sed -n "s|^onnxruntime-node $ONNX linux/amd64 ||p" "$ROOT/src/npm/own_downloads/expected_addresses.txt" | sed "s|{github}|$FORGE|")
CYPRESS_URL=$(sed -n 's|^cypress [^ ]* linux/amd64 ||p' "$ROOT/src/npm/own_downloads/expected_addresses.txt" | head -n 1 | sed "s|desktop/[^?]*|desktop/$CYPRESS|")

# host_of URL, file_of URL: its host, and its file among those that are served.
host_of() { sed 's|^https://\([^/]*\)/.*|\1|' <<<"$1"; }
file_of() { say "$SERVED/$(sed 's|^https://||; s|?.*||' <<<"$1")"; }

# serve_files: what is in SERVED, by a proxy on loopback. LARDER_ONLINE asks it.
serve_files() {
	local port
	certify files.example "$FORGE" "$(host_of "$CYPRESS_URL")" >"$WORK/openssl.log" 2>&1
	: >"$WORK/files"
	node "$ROOT/tests/docker/files.mjs" "$SERVED" "$WORK/file-requests" >"$WORK/files" 2>"$WORK/files.err" &
	SERVERS+=($!)
	until port=$(cat "$WORK/files") && [ -n "$port" ]; do kill -0 "${SERVERS[-1]}" && sleep 0.05; done
	LARDER_ONLINE=(env "HTTPS_PROXY=http://127.0.0.1:$port" NO_PROXY=127.0.0.1 "npm_config_cafile=$WORK/ca.pem" "$LARDER")
}

# sum URL: the digest of a served file.
sum() { sha256sum "$(file_of "$1")" | cut -d ' ' -f 1; }

# rows FILE: what a larder.lock records, and who asked.
rows() { awk '/^url = / { url = $3 } /^by = / && url { gsub("\"", "", url); printf "%s %s; ", url, $0; url = "" }' "$1" | sed 's/ $//'; }

# front_end FOLDER: the snippet without Pyodide, and an image that takes its page alone.
front_end() {
	mkdir -p "$1/src"
	sed "/^# 2\. Pyodide/,/view pyodide/d; s/id=larder,/id=$MOUNT,/" "$ROOT/Dockerfile.snippet" >"$1/Dockerfile"
	printf 'FROM scratch\nCOPY --from=frontend /app/index.html /\n' >>"$1/Dockerfile"
	printf '%s\n' .git node_modules dist static/pyodide .larder >"$1/.dockerignore"
	printf '; %s\nregistry=%s/npm/\n' "$MOUNT" "$REGISTRY" >"$1/.npmrc"
	printf '<title>downloads</title>\n' >"$1/index.html"
}

# context PROJECT WHAT: makes its .larder.
context() {
	equals "$2: exit code of larder view context" 0 "$(cd "$1" && run "$WORK/view" "${LARDER_ONLINE[@]}" view context .larder --store "$WORK/store")"
	show "$WORK/view"
}

# in_log NAME PATTERN: whether a build's steps said that.
in_log() { node "$ROOT/tests/docker/steps.mjs" "$WORK/$1.err" --log | grep -qE "$2" && say yes || say no; }

# A package whose script downloads a file, and a project whose own script fetches another one.
TOOL=https://files.example/v1/tool-linux-x64.bin
DATA=https://files.example/data.json
mkdir -p "$SERVED/files.example/v1"
head -c 3000000 /dev/urandom >"$SERVED/files.example/v1/tool-linux-x64.bin"
head -c 200000 /dev/urandom | base64 >"$SERVED/files.example/data.json"
cat >"$WORK/install.js" <<SCRIPT
require('https').get('$TOOL', (r) => {
	const parts = [];
	r.on('data', (part) => parts.push(part));
	r.on('end', () => { require('fs').writeFileSync('tool', Buffer.concat(parts)); process.exit(r.statusCode === 200 ? 0 : 1); });
}).on('error', (error) => { throw error; });
SCRIPT
package larder-test-tool larder-test-tool "$WORK/install.js"
mv "$SERVED/larder-test-tool-1.0.0.tgz" "$OWN_PACKAGES/"
serve_files

# with_downloads FOLDER: the example with both, recorded in its larder.lock. Nobody has that host: whoever clones the example has no use for it there.
with_downloads() {
	webui "$1"
	node - "$1" "$OWN_PACKAGES/larder-test-tool-1.0.0.tgz" "$REGISTRY" "$DATA" <<-'ADD'
		const { createHash } = require('crypto'), fs = require('fs');
		const [folder, tarball, registry, data] = process.argv.slice(2);
		const edit = (name, change) => {
			const document = JSON.parse(fs.readFileSync(`${folder}/${name}`, 'utf8'));
			change(document);
			fs.writeFileSync(`${folder}/${name}`, `${JSON.stringify(document, undefined, 2)}\n`);
		};
		const save = `async (answer) => { if (!answer.ok) throw new Error(answer.statusText); require("fs").writeFileSync("data.json", await answer.text()); }`;
		edit('package.json', (root) => {
			root.dependencies['larder-test-tool'] = '1.0.0';
			root.scripts.postinstall = `node --input-type=commonjs -e 'fetch("${data}").then(${save})'`;
			root.scripts['build:vite'] = 'node src/check.js && vite build';
		});
		edit('package-lock.json', ({ packages }) => {
			packages[''].dependencies['larder-test-tool'] = '1.0.0';
			packages[''].hasInstallScript = true;
			packages['node_modules/larder-test-tool'] = {
				version: '1.0.0', hasInstallScript: true, resolved: `${registry}/npm/larder-test-tool/-/larder-test-tool-1.0.0.tgz`,
				integrity: `sha512-${createHash('sha512').update(fs.readFileSync(tarball)).digest('base64')}`
			};
		});
	ADD
	# The build goes on if both have come.
	cat >"$1/src/check.js" <<-SCRIPT
		import { createHash } from 'node:crypto';
		import { readFileSync } from 'node:fs';
		const wanted = { 'node_modules/larder-test-tool/tool': '$(sum "$TOOL")', 'data.json': '$(sum "$DATA")' };
		for (const [file, sum] of Object.entries(wanted)) if (createHash('sha256').update(readFileSync(file)).digest('hex') !== sum) throw new Error(file);
	SCRIPT
}

APP=$WORK/downloads
with_downloads "$APP"
equals "downloads: exit code of larder record -- npm ci" 0 "$(cd "$APP" && run "$WORK/record" "${LARDER_ONLINE[@]}" record --yes --store "$WORK/store" -- npm ci --loglevel=error)"
show "$WORK/record"
equals "downloads: rows of larder.lock, and who asked" "$DATA by = [\"script:postinstall\"]; $TOOL by = [\"larder-test-tool@1.0.0\"];" "$(rows "$APP/larder.lock")"
rm -rf "$APP/node_modules" "$APP/data.json"
OFFLINE=(--network=none --build-context "larder=$APP/.larder" --build-arg "LARDER_IMAGE=registry.example/nowhere")
context "$APP" downloads
equals "downloads, lines of the Dockerfile that the example does not have" "" "$(sed "s/id=$MOUNT,/id=larder,/" "$APP/Dockerfile" | diff - "$ROOT/examples/webui/Dockerfile" || true)"
build context "$APP" "${OFFLINE[@]}" --build-arg BUILD_HASH=one
built "downloads, from a context without a network" context "install ran, Pyodide ran, Vite ran" "0 requests, 0 twice"

# A package less for Python: what the install step mounts has the rows of downloads, and nothing of that.
sed -i '/"gsw",/d' "$APP/larder.toml" "$APP/larder.lock"
sed -i '/^\[\[package\]\]$/{N;/\nname = "gsw"$/{:skip;N;/\n$/!b skip;d}}' "$APP/larder.lock"
context "$APP" "downloads, another Pyodide"
build pyodide "$APP" "${OFFLINE[@]}" --build-arg BUILD_HASH=one
built "downloads, another Pyodide" pyodide "install CACHED, Pyodide ran, Vite ran" "0 requests, 0 twice"

# From a mount.
equals "downloads: exit code of larder buildkit seed" 0 "$(cd "$APP" && run "$WORK/seed" "${LARDER_ONLINE[@]}" buildkit seed --id "$MOUNT" --store "$WORK/store")"
show "$WORK/seed"
build mount "$APP" --network=none --build-arg BUILD_HASH=one
built "downloads, from a seeded mount without a network" mount "install ran, Pyodide ran, Vite ran" "0 requests, 0 twice"

# Another project on the same mount, with a lockfile of its own and nothing recorded: what the first one recorded is not for it.
with_downloads "$WORK/unrecorded"
sed -i 's/"name": "webui"/"name": "unrecorded"/' "$WORK/unrecorded/package.json" "$WORK/unrecorded/package-lock.json"
build unrecorded "$WORK/unrecorded" --network=none --build-arg BUILD_HASH=one
equals "not recorded, on a mount with another project's rows" "exit code 1; install FAILED" "exit code $CODE; install $(step unrecorded 'run -- npm ci')"
equals "not recorded: the step names the package or the address" yes "$(in_log unrecorded '(error|warning|note): .*(larder-test-tool|files\.example)')"

# The web UI's case: two packages that download hundreds of megabytes, and peers that contradict each other.
python3 "$ROOT/tests/docker/stand-ins.py" "$(file_of "$ONNX_URL")" "$(file_of "$CYPRESS_URL")"
UI=$WORK/ui
front_end "$UI"
sed -i 's/run -- npm ci$/run -- npm ci --force/; s/RUN npm run build:vite/RUN node src\/bundle.js/' "$UI/Dockerfile"
cat >"$UI/src/bundle.js" <<'SCRIPT'
const fs = require('fs'), { execFileSync } = require('child_process');
const size = (file) => fs.statSync(file).size;
const folder = 'node_modules/onnxruntime-node/bin/napi-v3/linux/x64';
if (size(`${folder}/libonnxruntime_providers_cuda.so`) !== 180 << 20) throw new Error('onnxruntime-node');
if (size(`${process.env.HOME}/.cache/Cypress/13.17.0/Cypress/Cypress`) !== 170 << 20) throw new Error('cypress');
SCRIPT
printf '%s\n' '{"name": "ui", "version": "1.0.0", "private": true,' \
	"\"dependencies\": {\"onnxruntime-node\": \"$ONNX\", \"react\": \"18.3.1\", \"@testing-library/react-hooks\": \"8.0.1\"}, \"devDependencies\": {\"cypress\": \"$CYPRESS\"}}" >"$UI/package.json"
# Without addresses in it, npm writes each tarball into its cache once more when it installs, and a step has little room in memory.
code=$(cd "$UI" && npm_config_omit_lockfile_registry_resolved=true run "$WORK/install" npm install --package-lock-only --force --loglevel=error)
equals "web UI: exit code of npm install --package-lock-only --force" 0 "$code"
[ "$code" = 0 ] || show "$WORK/install"
printf 'platforms = ["linux/amd64/glibc"]\n' >"$UI/larder.toml"
equals "web UI: exit code of larder lock" 0 "$(cd "$UI" && run "$WORK/lock" "${LARDER_ONLINE[@]}" lock --store "$WORK/store")"
show "$WORK/lock"
equals "web UI: rows of larder.lock, and who asked" "$CYPRESS_URL by = [\"cypress@$CYPRESS\"]; $ONNX_URL by = [\"onnxruntime-node@$ONNX\"];" "$(rows "$UI/larder.lock")"
equals "web UI: exit code of larder fetch" 0 "$(cd "$UI" && run "$WORK/fetch" "${LARDER_ONLINE[@]}" fetch --store "$WORK/store")"
equals "web UI: packages that are said to download" "" "$(grep ' downloads a file ' "$WORK/fetch.err" || true)"
equals "web UI: requests for the two files" "1 1" "$(grep -c onnxruntime-linux-x64-gpu "$WORK/file-requests") $(grep -c "desktop/$CYPRESS" "$WORK/file-requests")"

if can_cut_network; then
	mkdir -p "$WORK/home"
	code=$(cd "$UI" && run "$WORK/offline" cut_network env HOME="$WORK/home" "$LARDER" run --offline --store "$WORK/store" -- npm ci --force)
	equals "web UI: exit code of larder run --offline -- npm ci --force, network cut" 0 "$code"
	[ "$code" = 0 ] || show "$WORK/offline"
	equals "web UI, network cut: both files are in place" 0 "$(cd "$UI" && run "$WORK/bundle" env HOME="$WORK/home" node src/bundle.js)"
	rm -rf "$UI/node_modules" "$WORK/home"
else
	skip "web UI, network cut: no network namespace can be made (not root)"
fi
context "$UI" "web UI"
OFFLINE=(--network=none --build-context "larder=$UI/.larder" --build-arg "LARDER_IMAGE=registry.example/nowhere")
build ui "$UI" "${OFFLINE[@]}" --build-arg BUILD_HASH=one
equals "web UI, from a context without a network" "exit code 0; install ran; 0 requests, 0 twice" "exit code $CODE; install $(step ui 'run -- npm ci'); $(requests ui)"

# Left unrecorded, every command says so before it hurts.
awk -v RS= -v ORS='\n\n' '!/onnxruntime-node@/' "$UI/larder.lock" >"$WORK/left.lock" && mv "$WORK/left.lock" "$UI/larder.lock"
SAID="onnxruntime-node $ONNX downloads a file when it is installed"
says() { if grep -qF "$SAID" "$WORK/said.err" "$WORK/said.out"; then say yes; else say no; fi; }
for command in plan fetch 'view context .larder' 'run -- true'; do
	read -ra words <<<"$command"
	equals "web UI, one left unrecorded: exit code of larder $command, and whether it says so" "0 yes" "$(cd "$UI" && LARDER_STORE=$WORK/store run "$WORK/said" "${LARDER_ONLINE[@]}" "${words[@]}") $(says)"
done
build left "$UI" "${OFFLINE[@]}" --build-arg BUILD_HASH=one
equals "web UI, one left unrecorded, in a step without a network" "exit code 1; install FAILED; said yes" \
	"exit code $CODE; install $(step left 'run -- npm ci'); said $(in_log left "$SAID")"
finish
