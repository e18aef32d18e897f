#!/usr/bin/env bash
# npm 12 refuses a tarball on another host than the configured registry's (EALLOWREMOTE), even one that it has. larder says the cure before npm fails, and the
# cure is one.
source "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
source "$ROOT/tests/clients/npm.sh"
need node "gates of npm 12"
need npm "gates of npm 12"
need_npm 12 "gates of npm 12" || finish
need_cut_network "gates of npm 12"

# small_project FOLDER: two packages without dependencies, whose lockfile names registry.example.
small_project() {
	mkdir -p "$1"
	node -e '
		const { packages } = JSON.parse(fs.readFileSync(process.argv[1]));
		const root = { name: "small", version: "1.0.0", dependencies: {} };
		const lock = { ...root, lockfileVersion: 3, requires: true, packages: { "": root } };
		delete lock.dependencies;
		for (const name of ["react", "@opentelemetry/api"]) {
			lock.packages[`node_modules/${name}`] = packages[`node_modules/${name}`];
			root.dependencies[name] = packages[`node_modules/${name}`].version;
		}
		fs.writeFileSync(`${process.argv[2]}/package-lock.json`, JSON.stringify(lock, undefined, 2));
		fs.writeFileSync(`${process.argv[2]}/package.json`, JSON.stringify(root, undefined, 2));' "$(project_of conflicting-peers)/package-lock.json" "$1"
}

# offline VARIABLE=VALUE…: an install offline, without the setting that all tests have for registry.example; with these in its environment.
offline() {
	rm -rf "$TREES/small"
	small_project "$TREES/small"
	(
		unset npm_config_replace_registry_host
		[ $# = 0 ] || export "$@"
		cd "$TREES/small"
		run "$WORK/gate" with_npm 12 cut_network "$LARDER" run --offline --store "$STORE" -- npm ci
	)
}

# What larder says itself: npm begins each of its lines with its name.
said_by_larder() { grep -v '^npm ' "$WORK/gate.err" || true; }

fill_store conflicting-peers || finish
small_project "$TREES/small"
code=$(cd "$TREES/small" && run "$WORK/online" with_npm 12 npm ci)
equals "npm 12: exit code of npm ci, online, with registry.example replaced" 0 "$code"
node "$COMPARE" list "$TREES/small" >"$WORK/reference"
REFERENCE=$WORK/reference

equals "npm 12: exit code with another host in the lockfile" 1 "$(offline)"
if grep -q '^npm error code EALLOWREMOTE' "$WORK/gate.err"; then pass "npm 12: it is npm's gate that fails"; else
	fail "npm 12: fails for another reason"
	show "$WORK/gate"
fi
cures=$(sed '/^npm error/,$d' "$WORK/gate.err" | grep -v '^npm ' | grep -oE 'replace-registry-host=[a-z.]+|allow-remote=[a-z]+' | sort -u || true)
if [ -n "$cures" ]; then pass "npm 12: larder says before npm fails: $(xargs <<<"$cures")"; else
	fail "npm 12: larder says no cure before npm fails"
	show "$WORK/gate"
fi
if said_by_larder | grep -q 'registry\.example'; then pass "npm 12: larder names the host"; else fail "npm 12: larder does not name the host"; fi

for cure in $cures; do
	variable=npm_config_$(tr - _ <<<"${cure%%=*}")
	equals "npm 12: exit code with $cure" 0 "$(offline "$variable=${cure#*=}")"
	same_tree "npm 12, with $cure" "$TREES/small"
	# Nobody is told of a cure who has taken it.
	equals "npm 12: what larder says of cures with $cure" "" "$(said_by_larder | grep -E 'replace-registry-host|allow-remote' || true)"
done
finish
