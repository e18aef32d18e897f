#!/usr/bin/env bash
# Tier 1, the cache mount: a plain `docker build` downloads what is new in the lockfiles, and nothing else.
source "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
prepare

ONLINE=(--network=host)
APP=$WORK/webui
webui "$APP"

build first "$APP" "${ONLINE[@]}" --build-arg BUILD_HASH=one
built "first build" first "install ran, Pyodide ran, Vite ran" "$(files_of "$APP" | wc -l) requests, 0 twice"
equals "first build, files it asked for that the lockfiles do not name" "" "$(comm -13 <(files_of "$APP" | sort) <(asked_for first))"

build hash "$APP" "${ONLINE[@]}" --build-arg BUILD_HASH=two
built "new BUILD_HASH" hash "install CACHED, Pyodide CACHED, Vite ran" "0 requests, 0 twice"

sed -i 's/Python in the browser/Python, in the browser/' "$APP/src/App.svelte"
build source "$APP" "${ONLINE[@]}" --build-arg BUILD_HASH=two
built "a source edit" source "install CACHED, Pyodide CACHED, Vite ran" "0 requests, 0 twice"

# The same with a lockfile in which one dependency has another version.
files_of "$APP" | sort >"$WORK/before"
code=$(cd "$APP" && run "$WORK/install" npm install --package-lock-only --loglevel=error codemirror@6.0.1)
equals "exit code of npm install --package-lock-only" 0 "$code"
files_of "$APP" | sort >"$WORK/after"
build dependency "$APP" "${ONLINE[@]}" --build-arg BUILD_HASH=two
new=$(comm -13 "$WORK/before" "$WORK/after")
built "one dependency changed" dependency "install ran, Pyodide ran, Vite ran" "$(wc -l <<<"$new") requests, 0 twice"
equals "one dependency changed, what was requested" "$new" "$(asked_for dependency)"

# Two builds at once, of two projects, and a cache mount that is empty: the id is new.
for name in left right; do
	webui "$WORK/$name"
	sed -i "s/id=$MOUNT,/id=$MOUNT-both,/" "$WORK/$name/Dockerfile"
	# Another name is another step: of two that are the same, the builder runs one.
	sed -i "s/\"name\": \"webui\"/\"name\": \"webui-$name\"/" "$WORK/$name/package.json" "$WORK/$name/package-lock.json"
done
from=$(wc -l <"$REQUEST_LOG")
pids=()
for name in left right; do
	(build "$name" "$WORK/$name" "${ONLINE[@]}" && say "$CODE" >"$WORK/$name.code") &
	pids+=($!)
done
wait "${pids[@]}"
requests_since "$from" >"$WORK/both.requests"
equals "two builds at once, exit codes" "0 0" "$(cat "$WORK/left.code") $(cat "$WORK/right.code")"
equals "two builds at once, steps" "install ran, Pyodide ran, Vite ran; install ran, Pyodide ran, Vite ran" "$(steps left); $(steps right)"
equals "two builds at once, one mount" "$(files_of "$WORK/left" | wc -l) requests, 0 twice" "$(requests both)"
finish
