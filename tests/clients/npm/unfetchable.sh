#!/usr/bin/env bash
# An entry that cannot be fetched is named with its lockfile path, the exit code says so, and the other entries are fetched.
source "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
need node "unfetchable"

project=$ROOT/tests/fixtures/npm/git
store=$WORK/store
code=$(run "$WORK/fetch" "$LARDER" fetch "$project" --store "$store")
equals "git: exit code" 1 "$code"
if grep -q 'node_modules/private-widgets' "$WORK/fetch.err"; then
	pass "git: the message names node_modules/private-widgets"
else
	fail "git: the message does not name node_modules/private-widgets"
	show "$WORK/fetch"
fi
equals "git: receipts in the store" 1 "$(node "$ROOT/tests/clients/store-has.mjs" "$store" --count)"
finish
