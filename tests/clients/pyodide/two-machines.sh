#!/usr/bin/env bash
# The same inputs on two machines give the same larder.lock and the same folder to the byte, with the real index: another home, store, folder and order of
# packages, and one of the two reaches no source of the distribution while it locks. What was uploaded since `exclude-newer` is not looked at.
source "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
source "$ROOT/tests/clients/pyodide.sh"
need node "two machines"
need npm "two machines"
need python3 "two machines"

RELEASE=314.0.3
PACKAGES=(numpy pandas micropip black openpyxl gsw "sphinx[docs]" nbformat)
# A month ago: what was chosen then is what has to be chosen now.
SINCE=$(date -u -d '30 days ago' +%F)
distribution $RELEASE || { skip "two machines: a distribution cannot be had from the Python index" && finish; }
serve "$PYODIDE"

# machine NAME SOURCE PACKAGE…: sets the exit code in $code; the project is in $WORK/NAME/project.
machine() {
	local name=$1 source=$2 project=$WORK/$1/project
	shift 2
	pyodide_project "$project" $RELEASE "$@" || { fail "$name: npm cannot lock it" && finish; }
	printf 'exclude-newer = "%s"\n' "$SINCE" >>"$project/larder.toml"
	sed -i.reached "s|^sources = .*|sources = [\"$source\"]|" "$project/larder.toml"
	code=$(cd "$project" && run "$WORK/lock" env HOME="$WORK/$name" "$LARDER" lock --store "$WORK/$name/store")
	equals "$name: exit code of larder lock" 0 "$code"
	[ "$code" = 0 ] || { show "$WORK/lock" && finish; }
	mv "$project/larder.toml.reached" "$project/larder.toml"
}

# laid_out NAME
laid_out() {
	code=$(cd "$WORK/$1/project" && run "$WORK/view" env HOME="$WORK/$1" "$LARDER" view pyodide --store "$WORK/$1/store")
	equals "$1: exit code of larder view pyodide" 0 "$code"
	[ "$code" = 0 ] || show "$WORK/view"
}

reversed=()
for package in "${PACKAGES[@]}"; do reversed=("$package" "${reversed[@]}"); done
machine first "${SERVED}v{version}/full/" "${PACKAGES[@]}"
machine second nowhere "${reversed[@]}"
equals "two machines: larder.lock" "$(sha256sum <"$WORK/first/project/larder.lock")" "$(sha256sum <"$WORK/second/project/larder.lock")"
# What the distribution's lock names and the carrier does not have cannot be fetched here: the folder is made of what can.
for name in first second; do
	(cd "$WORK/$name/project" && sed -i 's/^packages = .*/packages = ["numpy", "pandas", "micropip", "black", "openpyxl", "gsw"]/' larder.toml)
	code=$(cd "$WORK/$name/project" && run "$WORK/lock" env HOME="$WORK/$name" "$LARDER" lock --store "$WORK/$name/store")
	equals "$name: exit code of larder lock for less" 0 "$code"
	laid_out "$name"
done
if diff -r "$WORK/first/project/static" "$WORK/second/project/static" >"$WORK/difference"; then
	pass "two machines: the folders are equal to the byte: $(find "$WORK/first/project/static" -type f | wc -l) files"
else
	fail "two machines: the folders differ: $(head -n 3 "$WORK/difference")"
fi

# By the index's own times, asked for by another program, nothing of it is newer.
cat >"$WORK/newer.py" <<'PYTHON'
import json, sys, tomllib, urllib.request
lock, since, index = sys.argv[1:]
newer = checked = 0
for package in tomllib.load(open(lock, "rb"))["package"]:
    if package["source"] != "index":
        continue
    request = urllib.request.Request(f"{index}{package['name']}/", headers={"Accept": "application/vnd.pypi.simple.v1+json"})
    files = json.load(urllib.request.urlopen(request))["files"]
    [file] = [file for file in files if file["filename"] == package["file_name"]]
    checked += 1
    newer += file["upload-time"] >= since
print(f"{newer} of {checked}")
PYTHON
index=$(index_address)
if [ -z "$index" ]; then index=$(sed -n 's/.*PYTHON_INDEX: &str = "\(.*\)";/\1/p' "$ROOT/src/core/endpoints.rs"); fi
count=$(grep -c '^source = "index"' "$WORK/second/project/larder.lock")
code=$(run "$WORK/newer" python3 "$WORK/newer.py" "$WORK/second/project/larder.lock" "$SINCE" "${index%/}/")
if [ "$code" = 0 ]; then
	equals "two machines: files that were uploaded since $SINCE" "0 of $count" "$(cat "$WORK/newer.out")"
else
	skip "two machines: the index's times cannot be read here: $(tail -n 1 "$WORK/newer.err")"
fi
finish
