#!/usr/bin/env bash
# Packages of the index load on every other release whose npm tarball holds a runtime: both kinds of lock, and both ways in which loaders look names up.
source "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
source "$ROOT/tests/clients/pyodide.sh"
need node "other releases"
need npm "other releases"
need python3 "other releases"

mkdir -p "$PYODIDE"
serve "$PYODIDE"
for release in 0.21.3 0.22.1 0.23.4 0.24.1 0.25.1 0.26.4 315.0.0-alpha.2; do
	project=$WORK/$release
	pyodide_project "$project" "$release" openpyxl snowballstemmer || { fail "$release: npm cannot lock it" && continue; }
	lay_out "$release" "$project" && loads "$release" "$project/static/pyodide"
done
finish
