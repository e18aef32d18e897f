#!/usr/bin/env bash
# The naive example, adopted with the commands of docs/docker.md, "Your own Dockerfile": nothing is edited by hand.
source "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
prepare

APP=$WORK/naive
naive "$APP"
rm "$APP/Dockerfile.reordered"
mkdir "$WORK/bin"
ln -s "$LARDER" "$WORK/bin/larder"

mapfile -t commands < <(sed -n '/^## Your own Dockerfile/,/^## Pick/s/^    \(larder .*\)/\1/p' "$ROOT/docs/docker.md" | sed 's/   .*//')
equals "the page's commands" 4 "${#commands[@]}"
for line in "${commands[@]}"; do
	code=$(cd "$APP" && PATH=$WORK/bin:$PATH LARDER_STORE=$WORK/store run "$WORK/adopt" bash -c "$line")
	equals "$line, exit code" 0 "$code"
	[ "$code" = 0 ] || show "$WORK/adopt"
done
for hash in one two; do
	[ "$hash" = one ] && install=ran || install=CACHED
	build adopted "$APP" --network=none --build-context "larder=$APP/.larder" --build-arg "BUILD_HASH=$hash"
	equals "adopted, BUILD_HASH=$hash" "exit code 0; install $install, Pyodide $install, bundler ran; 0 requests, 0 twice" \
		"exit code $CODE; install $(step adopted 'run -- npm ci'), Pyodide $(step adopted 'view pyodide'), bundler $(step adopted 'npm run build:vite'); $(requests adopted)"
done
finish
