#!/usr/bin/env bash
# A recorded file of 500 MB as `larder run --offline` gives it to curl, beside cp of the same bytes, curl's own copy of them and curl from other servers on loopback; and what the
# proxy costs a command that asks for nothing. See README.md.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
source "$ROOT/tests/clients/npm.sh"
source "$ROOT/tests/clients/managers.sh"
source "$ROOT/tests/clients/replay.sh"
source "$ROOT/tests/clients/scripts.sh"

SIZE=500000000
rounds_of "$@"
# It is started anew in a namespace, with nothing but its environment.
ROUNDS=${REPLAY_ROUNDS:-$ROUNDS}
export REPLAY_ROUNDS=$ROUNDS
need curl "a benchmark of recorded downloads"
serve_in_namespace "a benchmark of recorded downloads"
prepare_hosts files.example registry.example

FILE=https://files.example/large.tgz
GROUP="a recorded file of 500 MB"

# empty_project NAME: one that has no packages.
empty_project() {
	mkdir -p "$WORK/$1"
	say '{ "name": "project", "version": "1.0.0" }' >"$WORK/$1/package.json"
	say '{ "name": "project", "version": "1.0.0", "lockfileVersion": 3, "packages": { "": { "name": "project", "version": "1.0.0" } } }' >"$WORK/$1/package-lock.json"
}

# add_row NAME FILE: the project has a row for the served file, and the store has it.
add_row() {
	{ printf 'version = 2\n' && row "$2" script:curl; } >"$WORK/$1/larder.lock"
	as_stranger "$LARDER" fetch --quiet --store "$WORK/store" "$WORK/$1"
}

prepare() {
	head -c "$SIZE" /dev/urandom >"$SERVED/large.tgz"
	head -c 1000 /dev/urandom >"$SERVED/small.tgz"
	empty_project plain
	empty_project recorded
	empty_project small
	start_server
	add_row recorded large.tgz
	add_row small small.tgz
}

larder_in() { (cd "$WORK/$1" && as_stranger "$LARDER" run --offline --store "$WORK/store" -- "${@:2}"); }
from_server() { as_stranger curl -fsS -o "$WORK/got" "$FILE"; }
from_openssl() { as_stranger curl -fsS -o "$WORK/got" --connect-to "files.example:443:127.0.0.1:$OPENSSL_PORT" "$FILE"; }
export -f larder_in as_stranger as_new_user from_server from_openssl
OPENSSL_PORT=4433
start_openssl() {
	(cd "$SERVED" && exec openssl s_server -accept "127.0.0.1:$OPENSSL_PORT" -cert server.pem -key server.key -WWW -quiet -ciphersuites TLS_AES_128_GCM_SHA256) >"$WORK/openssl-server.log" 2>&1 &
	OPENSSL_SERVER=$!
	until (: >"/dev/tcp/127.0.0.1/$OPENSSL_PORT") 2>/dev/null; do kill -0 "$OPENSSL_SERVER" && sleep 0.05; done
}
stop_openssl() { kill "$OPENSSL_SERVER" && wait "$OPENSSL_SERVER" 2>/dev/null || true; }
export WORK LARDER FILE OPENSSL_PORT

prepare
for ((round = 1; round <= ROUNDS; round++)); do
	say "round $round of $ROUNDS"
	clock "$GROUP" "cp" cp "$SERVED/large.tgz" "$WORK/got"
	rm -f "$WORK/got"
	clock "$GROUP" "larder run --offline -- curl" bash -c 'larder_in recorded curl -fsS -o "$WORK/got" -w "%{stderr}curl %{time_total}\n" "$FILE"'
	awk -v group="$GROUP" '$1 == "curl" { printf "%s\tof that, curl itself\t%d\t0 0 0\n", group, $2 * 1e6 }' "$WORK/clock.err" >>"$SAMPLES"
	cmp "$SERVED/large.tgz" "$WORK/got"
	rm -f "$WORK/got"
	# What curl itself can do at most: copy the file, and take it from a server that only encrypts.
	clock "$GROUP" "curl, file://" curl -fsS -o "$WORK/got" "file://$SERVED/large.tgz"
	rm -f "$WORK/got"
	start_openssl
	clock "$GROUP" "curl, from openssl s_server" bash -c from_openssl
	stop_openssl
	rm -f "$WORK/got"
	clock "$GROUP" "curl, from a server in node" bash -c from_server
	rm -f "$WORK/got"
	clock "start" "larder run --offline -- true, no row" bash -c 'larder_in plain true'
	clock "start" "larder run --offline -- true, one row" bash -c 'larder_in small true'
	end_round "$(which_round "$round")"
done
stop_server
table "$GROUP" cp
table start "larder run --offline -- true, no row"
