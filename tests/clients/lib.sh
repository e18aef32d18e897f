# What every client test shares. A test sources it, checks what it needs, and says `pass`, `fail` or `skip` once a claim.
#
#     source "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
#
# Read from the environment: LARDER (the program under test), RESULTS (the file that tests/run counts), LARDER_TEST_ONLY (see `chosen`).
set -euo pipefail

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
LARDER=${LARDER:-$ROOT/target/release/larder}
CLIENTS=$ROOT/target/clients
RESULTS=${RESULTS:-/dev/null}
PATH=$CLIENTS/bin:$PATH
export npm_config_cache=$CLIENTS/npm-cache npm_config_audit=false npm_config_fund=false npm_config_update_notifier=false

# Everything a test writes; removed when it ends.
WORK=$(mktemp -d "${TMPDIR:-/tmp}/larder-clients.XXXXXX")
trap 'rm -rf "$WORK"' EXIT

FAILED=0
say() { printf '%s\n' "$*"; }
pass() { say "  ok    $*"; record pass "$*"; }
skip() { say "  skip  $*"; record skip "$*"; }
# A failure does not end the test: the claims after it are still checked.
fail() { say "  FAIL  $*"; record fail "$*"; FAILED=1; }

# record VERDICT CLAIM: a line of RESULTS: verdict, seconds since the claim before, script, claim; with tabs between.
SCRIPT=${0#"$ROOT/"} SCRIPT=${SCRIPT#tests/} LAST=${EPOCHREALTIME/[.,]/}
record() {
	local now=${EPOCHREALTIME/[.,]/} claim=${2//[$'\t\n']/ }
	printf '%s\t%d.%02d\t%s\t%s\n' "$1" $(((now - LAST) / 1000000)) $(((now - LAST) / 10000 % 100)) "$SCRIPT" "$claim" >>"$RESULTS"
	LAST=$now
}
# A test's last line: its exit code.
finish() { exit "$FAILED"; }

# need PROGRAM WHAT: without PROGRAM, skips the whole test.
need() {
	[ "$1" != chromium ] || install_chromium || true
	command -v "$1" >/dev/null 2>&1 && return
	skip "$2: $1 is not installed"
	finish
}

# chosen: of the lines of a script's matrix, those to run: that match the pattern LARDER_TEST_ONLY (grep -E), if there is one.
chosen() { grep -E "${LARDER_TEST_ONLY:-.}" || true; }

# alone NAME COMMAND…: the command, while no other process of these tests runs one by the same name.
alone() (
	mkdir -p "$CLIENTS"
	# Elsewhere than on Linux there may be no flock; tests/run then runs one script at a time.
	command -v flock >/dev/null 2>&1 && exec 9>"$CLIENTS/.$1.lock" && flock 9
	shift
	"$@" 9>&- </dev/null
)

# equals WHAT EXPECTED ACTUAL
equals() {
	if [ "$2" = "$3" ]; then pass "$1: $3"; else fail "$1: expected $2, got $3"; fi
}

# field FILE NAME: a field of the JSON document in FILE; of its only project's part, if it has projects.
field() {
	node -p 'const [file, name] = process.argv.slice(1); const all = JSON.parse(fs.readFileSync(file, "utf8")); (all.projects?.[0] ?? all)[name]' "$1" "$2"
}

# run FILE COMMAND…: stdout to FILE.out, stderr to FILE.err, and the exit code to standard output.
run() {
	local to=$1 code=0
	shift
	"$@" >"$to.out" 2>"$to.err" || code=$?
	say "$code"
}

# Shows what a command that failed left in FILE.err.
show() { tail -n 15 "$1.err" | sed 's/^/        /'; }

# cut_network COMMAND…: runs it in a network namespace of its own, where there is nothing but loopback.
cut_network() {
	local -a enter=(unshare -n)
	[ "$(id -u)" = 0 ] || enter=(unshare -rn)
	"${enter[@]}" sh -c '(ip link set lo up) 2>/dev/null; exec "$@"' sh "$@"
}
can_cut_network() { cut_network true 2>/dev/null; }

# npm's npm-cli.js, as npm itself names it: `npm` may be a link to it or a wrapper.
npm_cli() { npm exec --loglevel=error --call 'printf %s "$npm_execpath"'; }

# copy_example FOLDER: the example, without what a developer's own build may have left there.
copy_example() {
	mkdir -p "$1"
	tar -C "$ROOT/examples/webui" --exclude=./node_modules --exclude=./dist --exclude=./static -cf - . | tar -C "$1" -xf -
}

# npm_example: a copy of the example without its Python packages, for what is about npm's alone.
npm_example() {
	local at=$WORK/example/webui
	[ -e "$at" ] || { copy_example "$at" && rm "$at/larder.toml" "$at/larder.lock"; }
	say "$at"
}

# npm_projects: the projects whose lockfiles the npm tests read.
npm_projects() {
	local name
	for name in large v1 v2 without-resolved mixed; do say "$ROOT/tests/fixtures/npm/$name"; done
	npm_example
}

# The fixtures name no public host: their `resolved` goes to the registry that npm itself is configured with. (`always` would make npm put the
# registry before the path of a local tarball too.)
export npm_config_replace_registry_host=registry.example

source "$ROOT/tests/clients/install.sh"
