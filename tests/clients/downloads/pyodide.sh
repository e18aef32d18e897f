#!/usr/bin/env bash
# A project's own script that fetches with Pyodide (`fetch-pyodide.mjs`: node, loadPackage, micropip, files written) runs unchanged by `larder run --offline`, where there is no
# network, and leaves the files that it leaves online.
source "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
source "$ROOT/tests/clients/downloads.sh"
source "$ROOT/tests/clients/pyodide.sh"

prepare() {
	copy_package pyodide
	mkdir -p scripts static/pyodide
	cp "$DOWNLOADS/fetch-pyodide.mjs" scripts/
}

need_distribution() {
	distribution 314.0.3 || { skip "a script that fetches with Pyodide: its distribution cannot be had here" && finish; }
}

serve_downloads "a script that fetches with Pyodide" need_distribution
while read -r -u 3 MAJOR; do
	replays "node $MAJOR, a script that fetches with Pyodide" 10 prepare node scripts/fetch-pyodide.mjs
done 3< <(printf '%s\n' 20 24 | chosen)
finish
