#!/usr/bin/env bash
# The example's folder loads with the network cut: on the release that it is locked for, with its committed lock; on releases of other years, locked anew; and on
# 0.29, of which no distribution can be had here, with packages of the index alone. Its page runs.
source "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
source "$ROOT/tests/clients/pyodide.sh"
need node "offline"
need npm "offline"
need python3 "offline"

# example RELEASE: sets PROJECT to a copy of the example whose sources are the local CDN, and has nothing else changed.
example() {
	distribution "$1" || { skip "$1: its distribution cannot be had from the Python index" && return 1; }
	PROJECT=$WORK/$1
	copy_example "$PROJECT"
	point_at_cdn "$PROJECT/larder.toml"
}

# other_release RELEASE PACKAGE…: the same for another release, of which these packages are asked for.
other_release() {
	local release=$1 quoted
	shift
	example "$release" || return 0
	(cd "$PROJECT" && npm install --package-lock-only --save-exact --loglevel=error "pyodide@$release" >/dev/null) ||
		{ fail "$release: npm cannot lock it" && return 0; }
	quoted=$(printf '"%s", ' "$@")
	node -e '
		const [file, packages] = process.argv.slice(1);
		fs.writeFileSync(file, fs.readFileSync(file, "utf8").replace(/^packages = \[[^]*?^\]/m, `packages = [${packages}]`));
	' "$PROJECT/larder.toml" "${quoted%, }"
	lay_out "$release" "$PROJECT" || return 0
	loads "$release" "$PROJECT/static/pyodide"
}

# page PROJECT: the bundler, and the page in Chromium.
page() {
	local code
	code=$(cd "$1" && run "$WORK/ci" npm ci --loglevel=error)
	equals "page: exit code of npm ci" 0 "$code"
	[ "$code" = 0 ] || { show "$WORK/ci" && return 0; }
	code=$(cd "$1" && run "$WORK/types" npm run check)
	equals "page: exit code of the type check" 0 "$code"
	[ "$code" = 0 ] || show "$WORK/types"
	code=$(cd "$1" && run "$WORK/build" npm run build:vite)
	equals "page: exit code of the bundler" 0 "$code"
	[ "$code" = 0 ] || { show "$WORK/build" && return 0; }
	if ! install_chromium; then
		skip "page in Chromium: it cannot be installed here"
	elif ! can_cut_network; then
		skip "page in Chromium: no network namespace can be made (not root)"
	else
		check "page in Chromium" cut_network node "$ROOT/tests/clients/pyodide/check-page.mjs" "$1/dist"
	fi
}

# committed RELEASE: the example as it is.
committed() {
	local code
	example "$1" || return 0
	code=$(cd "$PROJECT" && run "$WORK/check" "$LARDER" lock --check --store "$STORE")
	equals "$1: exit code of larder lock --check" 0 "$code"
	[ "$code" = 0 ] || show "$WORK/check"
	lay_out "$1" "$PROJECT" || return 0
	equals "$1: larder.lock is the committed one" "$(sha256sum <"$ROOT/examples/webui/larder.lock")" "$(sha256sum <"$PROJECT/larder.lock")"
	equals "$1: packages" "black gsw micropip numpy openpyxl pandas" \
		"$(names "$PROJECT/static/pyodide" | grep -xE 'black|gsw|micropip|numpy|openpyxl|pandas' | sort | xargs)"
	loads "$1" "$PROJECT/static/pyodide"
	page "$PROJECT"
}

# no_carrier RELEASE PACKAGE…: a release of which no distribution can be had.
no_carrier() {
	local project=$WORK/$1
	pyodide_project "$project" "$@" || { fail "$1: npm cannot lock it" && return 0; }
	lay_out "$1" "$project" && loads "$1" "$project/static/pyodide" || true
}

# Each line: how, release, and packages. What of the other distributions the carriers do not have is asked for in a version that only the index has; so is a wasm
# wheel for each.
matrix() {
	say committed 314.0.3
	say other_release 0.28.3 numpy pandas micropip black openpyxl dummy-pyodide-ext-test
	say other_release 0.27.2 numpy "pandas>=3" micropip black openpyxl "click>=8.2" "tzdata>=2025"
	say no_carrier 0.29.5 openpyxl dummy-pyodide-ext-test "msgpack>=1.2"
}

mkdir -p "$PYODIDE"
serve "$PYODIDE"
while read -ra line <&3; do "${line[@]}"; done 3< <(matrix | chosen)
finish
