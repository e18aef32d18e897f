#!/usr/bin/env bash
# How larder's cost grows with the lockfile: plan, and fetch from a full store, for lockfiles of 1,000 to 50,000 packages. See README.md.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

ENTRIES=1000,5000,10000,25000,50000
while [ $# -gt 0 ]; do
	case $1 in
	--rounds) ROUNDS=$2 ;;
	--entries) ENTRIES=$2 ;;
	*) say "usage: bench/scale.sh [--rounds N] [--entries N,N…]" >&2 && exit 2 ;;
	esac
	shift 2
done

node "$ROOT/bench/synthetic.mjs" serve "$WORK/port" &
SERVER=$!
trap 'kill "$SERVER"; rm -rf "$WORK"' EXIT
# The server writes the file once it listens.
until [ -s "$WORK/port" ]; do kill -0 "$SERVER"; sleep 0.05; done
export npm_config_registry=http://127.0.0.1:$(cat "$WORK/port")/

IFS=, read -ra COUNTS <<<"$ENTRIES"
for count in "${COUNTS[@]}"; do
	project=$WORK/$count
	node "$ROOT/bench/synthetic.mjs" project "$count" "$project"
	clock "fetch, empty store" "$count" "$LARDER" fetch "$project" --store "$project/store" --json
	for ((round = 1; round <= ROUNDS; round++)); do
		clock "plan" "$count" "$LARDER" plan "$project" --digest
		clock "fetch, full store" "$count" "$LARDER" fetch "$project" --store "$project/store" --json
		[ "$(field "$WORK/clock.out" requests)" = 0 ] || fail "a fetch from a full store of $count made a request"
	done
	discard "$project"
	end_round "$([ "$count" != "${COUNTS[-1]}" ] || say last)"
done
# Linear cost: the ratio grows as the count does, or slower.
for group in plan "fetch, full store" "fetch, empty store"; do table "$group" "${COUNTS[0]}"; done
finish
