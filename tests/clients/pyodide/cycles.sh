#!/usr/bin/env bash
# Two real packages that need each other, for which Pyodide's loader waits forever: larder breaks the cycle, says so, and refuses it where that is asked for.
source "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
source "$ROOT/tests/clients/pyodide.sh"
need node "cycles"
need npm "cycles"
need python3 "cycles"

RELEASE=314.0.3
distribution $RELEASE || { skip "cycles: a distribution cannot be had from the Python index" && finish; }
serve "$PYODIDE"
project=$WORK/cycle
# The carrier does not have the distribution's setuptools.
pyodide_project "$project" $RELEASE "testtools==2.5.0" "fixtures==3.0.0" "setuptools!=82.0.1" || { fail "cycles: npm cannot lock it" && finish; }
lay_out "cycle" "$project" || finish
code=$(cd "$project" && run "$WORK/view" "$LARDER" view pyodide elsewhere --store "$STORE")
equals "cycle: what is said of it" "warning: fixtures → testtools → fixtures" "$(sed -n '1s/ is a cycle.*//p' "$WORK/view.err")"
code=$(cd "$project" && run "$WORK/strict" "$LARDER" view pyodide refused --strict --store "$STORE")
equals "cycle: exit code with --strict" 1 "$code"
if [ -e "$project/refused" ]; then fail "cycle: --strict wrote a folder"; else pass "cycle: --strict wrote nothing"; fi
# They are so old that they import what Python no longer has: that the loader comes to its end is the claim.
loads "cycle" "$project/static/pyodide" --load-only
finish
