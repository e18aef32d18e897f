#!/usr/bin/env bash
# A yarn that cannot install a lockfile frozen is named, with the cure, before it fails.
source "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
source "$ROOT/tests/clients/npm.sh"
source "$ROOT/tests/clients/yarn.sh"
need node "another yarn"
need npm "another yarn"
need_cut_network "another yarn"
need_yarn 1 "another yarn" || finish
need_yarn 4 "another yarn" || finish

# refused KIND YARN FLAG SAID: that yarn refuses the lockfile, and larder has said so.
refused() {
	local at code what="yarn $2, a lockfile of yarn $(yarn_of "$1")"
	at=$(yarn_project "$1" webui)
	code=$(run "$WORK/fetch" "$LARDER" fetch "$at" --store "$STORE" --quiet)
	equals "$what: exit code of larder fetch" 0 "$code"
	code=$(cd "$at" && with_yarn "$2" watched run "$WORK/refused" cut_network "$LARDER" run --offline -- yarn install "$3")
	equals "$what: exit code of yarn install $3" 1 "$code"
	if grep -q "warning: yarn.lock: yarn $2[0-9.]* $4" "$WORK/refused.err" && grep -q '^hint: ' "$WORK/refused.err"; then
		pass "$what: larder says so, with a cure"
	else
		fail "$what: larder does not say so"
		show "$WORK/refused"
	fi
}

refused berry 1 --frozen-lockfile "does not understand"
refused classic 4 --immutable "turns a yarn.lock of yarn 1"
finish
