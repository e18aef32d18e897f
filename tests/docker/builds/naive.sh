#!/usr/bin/env bash
# The naive Dockerfile beside the example's: what a new BUILD_HASH costs in each, and that what is built is the same.
source "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
prepare

# As most lockfiles are, with an address for each package: npm then asks for the tarballs alone.
NAIVE=$WORK/naive
webui "$NAIVE"
cp "$ROOT"/tests/docker/naive/* "$NAIVE"
rm "$NAIVE/.dockerignore"
files_of "$NAIVE" | grep -v '^/npm/' | sed "s|^|$REGISTRY|" >"$NAIVE/pyodide.list"
node "$ROOT/tests/docker/naive.mjs" "$NAIVE" "$REGISTRY/npm"
APP=$WORK/webui
webui "$APP"
(cd "$APP" && "$LARDER" view context .larder --quiet --store "$WORK/store")

# compared NAME FOLDER OPTION…: builds twice, and the second time with another BUILD_HASH, which is what is told of.
compared() {
	local name=$1
	build "$@" --build-arg BUILD_HASH=one
	equals "$name, first build, exit code" 0 "$CODE"
	asked_for "$name" >"$WORK/$name.first"
	build "$@" --build-arg BUILD_HASH=two
	equals "$name, new BUILD_HASH, exit code" 0 "$CODE"
	ROWS+=("| $name | $(wc -l <"$WORK/$name.requests") | $(awk -v bytes="$(bytes "$name")" 'BEGIN { printf "%.1f", bytes / 1e6 }') MB | $TOOK s |")
}

ROWS=()
compared naive "$NAIVE" --network=host
compared mount "$APP" --network=host --target frontend
compared context "$APP" --network=none --target frontend --build-context "larder=$APP/.larder"
equals "naive, requests of the first build that a new BUILD_HASH makes again" "$(wc -l <"$WORK/naive.first") of $(wc -l <"$WORK/naive.first")" \
	"$(asked_for naive | comm -12 "$WORK/naive.first" - | wc -l) of $(wc -l <"$WORK/naive.first")"
equals "naive, the first build requests Pyodide's files" "$(wc -l <"$NAIVE/pyodide.list")" "$(grep -c -v '^/npm/' "$WORK/naive.first")"
equals "mount, a new BUILD_HASH" "0 requests, 0 twice" "$(requests mount)"
equals "context, a new BUILD_HASH" "0 requests, 0 twice" "$(requests context)"

# site NAME: the digests of what that build made, but for Pyodide's folder, which the naive one fills with more than is loaded.
site() {
	local container
	container=$(docker create "larder-test/$1" true)
	docker cp --quiet "$container:/app/dist" "$WORK/site-$1" 2>/dev/null || docker cp "$container:/app/dist" "$WORK/site-$1" >/dev/null
	docker rm "$container" >/dev/null
	(cd "$WORK/site-$1" && find . -type f ! -path './pyodide/*' -exec sha256sum {} + | sort)
}
site naive >"$WORK/naive.site"
for name in mount context; do
	equals "$name, the files of the site that differ from the naive build's" "" "$(site "$name" | diff "$WORK/naive.site" -)"
done
equals "the site has files" yes "$([ "$(wc -l <"$WORK/naive.site")" -gt 2 ] && say yes)"

say "a build after a change of BUILD_HASH:"
printf '%s\n' '| Dockerfile | requests | downloaded | time |' '|---|---|---|---|' "${ROWS[@]}"
finish
