#!/usr/bin/env bash
# A recorded file of 500 MB as `larder run --offline` gives it to curl, beside cp of the same bytes and curl from a server on loopback; and what the proxy costs a command that
# asks for nothing. See README.md.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
source "$ROOT/tests/clients/npm.sh"
source "$ROOT/tests/clients/managers.sh"
source "$ROOT/tests/clients/replay.sh"

SIZE=500000000
while [ $# -gt 0 ]; do
	case $1 in
	--rounds) ROUNDS=$2 ;;
	*) say "usage: bench/replay.sh [--rounds N]" >&2 && exit 2 ;;
	esac
	shift 2
done
# It is started anew in a namespace, with nothing but its environment.
ROUNDS=${REPLAY_ROUNDS:-$ROUNDS}
export REPLAY_ROUNDS=$ROUNDS
need curl "a benchmark of recorded downloads"
serve_in_namespace "a benchmark of recorded downloads"
prepare_hosts files.example registry.example

FILE=https://files.example/large.tgz
GROUP="a recorded file of 500 MB"

# project NAME: one that has no packages; `recorded` has a row besides.
project() {
	mkdir -p "$WORK/$1"
	say '{ "name": "project", "version": "1.0.0" }' >"$WORK/$1/package.json"
	say '{ "name": "project", "version": "1.0.0", "lockfileVersion": 3, "packages": { "": { "name": "project", "version": "1.0.0" } } }' >"$WORK/$1/package-lock.json"
}

# record NAME FILE: the project has a row for it.
record() {
	printf 'version = 2\n\n[[download]]\nurl = "https://files.example/%s"\nsha256 = "%s"\nsize = %d\nby = ["script:curl"]\ntrust = "first-use"\n' \
		"$2" "$(sha256sum "$SERVED/$2" | cut -d ' ' -f 1)" "$(stat -c %s "$SERVED/$2")" >"$WORK/$1/larder.lock"
	as_stranger "$LARDER" fetch --quiet --store "$WORK/store" "$WORK/$1"
}

prepare() {
	head -c "$SIZE" /dev/urandom >"$SERVED/large.tgz"
	head -c 1000 /dev/urandom >"$SERVED/small.tgz"
	project plain
	project recorded
	project small
	start_server
	record recorded large.tgz
	record small small.tgz
}

larder_in() { (cd "$WORK/$1" && as_stranger "$LARDER" run --offline --store "$WORK/store" -- "${@:2}"); }
from_server() { as_stranger curl -fsS -o "$WORK/got" "$FILE"; }
export -f larder_in as_stranger as_new_user from_server
export WORK LARDER FILE

prepare
for ((round = 1; round <= ROUNDS; round++)); do
	say "round $round of $ROUNDS"
	clock "$GROUP" "cp" cp "$SERVED/large.tgz" "$WORK/got"
	rm -f "$WORK/got"
	clock "$GROUP" "larder run --offline -- curl" bash -c 'larder_in recorded curl -fsS -o "$WORK/got" -w "%{stderr}curl %{time_total}\n" "$FILE"'
	awk -v group="$GROUP" '$1 == "curl" { printf "%s\tof that, curl itself\t%d\t0 0 0\n", group, $2 * 1e6 }' "$WORK/clock.err" >>"$SAMPLES"
	cmp "$SERVED/large.tgz" "$WORK/got"
	rm -f "$WORK/got"
	clock "$GROUP" "curl, from a server on loopback" bash -c from_server
	rm -f "$WORK/got"
	clock "start" "larder run --offline -- true, no row" bash -c 'larder_in plain true'
	clock "start" "larder run --offline -- true, one row" bash -c 'larder_in small true'
	end_round "$(which_round "$round")"
done
stop_server
table "$GROUP" cp
table start "larder run --offline -- true, no row"
