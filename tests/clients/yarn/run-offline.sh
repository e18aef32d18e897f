#!/usr/bin/env bash
# `larder run --offline -- yarn install`, frozen, with the network cut and empty caches, gives the tree of an online install: yarn 1, and yarn 4 with both of its linkers.
source "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
source "$ROOT/tests/clients/npm.sh"
source "$ROOT/tests/clients/yarn.sh"
need node "yarn, offline"
need npm "yarn, offline"
need_cut_network "yarn, offline"

# listed FOLDER: what an install has left there, and in yarn's own folder, to which PnP's loader leads. yarn's notes about its last run are of no install.
listed() {
	node "$COMPARE" list "$1" | grep -vE '"path":"\.yarn/install-state\.gz"'
	[ ! -d "$YARN_FOLDERS/global/cache" ] || node "$COMPARE" list "$YARN_FOLDERS/global/cache" | sed 's#"path":"#&cache/#'
}

# compared WHAT FOLDER: FOLDER is what REFERENCE lists.
compared() {
	local said
	listed "$2" >"$WORK/listed"
	if said=$(node "$COMPARE" "$REFERENCE" "$WORK/listed"); then
		pass "$1: the tree of an online install: $said"
	else
		fail "$1: not the tree of an online install"
		sed 's/^/        /' <<<"$said"
	fi
}

# install KIND FLAG COMMAND…: the exit code of an install with empty caches, by COMMAND.
install() {
	local kind=$1 flag=$2
	shift 2
	rm -rf "$YARN_FOLDERS"
	with_yarn "$(yarn_of "$kind")" watched run "$WORK/install" "$@" yarn install "$flag"
}

# one WHAT KIND FLAG
one() {
	local what=$1 kind=$2 flag=$3 at code
	at=$(yarn_project "$kind" webui)
	code=$(cd "$at" && install "$kind" "$flag" env)
	equals "$what: exit code of an online install" 0 "$code"
	[ "$code" = 0 ] || { show "$WORK/install"; tail -n 15 "$WORK/install.out"; return 0; }
	REFERENCE=$WORK/reference-$kind
	listed "$at" >"$REFERENCE"

	at=$(yarn_project "$kind" webui)
	code=$(run "$WORK/fetch" "$LARDER" fetch "$at" --store "$STORE" --quiet)
	equals "$what: exit code of larder fetch" 0 "$code"
	code=$(cd "$at" && install "$kind" "$flag" cut_network "$LARDER" run --offline --)
	equals "$what: exit code of larder run -- yarn install $flag, network cut, caches empty" 0 "$code"
	[ "$code" = 0 ] || { show "$WORK/install"; tail -n 15 "$WORK/install.out"; }
	compared "$what" "$at"
	nothing_left "$what"
}

if need_yarn 1 "yarn 1"; then
	one "yarn 1" classic --frozen-lockfile

	# The same from a view, without larder.
	at=$(yarn_project classic webui)
	code=$(run "$WORK/view" "$LARDER" view tarballs "$WORK/mirror" "$at" --for yarn --store "$STORE" --offline --quiet)
	equals "yarn 1: exit code of larder view tarballs --for yarn" 0 "$code"
	code=$(cd "$at" && npm_config_yarn_offline_mirror=$WORK/mirror install classic --frozen-lockfile cut_network)
	equals "yarn 1: exit code of yarn install from that view, network cut, cache empty" 0 "$code"
	compared "yarn 1, from a view" "$at"
fi
if need_yarn 4 "yarn 4"; then
	LINKER=node-modules one "yarn 4, node-modules" berry --immutable
	LINKER=pnp one "yarn 4, pnp" berry --immutable
fi
finish
