#!/usr/bin/env bash
# pip and micropip install from a wheelhouse: pip by its files and by its index, micropip by its index.
source "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
source "$ROOT/tests/clients/pyodide.sh"
need node "wheels"
need npm "wheels"
need python3 "wheels"

RELEASE=314.0.3
distribution $RELEASE || { skip "wheels: a distribution cannot be had from the Python index" && finish; }
serve "$PYODIDE"
project=$WORK/wheels
pyodide_project "$project" $RELEASE micropip black openpyxl || { fail "wheels: npm cannot lock it" && finish; }
lay_out "wheels" "$project" || finish
code=$(cd "$project" && run "$WORK/view" "$LARDER" view wheels wheelhouse --store "$STORE")
equals "wheels: exit code of larder view wheels" 0 "$code"

# from WHAT OPTION…: pip installs black and openpyxl, and knows no other place.
from() {
	local what=$1 code
	shift
	code=$(run "$WORK/pip" env PIP_CONFIG_FILE=/dev/null python3 -m pip install --quiet --disable-pip-version-check --no-cache-dir \
		--target "$WORK/$what" "$@" black openpyxl)
	equals "wheels: exit code of pip $what" 0 "$code"
	[ "$code" = 0 ] || show "$WORK/pip"
	equals "wheels: black as pip $what installed it" "$(cd "$project/wheelhouse" && say black-*.whl | cut -d- -f2)" \
		"$(PYTHONPATH=$WORK/$what python3 -c 'import black; print(black.__version__)')"
}
from find-links --no-index --find-links "$project/wheelhouse"
serve "$project/wheelhouse"
from index-url --index-url "${SERVED}simple/"

check "wheels: micropip in node" node "$ROOT/tests/clients/pyodide/install-with-micropip.mjs" "$project/static/pyodide" "${SERVED}simple" openpyxl
finish
