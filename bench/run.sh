#!/usr/bin/env bash
# `larder run -- npm ci --ignore-scripts` beside `npm ci --ignore-scripts` from its own full cache, both offline with the network cut, on the large lockfile. See README.md.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

rounds_of "$@"
can_cut_network || { say "no network namespace can be made (not root)" && exit 1; }

STORE=$BENCH_DIR/run-store
OWN_CACHE=$BENCH_DIR/run-npm-cache
GROUP="large, offline"
CI=(npm ci --ignore-scripts)

# offline FOLDER COMMAND…
offline() { cd "$1" && shift && cut_network "$@"; }
export -f offline cut_network
# A stand-in for npm that does nothing: what is left is larder's own part.
mkdir "$WORK/nothing"
ln -s "$(type -P true)" "$WORK/nothing/npm"

# The registry's own part, told by a child of it: clock ticks and KiB.
cat >"$WORK/own-part.sh" <<'CHILD'
"$@" || exit
read -r _ _ _ _ _ _ _ _ _ _ _ _ _ user system _ <"/proc/$PPID/stat"
printf '%s %s %s\n' "$user" "$system" "$(sed -n 's/^VmHWM:[[:space:]]*\([0-9]*\) kB/\1/p' "/proc/$PPID/status")" >"$OWN_PART"
CHILD
export OWN_PART=$WORK/own-part

prepare() {
	local tool
	for tool in own cache registry; do
		mkdir -p "$WORK/$tool"
		cp "$ROOT/tests/fixtures/npm/large/"package{,-lock}.json "$WORK/$tool/"
	done
	say "filling the store and npm's cache"
	"$LARDER" fetch "$WORK/own" --store "$STORE" --quiet
	(cd "$WORK/own" && npm_config_cache=$OWN_CACHE "${CI[@]}" --silent)
	discard "$WORK/own/node_modules"
}

with_own_cache() {
	clock "$GROUP" "npm ci --ignore-scripts, its own full cache" bash -c 'offline "$@"' bash "$WORK/own" env npm_config_cache="$OWN_CACHE" "${CI[@]}" --offline
	discard "$WORK/own/node_modules"
}

# An npm cache of its own, empty.
with_larder() {
	local -a run=("$LARDER" run --offline --store "$STORE" --)
	clock "$GROUP" "larder run -- npm ci --ignore-scripts" bash -c 'offline "$@"' bash "$WORK/cache" env npm_config_cache="$WORK/empty" "${run[@]}" "${CI[@]}"
	clock "$GROUP" "of that, larder itself" bash -c 'offline "$@"' bash "$WORK/cache" env PATH="$WORK/nothing:$PATH" "${run[@]}" "${CI[@]}"
	discard "$WORK/cache/node_modules" "$WORK/empty"
}

with_registry() {
	local -a run=("$LARDER" run --offline --store "$STORE" --)
	rm -f "$OWN_PART"
	clock "$GROUP" "larder run -- sh -c 'npm ci --ignore-scripts'" bash -c 'offline "$@"' bash "$WORK/registry" env npm_config_cache="$WORK/empty" "${run[@]}" bash "$WORK/own-part.sh" "${CI[@]}"
	[ ! -s "$OWN_PART" ] || node -e '
		const [user, system, peak] = fs.readFileSync(process.argv[1], "utf8").split(" ").map(Number);
		console.log(`of that, larder as a registry: ${((user + system) / process.argv[2]).toFixed(2)} s of CPU, ${(peak / 1024).toFixed(0)} MiB`);' "$OWN_PART" "$(getconf CLK_TCK)"
	discard "$WORK/registry/node_modules" "$WORK/empty"
}

prepare
say "npm $(npm --version), node $(node -p process.versions.node), $(find "$STORE/blobs" -type f | wc -l) blobs"
for ((round = 1; round <= ROUNDS; round++)); do
	say "round $round of $ROUNDS"
	# Whoever comes second finds the machine as the first left it: in turn.
	if [ $((round % 2)) = 1 ]; then
		with_own_cache
		with_larder
	else
		with_larder
		with_own_cache
	fi
	with_registry
	end_round "$(which_round "$round")"
done
table "$GROUP" "npm ci --ignore-scripts, its own full cache"
