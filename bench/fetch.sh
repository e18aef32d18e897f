#!/usr/bin/env bash
# larder fetch beside curl, npm, pnpm and bun on the large lockfile, from the real registry and from loopback. See README.md.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
source "$ROOT/bench/loopback.sh"

REGISTRIES=both
TOOLS=larder,curl,curl+sha512,npm,pnpm,bun
while [ $# -gt 0 ]; do
	case $1 in
	--rounds) ROUNDS=$2 ;;
	--registry) REGISTRIES=$2 ;;
	--tools) TOOLS=$2 ;;
	*) say "usage: bench/fetch.sh [--rounds N] [--registry real|loopback|both] [--tools NAME,NAME…]" >&2 && exit 2 ;;
	esac
	shift 2
done
uses() { [[ ,$TOOLS, == *",$1,"* ]]; }

FIXTURE=$ROOT/tests/fixtures/npm/large
CLIENT=$CLIENTS/tools/node_modules
PNPM=$CLIENT/.bin/pnpm
BUN=$CLIENT/.bin/bun
REAL=$(npm config get registry --loglevel=error)

install_clients() {
	mkdir -p "$CLIENTS/tools"
	if { uses pnpm && [ ! -x "$PNPM" ]; } || { uses bun && [ ! -x "$BUN" ]; }; then
		npm install --silent --prefix "$CLIENTS/tools" pnpm bun
	fi
}

# project NAME REGISTRY CA: a folder with the lockfile for each tool, made from the fixture before the clock starts. The address in the lockfile is
# that of the real registry, which every client maps to the one it is configured with.
project() {
	local to=$WORK/$1
	mkdir -p "$to"/{larder,npm,pnpm,bun}
	node "$ROOT/bench/downloads.mjs" "$FIXTURE/package-lock.json" "$2" "$to/curl" flat "$to/list.curl" "$to/list.sums"
	[ -z "$3" ] || printf 'cacert = "%s"\n' "$3" >>"$to/list.curl"
	for tool in larder npm pnpm bun; do
		cp "$FIXTURE/package.json" "$to/$tool/"
		printf 'registry=%s\nreplace-registry-host=always\n' "$2" >"$to/$tool/.npmrc"
		[ -z "$3" ] || printf 'cafile=%s\n' "$3" >>"$to/$tool/.npmrc"
	done
	sed "s|https://registry.example/|${REAL%/}/|g" "$FIXTURE/package-lock.json" | tee "$to/larder/package-lock.json" >"$to/npm/package-lock.json"
	cp "$BENCH_DIR/pnpm-lock.yaml" "$BENCH_DIR/pnpm-workspace.yaml" "$to/pnpm/" 2>/dev/null || true
	cp "$BENCH_DIR/bun.lock" "$to/bun/" 2>/dev/null || true
}

# The lockfiles of pnpm and bun, by their own conversion.
convert_lockfiles() {
	local at=$WORK/convert
	mkdir -p "$at"
	cp "$FIXTURE/package.json" "$at/"
	sed "s|https://registry.example/|${REAL%/}/|g" "$FIXTURE/package-lock.json" >"$at/package-lock.json"
	if uses pnpm && [ ! -s "$BENCH_DIR/pnpm-lock.yaml" ]; then
		(cd "$at" && "$PNPM" import >"$WORK/convert.log" 2>&1) && cp "$at/pnpm-lock.yaml" "$BENCH_DIR/" || say "pnpm cannot convert the lockfile"
		# pnpm refuses an install in which a script was neither allowed nor ignored; none may run here.
		printf '%s\n' 'ignoreScripts: true' 'strictDepBuilds: false' 'minimumReleaseAge: 0' 'trustPolicy: off' >"$BENCH_DIR/pnpm-workspace.yaml"
	fi
	if uses bun && [ ! -s "$BENCH_DIR/bun.lock" ]; then
		(cd "$at" && "$BUN" install --lockfile-only --ignore-scripts >>"$WORK/convert.log" 2>&1) && cp "$at/bun.lock" "$BENCH_DIR/" || say "bun cannot convert the lockfile"
	fi
}

# in_folder FOLDER COMMAND…
in_folder() { cd "$1" && shift && exec "$@"; }
export -f in_folder

# bench NAME: one round with each tool, first cold, then warm.
bench() {
	local name=$1 at=$WORK/$1 all="$1, all platforms" here="$1, this platform"
	if uses larder; then
		discard "$at/store" "$at/store-here"
		clock "$all, cold" larder "$LARDER" fetch "$at/larder" --all-platforms --store "$at/store" --json
		barrier_note
		clock "$all, warm" larder "$LARDER" fetch "$at/larder" --all-platforms --store "$at/store" --json
		clock "$here, cold" larder "$LARDER" fetch "$at/larder" --store "$at/store-here" --json
		clock "$here, warm" larder "$LARDER" fetch "$at/larder" --store "$at/store-here" --json
		discard "$at/store" "$at/store-here"
	fi
	if uses curl; then
		discard "$at/curl"
		clock "$all, cold" "curl --parallel 50" bash -c 'curl_all "$1"' bash "$at/list.curl"
	fi
	if uses curl+sha512; then
		discard "$at/curl"
		clock "$all, cold" "curl, then openssl sha512 ×2" bash -c 'curl_all "$1" && sha512_all "$2"' bash "$at/list.curl" "$at/list.sums"
	fi
	discard "$at/curl"
	! uses bun || bench_bun "$at" "$all" "$here"
	! uses pnpm || bench_pnpm "$at" "$all" "$here"
	! uses npm || bench_npm "$at" "$here"
}

bench_npm() {
	local -a command=(bash -c 'in_folder "$@"' bash "$1/npm" env npm_config_cache="$1/npm-cache" npm ci --ignore-scripts)
	discard "$1/npm-cache" "$1/npm/node_modules"
	clock "$2, cold" "npm ci --ignore-scripts" "${command[@]}"
	clock "$2, warm" "npm ci --ignore-scripts --prefer-offline" "${command[@]}" --prefer-offline
	discard "$1/npm-cache" "$1/npm/node_modules"
}

bench_pnpm() {
	[ -s "$1/pnpm/pnpm-lock.yaml" ] || return 0
	local group
	for group in "$2" "$3"; do
		cp "$BENCH_DIR/pnpm-workspace.yaml" "$1/pnpm/"
		if [ "$group" = "$2" ]; then
			printf 'supportedArchitectures:\n  os: [linux, darwin, win32, freebsd, openbsd, netbsd, sunos, android, aix, openharmony]\n' >>"$1/pnpm/pnpm-workspace.yaml"
			printf '  cpu: [x64, arm64, arm, ia32, ppc64, s390x, riscv64, loong64, mips64el, mipsel, wasm32]\n  libc: [glibc, musl]\n' >>"$1/pnpm/pnpm-workspace.yaml"
		fi
		local -a command=(bash -c 'in_folder "$@"' bash "$1/pnpm" env XDG_CACHE_HOME="$1/pnpm-cache" "$PNPM" fetch --store-dir "$1/pnpm-store")
		discard "$1/pnpm-store" "$1/pnpm-cache" "$1/pnpm/node_modules"
		clock "$group, cold" "pnpm fetch" "${command[@]}"
		clock "$group, warm" "pnpm fetch" "${command[@]}"
		discard "$1/pnpm/node_modules"
		clock "$group, warm" "pnpm fetch, no node_modules" "${command[@]}"
		discard "$1/pnpm-store" "$1/pnpm-cache" "$1/pnpm/node_modules"
	done
}

bench_bun() {
	[ -s "$1/bun/bun.lock" ] || return 0
	local group
	for group in "$2" "$3"; do
		local -a command=(bash -c 'in_folder "$@"' bash "$1/bun" env BUN_INSTALL_CACHE_DIR="$1/bun-cache" "$BUN" install --frozen-lockfile --ignore-scripts)
		[ "$group" != "$2" ] || command+=(--os='*' --cpu='*')
		discard "$1/bun-cache" "$1/bun/node_modules"
		clock "$group, cold" "bun install --ignore-scripts" "${command[@]}"
		clock "$group, warm" "bun install --ignore-scripts" "${command[@]}"
		discard "$1/bun/node_modules"
		clock "$group, warm" "bun install --ignore-scripts, no node_modules" "${command[@]}"
		discard "$1/bun-cache" "$1/bun/node_modules"
	done
}

# The wait for the disk is printed apart: curl and the others do not wait for it.
barrier_note() { say "larder waited $(field "$WORK/clock.out" barrier_seconds) s of that for the disk"; }

install_clients
convert_lockfiles
names=()
if [ "$REGISTRIES" != loopback ]; then
	project real "$REAL" ""
	names+=(real)
fi
if [ "$REGISTRIES" != real ]; then
	loopback_fill
	if loopback_start "$BENCH_DIR/www"; then
		project loopback "$LOOPBACK" "$LOOPBACK_CA"
		names+=(loopback)
	else
		say "left out: loopback, since nginx is missing and cannot be installed"
	fi
fi
for ((round = 1; round <= ROUNDS; round++)); do
	for name in "${names[@]}"; do
		say "round $round of $ROUNDS: $name"
		bench "$name"
	done
	end_round "$(which_round "$round")"
done
for name in "${names[@]}"; do
	for selection in "all platforms" "this platform"; do
		table "$name, $selection, cold" larder
		table "$name, $selection, warm" larder
	done
done
