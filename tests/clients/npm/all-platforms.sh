#!/usr/bin/env bash
# `larder fetch --all-platforms` is complete on real lockfiles, by the count of another program; and a second run needs no network.
source "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
need node "all platforms"
need npm "all platforms"

while read -r project; do
	name=$(basename "$project")
	store=$WORK/store-$name
	first=$WORK/first-$name
	code=$(run "$first" "$LARDER" fetch "$project" --all-platforms --store "$store" --json)
	equals "$name: exit code of a fetch for all platforms" 0 "$code"
	[ "$code" = 0 ] || { show "$first" && continue; }
	expected=$(node "$ROOT/tests/clients/count-lockfile.mjs" "$(npm_cli)" "$project" >"$WORK/count" && field "$WORK/count" artifacts)
	equals "$name: artifacts, as npm's own reading counts them" "$expected" "$(field "$first.out" artifacts)"
	equals "$name: artifacts fetched into an empty store" "$expected" "$(field "$first.out" fetched)"
	equals "$name: receipts in the store" "$(node "$ROOT/tests/clients/store-has.mjs" "$store" --count)" "$(find "$store/blobs" -type f | wc -l)"

	second=$WORK/second-$name
	if can_cut_network; then
		code=$(run "$second" cut_network "$LARDER" fetch "$project" --all-platforms --store "$store" --json)
		equals "$name: exit code of a second fetch with the network cut" 0 "$code"
		[ "$code" = 0 ] || { show "$second" && continue; }
		equals "$name: requests of the second fetch" 0 "$(field "$second.out" requests)"
		equals "$name: artifacts already there" "$expected" "$(field "$second.out" already_here)"
	else
		skip "$name: a second fetch with the network cut: no network namespace can be made (not root)"
	fi
	code=$(run "$WORK/verify" "$LARDER" verify --store "$store")
	equals "$name: exit code of verify" 0 "$code"
	rm -rf "$store"
done < <(npm_projects)
finish
