#!/usr/bin/env bash
# What install scripts download, with rows in larder.lock: `larder run --offline -- npm ci` installs it with the server gone, whichever way a script asks, and nobody sets a
# variable. What has no row is refused at once and named.
source "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
source "$ROOT/tests/clients/npm.sh"
source "$ROOT/tests/clients/managers.sh"
source "$ROOT/tests/clients/replay.sh"
serve_in_namespace "recorded downloads"

# Ways in which scripts ask, each a program that writes what it got to `got`.
declare -A WAYS=(
	[fetch]='fetch(url).then(async (r) => save(r.status, r.statusText, Buffer.from(await r.arrayBuffer())))'
	[https]='require("https").get(url, (r) => collect(r))'
	[no-agent]='require("https").get(url, { agent: false }, (r) => collect(r))'
	[curl]='require("child_process").execFileSync("curl", ["-sS", "-o", "got", url]); verdict(fs.readFileSync("got"))'
	[range]='require("https").get(url, { headers: { range: "bytes=0-" } }, (r) => collect(r, 206))'
	[child]='require("child_process").execFileSync(process.execPath, ["-e", `fetch("${url}").then(async (r) => require("fs").writeFileSync("got", Buffer.from(await r.arrayBuffer())))`]); verdict(fs.readFileSync("got"))'
)
command -v curl >/dev/null || unset 'WAYS[curl]'

# way NAME URL: its package, and what its script asks for.
way() {
	cat >"$WORK/install.js" <<-SCRIPT
		const fs = require('fs');
		const url = '$2';
		const verdict = (bytes) => process.exit(bytes.length > 0 ? 0 : 1);
		const save = (status, phrase, bytes, wanted = 200) => {
			fs.writeFileSync('got', bytes);
			if (status !== wanted) { console.error(status + ' ' + phrase); process.exit(1); }
		};
		const collect = (r, wanted) => { const all = []; r.on('data', (p) => all.push(p)); r.on('end', () => save(r.statusCode, r.statusMessage, Buffer.concat(all), wanted)); };
		${WAYS[$1]};
	SCRIPT
	package "way-$1" "way-$1" "$WORK/install.js"
}

# project NAME…: installs these packages.
project() {
	local at=$WORK/project name
	rm -rf "$at" && mkdir -p "$at"
	printf 'registry=https://registry.example/\n' >"$at/.npmrc"
	node -e 'const [folder, ...names] = process.argv.slice(1);
		const crypto = require("crypto");
		const root = { name: "project", version: "1.0.0", dependencies: Object.fromEntries(names.map((name) => [name, "1.0.0"])) };
		const entry = (name) => ({
			version: "1.0.0", resolved: `https://registry.example/${name}/-/${name}-1.0.0.tgz`, hasInstallScript: true,
			integrity: "sha512-" + crypto.createHash("sha512").update(fs.readFileSync(`${folder}/${name}-1.0.0.tgz`)).digest("base64")
		});
		const packages = { "": root, ...Object.fromEntries(names.map((name) => [`node_modules/${name}`, entry(name)])) };
		fs.writeFileSync("package.json", JSON.stringify(root));
		fs.writeFileSync("package-lock.json", JSON.stringify({ name: "project", version: "1.0.0", lockfileVersion: 3, requires: true, packages }));' -- "$SERVED" "$@" 2>"$WORK/project.err" || { show "$WORK/project" && exit 1; }
	for name in package.json package-lock.json; do mv "$name" "$at/"; done
	say "$at"
}

# row NAME BY: a row of larder.lock for a served file.
row() {
	printf '\n[[download]]\nurl = "https://files.example/%s"\nsha256 = "%s"\nsize = %d\nby = ["%s@1.0.0"]\ntrust = "first-use"\n' \
		"$1" "$(sha256sum "$SERVED/$1" | cut -d ' ' -f 1)" "$(stat -c %s "$SERVED/$1")" "$2"
}

# locked NAME: a project that installs this package, with a row for the tool and what stands on standard input, fetched from the server, which is gone then. Its folder.
locked() {
	local at code
	at=$(project "$1")
	{ printf 'version = 2\n' && row tool-1.0.0.tgz "$1" && cat; } >"$at/larder.lock"
	start_server
	code=$(run "$WORK/fetch" as_stranger "$LARDER" fetch --store "$WORK/store" "$at")
	stop_server
	[ "$code" = 0 ] || { show "$WORK/fetch" >&2 && return 1; }
	say "$at"
}

# offline OPTION…: the exit code of the install in this folder.
offline() { run "$WORK/offline" as_stranger "$LARDER" run --offline "$@" --store "$WORK/store" -- npm ci; }

prepare_hosts files.example registry.example
cd "$WORK"
head -c 3000000 /dev/urandom >"$SERVED/tool-1.0.0.tgz"
for name in "${!WAYS[@]}"; do way "$name" https://files.example/tool-1.0.0.tgz; done
mapfile -t names < <(printf 'way-%s\n' "${!WAYS[@]}" | sort)
at=$(project "${names[@]}")
{ printf 'version = 2\n' && row tool-1.0.0.tgz "${names[0]}"; } >"$at/larder.lock"
start_server
code=$(run "$WORK/fetch" as_stranger "$LARDER" fetch --store "$WORK/store" "$at")
equals "recorded: exit code of larder fetch" 0 "$code"
[ "$code" = 0 ] || show "$WORK/fetch"
equals "recorded: requests for the file" 1 "$(grep -c tool-1.0.0.tgz "$SERVED/requests")"
stop_server
cd "$at"
code=$(offline)
equals "recorded: exit code of larder run --offline -- npm ci, without the server" 0 "$code"
[ "$code" = 0 ] || show "$WORK/offline"
for name in "${names[@]}"; do
	if cmp -s "node_modules/$name/got" "$SERVED/tool-1.0.0.tgz"; then pass "recorded, $name: the file"; else fail "recorded, $name: another file"; fi
done

# Answers that are in the lock itself, and addresses at which nothing was.
cd "$WORK"
WAYS[answers]='Promise.all(["index.json", "none"].map((name) => fetch(new URL(name, url)))).then(async ([index, none]) => {
	process.exit(index.headers.get("content-type") === "application/json" && (await index.text()) === "{}\n" && none.status === 404 ? 0 : 1);
})'
way answers https://files.example/
at=$(locked way-answers <<ROWS

[[download]]
url = "https://files.example/index.json"
sha256 = "$(printf '{}\n' | sha256sum | cut -d ' ' -f 1)"
size = 3
content_type = "application/json"
by = ["way-answers@1.0.0"]
trust = "first-use"
body = "{}\n"

[[absent]]
url = "https://files.example/none"
status = 404
by = ["way-answers@1.0.0"]
ROWS
)
cd "$at"
equals "inline and absent: exit code of larder run --offline -- npm ci" 0 "$(offline)"
equals "inline and absent: refused" 0 "$(grep -c '^warning: refused' "$WORK/offline.err" || true)"

cd "$WORK"
way fetch https://files.example/other-1.0.0.tgz
at=$(locked way-fetch </dev/null)
cd "$at"
start=$SECONDS
equals "not recorded: exit code of larder run --offline -- npm ci" 1 "$(offline)"
if [ $((SECONDS - start)) -le 10 ]; then pass "not recorded: over within 10 s"; else fail "not recorded: over after $((SECONDS - start)) s"; fi
for text in 'refused https://files.example/other-1.0.0.tgz: Not in larder.lock' '404 Not in larder.lock'; do
	if grep -qF "$text" "$WORK/offline.err"; then pass "not recorded: says \`$text\`"; else fail "not recorded: does not say \`$text\`" && show "$WORK/offline"; fi
done

# One that goes on without what it was refused.
cd "$WORK"
WAYS[quiet]='fetch(url).then(() => process.exit(0))'
way quiet https://files.example/other-1.0.0.tgz
at=$(locked way-quiet </dev/null)
cd "$at"
equals "silently refused: exit code" 1 "$(offline)"
equals "silently refused: exit code with --allow-refused" 0 "$(offline --allow-refused)"
if grep -qF 'refused https://files.example/other-1.0.0.tgz' "$WORK/offline.err"; then pass "silently refused: named"; else fail "silently refused: not named"; fi
finish
