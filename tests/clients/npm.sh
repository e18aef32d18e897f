# What the tests that install with npm share. Sourced after lib.sh.
#
# LARDER_TEST_FULL=1 in the environment: every npm with every project, where the default takes each of both often enough to test each claim; each script's
# `matrix` says which those are. LARDER_TEST_ONLY keeps the lines of the matrix that match it (`chosen`), such as '^11 (v1|v2)'.
#
# SHARED is one folder for all scripts of a run of tests/run: the store, and what an online `npm ci` installed, by npm and project.

SHARED=${SHARED:-$WORK/shared}
STORE=$SHARED/store
COMPARE=$ROOT/tests/clients/npm/compare-trees.mjs
mkdir -p "$SHARED/references"

# Where projects are installed: in memory where there is enough of it, since most of an install's time on a disk is its 50,000 new files.
TREES=$WORK/trees
if [ "$(df --output=avail /dev/shm 2>/dev/null | tail -n 1 | tr -d ' ')" -gt 4000000 ] 2>/dev/null; then
	TREES=$(mktemp -d /dev/shm/larder-clients.XXXXXX)
	trap 'rm -rf "$WORK" "$TREES"' EXIT
fi

# The user's own taste must not decide what npm writes into a lockfile.
export npm_config_omit_lockfile_registry_resolved=false
# One line per warning and none for the log's place; no notice of a newer npm.
export npm_config_loglevel=warn

# need_npm MAJOR WHAT: whether that npm is there or can be installed; otherwise says that WHAT was skipped.
need_npm() {
	client "npm-$1" install_npm "$1" && return
	skip "$2: npm $1 cannot be installed here"
	return 1
}

# with_npm MAJOR COMMAND…: with that npm, and the node that it is for, first in PATH.
with_npm() (
	PATH=$CLIENTS/npm-$1/bin:$PATH
	shift
	"$@"
)

# need_cut_network WHAT: without a network namespace, skips the whole test.
need_cut_network() {
	can_cut_network && return
	skip "$1: no network namespace can be made (not root)"
	finish
}

# project_of NAME: its folder.
project_of() {
	if [ "$1" = webui ]; then npm_example; else say "$ROOT/tests/fixtures/npm/$1"; fi
}

# flags_of NAME: what `npm ci` gets for it. Scripts run, except where one wants the network for itself: it would fail alike with any cache.
flags_of() {
	case $1 in
	large) say --ignore-scripts ;;   # cypress, electron and onnxruntime-node download programs
	v1 | v2) say --ignore-scripts ;; # node-sass downloads a program, or compiles for minutes
	conflicting-peers) say --force ;;
	webui | without-resolved) say --replace-registry-host=npmjs ;; # npm's default: there is no host of the fixtures' in them
	esac
}

# copy_project NAME FOLDER: without what a developer's own build may have left there.
copy_project() {
	mkdir -p "$2"
	tar -C "$(project_of "$1")" --exclude=./node_modules --exclude=./dist --exclude=./static -cf - . | tar -C "$2" -xf -
}

# tree_folder NAME: a fresh copy of the project, always at the same place, since a script may write down where it ran.
tree_folder() {
	local at=$TREES/$1
	rm -rf "$at"
	copy_project "$1" "$at"
	say "$at"
}

# reference MAJOR NAME: sets REFERENCE to the list of what an online `npm ci` installs; npm's own list of it is in $REFERENCE.installed. Made once.
reference() {
	local at log=$WORK/reference code
	REFERENCE=$SHARED/references/npm-$1-$2
	[ ! -s "$REFERENCE" ] || return 0
	at=$(tree_folder "$2")
	code=$(cd "$at" && run "$log" with_npm "$1" npm ci $(flags_of "$2"))
	if [ "$code" != 0 ]; then
		fail "npm $1, $2: the online npm ci that the others are measured by: exit code $code"
		show "$log"
		return 1
	fi
	cp "$at/node_modules/.package-lock.json" "$REFERENCE.installed"
	node "$COMPARE" list "$at" >"$REFERENCE"
	rm -rf "$at"
}

# same_tree WHAT FOLDER: the folder is what REFERENCE lists.
same_tree() {
	local said
	if said=$(node "$COMPARE" "$REFERENCE" "$2"); then
		pass "$1: the tree of an online install: $said"
	else
		fail "$1: not the tree of an online install"
		sed 's/^/        /' <<<"$said"
	fi
}

# fill_store NAME…: the shared store, with what the projects name.
fill_store() {
	local name code
	for name in "$@"; do
		[ ! -e "$SHARED/filled-$name" ] || continue
		code=$(run "$WORK/fill" "$LARDER" fetch "$(project_of "$name")" --store "$STORE" --quiet)
		if [ "$code" != 0 ]; then
			fail "$name: larder fetch: exit code $code"
			show "$WORK/fill"
			return 1
		fi
		touch "$SHARED/filled-$name"
	done
}

# watched COMMAND…: the command with the shared store, and a TMPDIR and an npm cache of its own, both empty; `nothing_left` can then say what it left. Its exit
# code is the command's.
WATCHED=$WORK/watched
watched() (
	rm -rf "$WATCHED"
	mkdir -p "$WATCHED/tmp" "$WATCHED/npm-cache"
	store_names >"$WATCHED/store-before"
	export TMPDIR=$WATCHED/tmp npm_config_cache=$WATCHED/npm-cache LARDER_STORE=$STORE LARDER_TEST_MARK=$WATCHED
	"$@"
)

# The index and what is remembered of a lookup are notes about the rest, which come and change when the store is used.
store_names() { [ ! -d "$STORE" ] || (cd "$STORE" && find . \( -path './index-*' -o -path './remembered' \) -prune -o -print | sort); }

# nothing_left WHAT: no file in TMPDIR, none in the user's npm cache, nothing new in the store, no process.
nothing_left() {
	local left
	# node keeps compiled code there for every program that asks it to, as npm does; yarn 1 does so itself.
	left=$(cd "$WATCHED" && find tmp npm-cache -mindepth 1 -not -path 'tmp/node-compile-cache*' -not -path 'tmp/v8-compile-cache*' | head -n 5)
	left+=" "$(store_names | comm -13 "$WATCHED/store-before" - | head -n 5)
	left+=" "$(marked_processes "$WATCHED")
	if [ -z "${left// /}" ]; then pass "$1: leaves nothing behind"; else fail "$1: leaves behind: $left"; fi
}

# marked_processes MARK: those that were started with LARDER_TEST_MARK=MARK.
marked_processes() {
	local process
	for process in /proc/[0-9]*; do
		if tr '\0' '\n' <"$process/environ" 2>/dev/null | grep -qxF "LARDER_TEST_MARK=$1"; then
			say "process ${process#/proc/}: $(tr '\0' ' ' <"$process/cmdline")"
		fi
	done 2>/dev/null
}
