#!/usr/bin/env bash
# With the default selection, every tarball that `npm ci` installs on this machine is in the store.
source "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
source "$ROOT/tests/clients/npm.sh"
need node "default selection"
need npm "default selection"
need_npm 11 "default selection" || finish

while read -r project; do
	name=$(basename "$project")
	store=$WORK/store-$name
	code=$(run "$WORK/fetch-$name" "$LARDER" fetch "$(project_of "$name")" --store "$store" --json)
	equals "$name: exit code of a fetch for this machine" 0 "$code"
	[ "$code" = 0 ] || { show "$WORK/fetch-$name" && continue; }
	reference 11 "$name" || continue
	pass "$name: npm ci installs it online"
	if node "$ROOT/tests/clients/store-has.mjs" "$store" "$REFERENCE.installed" >"$WORK/has" 2>&1; then
		pass "$name: $(cat "$WORK/has")"
	else
		fail "$name: $(head -n 12 "$WORK/has")"
	fi
	rm -rf "$store"
done < <(npm_projects)
finish
