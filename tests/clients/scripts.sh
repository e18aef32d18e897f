# What the tests of recorded downloads share: packages whose scripts download, projects that install them, and rows for what they ask. Sourced after replay.sh.

# Ways in which scripts ask, each a program that writes what it got to `got`.
declare -A WAYS=(
	[fetch]='fetch(url).then(async (r) => save(r.status, r.statusText, Buffer.from(await r.arrayBuffer())))'
	[https]='require("https").get(url, (r) => collect(r))'
	[no-agent]='require("https").get(url, { agent: false }, (r) => collect(r))'
	[curl]='require("child_process").execFileSync("curl", ["-sS", "-o", "got", url]); verdict(fs.readFileSync("got"))'
	[wget]='require("child_process").execFileSync("wget", ["-q", "-O", "got", url]); verdict(fs.readFileSync("got"))'
	[range]='require("https").get(url, { headers: { range: "bytes=0-" } }, (r) => collect(r, 206))'
	[child]='require("child_process").execFileSync(process.execPath, ["-e", `fetch("${url}").then(async (r) => require("fs").writeFileSync("got", Buffer.from(await r.arrayBuffer())))`]); verdict(fs.readFileSync("got"))'
)
for name in curl wget; do command -v "$name" >/dev/null || unset "WAYS[$name]"; done

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
		fs.writeFileSync("package-lock.json", JSON.stringify({ name: "project", version: "1.0.0", lockfileVersion: 3, requires: true, packages }));' -- "$SERVED" "$@" 2>"$WORK/project.err" || { show "$WORK/project" >&2 && exit 1; }
	for name in package.json package-lock.json; do mv "$name" "$at/"; done
	say "$at"
}

# row NAME BY: a row of larder.lock for a served file.
row() {
	printf '\n[[download]]\nurl = "https://files.example/%s"\nsha256 = "%s"\nsize = %d\nby = ["%s"]\ntrust = "first-use"\n' \
		"$1" "$(sha256sum "$SERVED/$1" | cut -d ' ' -f 1)" "$(stat -c %s "$SERVED/$1")" "$2"
}

# fetched NAME…: a project that installs these packages, with a row for the tool and what stands on standard input, fetched from the server. Its folder, and the exit code of
# larder fetch.
fetched() {
	local at code
	at=$(project "$@") || return
	{ printf 'version = 2\n' && row tool-1.0.0.tgz "$1@1.0.0" && cat; } >"$at/larder.lock"
	code=$(run "$WORK/fetch" as_stranger "$LARDER" fetch --store "$WORK/store" "$at")
	[ "$code" = 0 ] || show "$WORK/fetch" >&2
	say "$at"
	return "$code"
}

# locked NAME: the same, from a server that is started for it and is gone then.
locked() {
	local code=0
	start_server
	fetched "$1" || code=$?
	stop_server
	return "$code"
}

# fetch_ways WHAT: sets PROJECT to a project with a package for each way, which all ask for the tool, and NAMES to the packages; fetched from the server, which runs on.
fetch_ways() {
	local name code=0
	head -c 3000000 /dev/urandom >"$SERVED/tool-1.0.0.tgz"
	for name in "${!WAYS[@]}"; do way "$name" https://files.example/tool-1.0.0.tgz; done
	mapfile -t NAMES < <(printf 'way-%s\n' "${!WAYS[@]}" | sort)
	start_server
	PROJECT=$(fetched "${NAMES[@]}" </dev/null) || code=$?
	equals "$1: exit code of larder fetch" 0 "$code"
}

# install_ways WHAT SAID COMMAND…: the command, which SAID names, installs that project, and each package gets the tool.
install_ways() {
	local name code
	cd "$PROJECT"
	code=$("${@:3}")
	equals "$1: exit code of $2" 0 "$code"
	[ "$code" = 0 ] || show "$WORK/offline"
	for name in "${NAMES[@]}"; do
		if cmp -s "node_modules/$name/got" "$SERVED/tool-1.0.0.tgz"; then pass "$1, $name: the file"; else fail "$1, $name: another file"; fi
	done
}

# offline OPTION…: the exit code of the install in this folder.
offline() { run "$WORK/offline" as_stranger "$LARDER" run --offline "$@" --store "$WORK/store" -- npm ci; }
