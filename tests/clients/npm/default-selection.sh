#!/usr/bin/env bash
# With the default selection, every tarball that `npm ci` installs on this machine is in the store.
source "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
need node "default selection"
need npm "default selection"

while read -r project; do
	name=$(basename "$project")
	copy=$WORK/$name
	store=$WORK/store-$name
	# Without what a developer's own build may have left there.
	mkdir "$copy"
	tar -C "$project" --exclude=./node_modules --exclude=./dist --exclude=./static -cf - . | tar -C "$copy" -xf -
	code=$(run "$WORK/fetch-$name" "$LARDER" fetch "$copy" --store "$store" --json)
	equals "$name: exit code of a fetch for this machine" 0 "$code"
	[ "$code" = 0 ] || { show "$WORK/fetch-$name" && continue; }
	code=$(cd "$copy" && run "$WORK/ci-$name" npm ci --ignore-scripts --loglevel=error)
	equals "$name: exit code of npm ci" 0 "$code"
	[ "$code" = 0 ] || { show "$WORK/ci-$name" && continue; }
	if node "$ROOT/tests/clients/store-has.mjs" "$store" "$copy/node_modules/.package-lock.json" >"$WORK/has" 2>&1; then
		pass "$name: $(cat "$WORK/has")"
	else
		fail "$name: $(head -n 12 "$WORK/has")"
	fi
	rm -rf "$copy" "$store"
done < <(npm_projects)
finish
