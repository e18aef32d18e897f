#!/usr/bin/env bash
# pip and micropip install from a wheelhouse: pip by its files and by its index, micropip by its index. pip and uv install through `larder run`, with the network
# cut.
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

# installs WHAT COMMAND…: the command installs black and openpyxl into the folder that is given to it as its last words, and knows no other place.
installs() {
	local what=$1 code
	shift
	code=$(cd "$project" && run "$WORK/install" "$@" --target "$WORK/$what" black openpyxl)
	equals "wheels: exit code of $what" 0 "$code"
	[ "$code" = 0 ] || show "$WORK/install"
	equals "wheels: black as $what installed it" "$(cd "$project/wheelhouse" && say black-*.whl | cut -d- -f2)" \
		"$(PYTHONPATH=$WORK/$what python3 -c 'import black; print(black.__version__)')"
}
install_uv || true
export PIP_CONFIG_FILE=/dev/null UV_NO_CONFIG=1
PIP=(python3 -m pip install --quiet --disable-pip-version-check --no-cache-dir)
installs "pip --find-links" "${PIP[@]}" --no-index --find-links "$project/wheelhouse"
serve "$project/wheelhouse"
installs "pip --index-url" "${PIP[@]}" --index-url "${SERVED}simple/"

if ! can_cut_network; then
	skip "wheels: pip and uv in larder run: no network namespace can be made (not root)"
else
	through=(cut_network "$LARDER" run --offline --store "$STORE" --)
	installs "pip in larder run" "${through[@]}" "${PIP[@]}"
	if command -v uv >/dev/null 2>&1; then
		installs "uv in larder run" "${through[@]}" uv pip install --quiet --no-cache --python "$(command -v python3)"
	else
		skip "wheels: uv in larder run: uv cannot be installed"
	fi
fi

check "wheels: micropip in node" node "$ROOT/tests/clients/pyodide/install-with-micropip.mjs" "$project/static/pyodide" "${SERVED}simple" openpyxl
finish
