#!/usr/bin/env bash
# `larder run --offline -- npm ci` with the network cut and an empty npm cache gives the tree of an online `npm ci`; the example then builds.
source "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
source "$ROOT/tests/clients/npm.sh"
need node "run offline"
need npm "run offline"
need_cut_network "run offline"

# Every project with npm 11. With each npm a lock of which its scripts run and that has no addresses (webui), and one with workspaces, local tarballs and aliases
# (mixed); with npm 12 also those of which it asks for the most. `large` and `v2` are 51,000 and 86,000 files: half a minute for each install.
matrix() {
	local npm name
	for npm in 11 10 12; do
		for name in webui mixed v1 v2 without-resolved large; do
			case $npm-$name-${LARDER_TEST_FULL:-} in
			*-*-1 | 11-* | *-webui- | *-mixed- | 12-v1- | 12-without-resolved-) say "$npm $name" ;;
			esac
		done
	done
}

# build NPM FOLDER: the example's own bundler, from the installed tree.
build() {
	local code
	code=$(cd "$2" && run "$WORK/build" with_npm "$1" cut_network npm run build:vite)
	equals "npm $1: the example builds, network cut" 0 "$code"
	[ "$code" = 0 ] || show "$WORK/build"
	if [ -s "$2/dist/index.html" ]; then pass "npm $1: the build made dist/index.html"; else fail "npm $1: the build made no dist/index.html"; fi
}

# offline NPM NAME
offline() {
	local what="npm $1, $2" at code
	reference "$1" "$2" || return 0
	fill_store "$2" || return 0
	at=$(tree_folder "$2")
	code=$(cd "$at" && run "$WORK/offline" watched with_npm "$1" cut_network "$LARDER" run --offline -- npm ci $(flags_of "$2"))
	equals "$what: exit code of larder run --offline -- npm ci, network cut" 0 "$code"
	[ "$code" = 0 ] || { show "$WORK/offline" && return 0; }
	same_tree "$what" "$at"
	nothing_left "$what"
	[ "$2" != webui ] || build "$1" "$at"
	rm -rf "$at"
}

while read -r npm name; do
	need_npm "$npm" "run offline" || continue
	offline "$npm" "$name"
done < <(matrix | chosen)
finish
