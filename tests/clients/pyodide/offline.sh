#!/usr/bin/env bash
# Distribution packages, packages of the index and one wasm wheel that only the index has load with the network cut, on releases of three years.
source "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
source "$ROOT/tests/clients/pyodide.sh"
need node "offline"
need npm "offline"
need python3 "offline"

# release FOLDER PACKAGE…
release() {
	local release=$1 project=$WORK/$1
	shift
	distribution "$release" || { skip "$release: its distribution cannot be had from the Python index" && return; }
	pyodide_project "$project" "$release" "$@" || { fail "$release: npm cannot lock it" && return; }
	lay_out "$release" "$project" || return 0
	loads "$release" "$project/static/pyodide"
}

mkdir -p "$PYODIDE"
serve "$PYODIDE"
# What of a distribution the carrier does not have is asked for in a version that only the index has.
release 0.27.2 numpy "pandas>=3" micropip black openpyxl "click>=8.2" "tzdata>=2025"
release 0.28.3 numpy pandas micropip black openpyxl dummy-pyodide-ext-test
release 314.0.3 numpy pandas micropip black openpyxl gsw
# Of 0.29 there is no carrier: all of it from the index.
pyodide_project "$WORK/0.29.5" 0.29.5 openpyxl dummy-pyodide-ext-test "msgpack>=1.2" || finish
lay_out 0.29.5 "$WORK/0.29.5" && loads 0.29.5 "$WORK/0.29.5/static/pyodide"
finish
