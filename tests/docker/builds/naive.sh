#!/usr/bin/env bash
# The naive Dockerfile, and the same in a better order without larder, beside the example's: what a new BUILD_HASH and a build without caches cost in each, and that
# what is built is the same.
source "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
prepare

NAIVE=$WORK/naive
naive "$NAIVE"
# Its cache mount is no other script's.
sed -i "s/id=npm,/id=$MOUNT-npm,/" "$NAIVE/Dockerfile.reordered"
APP=$WORK/webui
webui "$APP"
(cd "$APP" && "$LARDER" view context .larder --quiet --store "$WORK/store")

# cost NAME: requests, bytes and time of the build that was just made.
cost() { printf '%s' "$(wc -l <"$WORK/$1.requests") | $(awk -v bytes="$(bytes "$1")" 'BEGIN { printf "%.1f", bytes / 1e6 }') MB | $TOOK s"; }

# compared NAME FOLDER OPTION…: builds, then with another BUILD_HASH, then without the builder's caches; the last two are told of.
compared() {
	local name=$1 row
	build "$@" --build-arg BUILD_HASH=one
	equals "$name, first build, exit code" 0 "$CODE"
	asked_for "$name" >"$WORK/$name.first"
	build "$@" --build-arg BUILD_HASH=two
	equals "$name, new BUILD_HASH, exit code" 0 "$CODE"
	asked_for "$name" >"$WORK/$name.hash"
	row="| $name | $(cost "$name")"
	build "$@" --build-arg BUILD_HASH=two --no-cache
	equals "$name, --no-cache, exit code" 0 "$CODE"
	asked_for "$name" >"$WORK/$name.none"
	ROWS+=("$row | $(cost "$name") |")
}
count() { wc -l <"$WORK/$1"; }

ROWS=()
compared naive "$NAIVE" --network=host
compared reordered "$NAIVE" --network=host --file "$NAIVE/Dockerfile.reordered"
compared mount "$APP" --network=host --target frontend
compared context "$APP" --network=none --target frontend --build-context "larder=$APP/.larder"
equals "naive, requests of the first build that a new BUILD_HASH makes again" "$(count naive.first) of $(count naive.first)" \
	"$(comm -12 "$WORK/naive.first" "$WORK/naive.hash" | wc -l) of $(count naive.first)"
equals "naive, the first build requests Pyodide's files" "$(wc -l <"$NAIVE/pyodide.list")" "$(grep -c -v '^/npm/' "$WORK/naive.first")"
equals "requests after a new BUILD_HASH: reordered, mount, context" "0 0 0" "$(count reordered.hash) $(count mount.hash) $(count context.hash)"
# Without its caches, the builder gives an empty mount: only a context is no cache.
for name in reordered mount; do
	equals "$name, --no-cache, requests of the first build that are made again" "$(count "$name.first") of $(count "$name.first")" \
		"$(comm -12 "$WORK/$name.first" "$WORK/$name.none" | wc -l) of $(count "$name.first")"
done
equals "context, --no-cache, requests" 0 "$(count context.none)"

# site NAME: the digests of what that build made, but for Pyodide's folder, which the naive one fills with more than is loaded.
site() {
	local container
	container=$(docker create "larder-test/$1" true)
	docker cp --quiet "$container:/app/dist" "$WORK/site-$1" 2>/dev/null || docker cp "$container:/app/dist" "$WORK/site-$1" >/dev/null
	docker rm "$container" >/dev/null
	(cd "$WORK/site-$1" && find . -type f ! -path './pyodide/*' -exec sha256sum {} + | sort)
}
site naive >"$WORK/naive.site"
for name in reordered mount context; do
	equals "$name, the files of the site that differ from the naive build's" "" "$(site "$name" | diff "$WORK/naive.site" -)"
done
equals "the site has files" yes "$([ "$(wc -l <"$WORK/naive.site")" -gt 2 ] && say yes)"

say "a build after a change of BUILD_HASH, and one with --no-cache:"
printf '%s\n' '| Dockerfile | requests | downloaded | time | requests | downloaded | time |' '|---|---|---|---|---|---|---|' "${ROWS[@]}"
finish
