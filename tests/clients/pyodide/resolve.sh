#!/usr/bin/env bash
# `larder lock` chooses what micropip would install in node, or differs for the reason that resolve.list states; where uv can resolve for Pyodide, it
# agrees too. Needs the npm registry and the Python package index.
source "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
source "$ROOT/tests/clients/pyodide.sh"
HERE=$ROOT/tests/clients/pyodide
RELEASE=314.0.3
UV_RELEASE=0.29.5
need node "choice of packages"
need npm "choice of packages"
need python3 "choice of packages"
python3 -m pip --version >/dev/null 2>&1 || { skip "choice of packages: pip is not installed" && finish; }

# chosen RELEASE REQUIREMENT: what larder chooses, as name==version lines; `failed` if it cannot.
chosen() {
	local project=$WORK/project
	rm -rf "$project" && mkdir "$project"
	# No source has a file: lengths of distribution files are of no interest here.
	printf '[pyodide]\nversion = "%s"\npackages = ["%s"]\nsources = ["none"]\n' "$1" "$2" >"$project/larder.toml"
	if "$LARDER" lock "$project" --store "$WORK/store" >"$WORK/lock.out" 2>"$WORK/lock.err"; then
		awk -F'"' '/^\[\[package\]\]/ { inside = 1 } !inside { next } /^name = / { name = $2 } /^version = / { print name "==" $2 }' "$project/larder.lock" | LC_ALL=C sort
	else
		say "failed"
	fi
}

requirements() { grep -v '^#' "$HERE/resolve.list"; }

# What micropip chooses, all of it at once: starting Pyodide takes seconds.
mkdir "$WORK/runtime"
(cd "$WORK/runtime" && npm pack --silent "pyodide@$RELEASE" >/dev/null && tar -xzf ./*.tgz) || { skip "choice of packages: no npm registry" && finish; }
python3 -m pip download --quiet --no-deps --python-version 3.14 --only-binary=:all: --dest "$WORK" micropip==0.11.1 >/dev/null 2>&1 ||
	{ skip "choice of packages: no Python package index" && finish; }
mapfile -t names < <(requirements | cut -f1)
node "$HERE/chosen-by-micropip.mjs" "$WORK/runtime/package" "$WORK"/micropip-*.whl "${names[@]}" >"$WORK/micropip" 2>"$WORK/micropip.err" ||
	{ fail "micropip does not start: $(tail -n 3 "$WORK/micropip.err")" && finish; }

while IFS=$'\t' read -r requirement expected; do
	theirs=$(awk -v wanted="# $requirement" '/^# / { inside = ($0 == wanted); next } inside' "$WORK/micropip" | LC_ALL=C sort)
	case $theirs in *failed:*) theirs=failed ;; esac
	ours=$(chosen "$RELEASE" "$requirement")
	if [ "$ours" = "$theirs" ]; then
		pass "$requirement: $(grep -c == <<<"$ours" || true) packages, as micropip chooses"
	elif [ "$expected" != same ]; then
		pass "$requirement: differs from micropip: $expected"
	else
		fail "$requirement: $(diff <(say "$theirs") <(say "$ours") | grep '^[<>]' | tr '\n' ' ')"
	fi
done < <(requirements)

# uv knows Pyodide up to the ABI 2025_0, and of the distribution nothing: its versions are given as constraints. It cannot choose what the index has no
# wheel of, and reads in metadata what the distribution's lock says otherwise: these are requirements that neither is true of.
install_uv || { skip "choice of packages: uv cannot be installed" && finish; }
for requirement in black openpyxl hatchling 'markdown-it-py[linkify,plugins]' 'requests[socks]' isort build tox; do
	ours=$(chosen "$UV_RELEASE" "$requirement")
	awk -F'"' '/^name = / { name = $2 } /^version = / { version = $2 } /^source = "distribution"/ { print name "==" version }' "$WORK/project/larder.lock" >"$WORK/constraints"
	theirs=$(say "$requirement" | uv pip compile --quiet --no-header --no-annotate --no-build --python-version 3.13 \
		--python-platform wasm32-pyodide2025 --constraint "$WORK/constraints" - 2>"$WORK/uv.err" | LC_ALL=C sort) || theirs=failed
	if [ "$ours" = "$theirs" ]; then
		pass "$requirement: as uv chooses"
	else
		fail "$requirement: uv differs: $(diff <(say "$theirs") <(say "$ours") | grep '^[<>]' | tr '\n' ' ')"
	fi
done
finish
