#!/usr/bin/env bash
# Packages that a lockfile names at addresses of their own: a tarball on some host, a commit at a forge, a scope with its own registry. Each package manager installs them
# frozen with `larder run --offline`, as a new user, while the servers are gone, and the tree is that of its online install. All in a network namespace in which these
# hosts' names lead to one server of this test.
source "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
source "$ROOT/tests/clients/npm.sh"
source "$ROOT/tests/clients/managers.sh"

MATRIX='pnpm-10 pnpm install --frozen-lockfile
pnpm-newest pnpm install --frozen-lockfile
bun bun install --frozen-lockfile
yarn-1 yarn install --frozen-lockfile
yarn-4 yarn install --immutable'

source "$ROOT/tests/clients/replay.sh"
mapfile -t managers < <(cut -d ' ' -f 1 <<<"$MATRIX")
serve_in_namespace "packages at addresses of their own" "${managers[@]}"

# The forge's hosts are constants of larder.
constant() { sed -n "s|^pub const $1: &str = \"\(https://\)\{0,1\}\([^/\"]*\).*|\2|p" "$ROOT/src/core/endpoints.rs"; }
FORGE=$(constant GITHUB_ARCHIVES)
HOSTS=(files.example own.example registry.example "$FORGE" "$(constant GITHUB_HOST)" "$(constant GITHUB_API)")
COMMIT=$(printf 'c%.0s' $(seq 40))
# project KIND: a folder with that manager's configuration and package.json.
project() {
	local at=$WORK/project git="https://$FORGE/owner/git-c/tar.gz/$COMMIT"
	rm -rf "$at" && mkdir -p "$at"
	case $1 in
	bun) git="github:owner/git-c#$COMMIT" ;;
	yarn-4) git="https://$(constant GITHUB_HOST)/owner/git-c.git#commit=$COMMIT" ;;
	esac
	node -e 'const [git] = process.argv.slice(1);
		const dependencies = { "own-a": "https://files.example/own-a-1.0.0.tgz", "@own/b": "1.0.0", plain: "1.0.0", "git-c": git };
		console.log(JSON.stringify({ name: "project", version: "1.0.0", dependencies }, undefined, 2))' -- "$git" >"$at/package.json"
	printf 'registry=https://registry.example/\n@own:registry=https://own.example/\n' >"$at/.npmrc"
	if [ "$1" = yarn-4 ]; then
		printf '%s\n' 'nodeLinker: node-modules' 'npmRegistryServer: https://registry.example' 'enableTelemetry: false' \
			'npmMinimalAgeGate: 0' 'npmScopes: {own: {npmRegistryServer: https://own.example}}' >"$at/.yarnrc.yml"
		yarn_4_lockfile "$git" >"$at/yarn.lock"
	fi
	say "$at"
}

# yarn would ask git for the commit; a lockfile that has it needs none.
yarn_4_lockfile() {
	printf '%s\n' '__metadata:' '  version: 8' '' "\"git-c@$1\":" '  version: 1.0.0' "  resolution: \"git-c@$1\"" '  languageName: node' '  linkType: hard'
}

# tree FOLDER: the files of node_modules, where links lead too, with their modes and contents; without what package managers note there.
tree() { (cd "$1/node_modules" && find -L . ! -path './.*' -type f -printf '%p %m ' -exec sha256sum -b {} \; | sort); }

# as_forge FILE: packs it as the forge does, in a folder whose name has the abbreviated commit: bun's lockfile has that one.
as_forge() {
	mkdir "$WORK/new"
	tar -C "$WORK/new" -xzf "$SERVED/$1-1.0.0.tgz"
	mv "$WORK/new/package" "$WORK/new/owner-$1-${COMMIT:0:7}"
	tar -C "$WORK/new" --sort=name --mtime=@0 -czf "$SERVED/$1-1.0.0.tgz" "owner-$1-${COMMIT:0:7}"
	rm -rf "$WORK/new"
}

one_manager() {
	local manager=$1 what="$1, addresses of their own" at code online=("${@:2}")
	shift
	at=$(project "$manager")
	start_server
	case $manager in
	yarn-4) online=(yarn install --no-immutable) ;;
	*) online=("$1" install) ;;
	esac
	code=$(cd "$at" && run "$WORK/online" as_stranger with_manager "$manager" "${online[@]}")
	equals "$what: exit code of the online install" 0 "$code"
	[ "$code" = 0 ] || { show "$WORK/online" && tail -n 15 "$WORK/online.out" && stop_server && return 0; }
	tree "$at" >"$WORK/online.tree"
	replayed "$manager" "$what" "$at" "$@"
	[ "$manager" = bun ] || return 0
	# As bun wrote its lockfile before version 2.
	equals "$what: digests of git-c in bun.lock" 1 "$(grep -c '"git-c@github:.*"sha512-' "$at/bun.lock")"
	sed -i '/"git-c@github:/s/, "sha512-[^"]*"\]/]/; s/"lockfileVersion": 2/"lockfileVersion": 1/' "$at/bun.lock"
	start_server
	replayed "$manager" "$what, a commit without a digest" "$at" "$@"
}

# replayed MANAGER WHAT PROJECT COMMAND…: fetches it from the server, which is stopped then, and installs it offline.
replayed() {
	local manager=$1 what=$2 at=$3 code
	shift 3
	rm -rf "$at/node_modules" "$at/.yarn" "$WORK/store"
	code=$(cd "$at" && run "$WORK/fetch" as_stranger "$LARDER" fetch --store "$WORK/store" .)
	equals "$what: exit code of larder fetch" 0 "$code"
	[ "$code" = 0 ] || show "$WORK/fetch"
	stop_server
	offline_tree "$what" "$at" "$manager" -- "$@"
	offline_tree "$what, isolated" "$at" "$manager" --isolate -- "$@"
}

# offline_tree WHAT FOLDER MANAGER OPTION… -- COMMAND…: an install without the servers has the tree of the online one, and no warning.
offline_tree() {
	local what=$1 at=$2 manager=$3 code
	shift 3
	rm -rf "$at/node_modules" "$at/.yarn"
	code=$(cd "$at" && run "$WORK/offline" as_stranger with_manager "$manager" "$LARDER" run --offline --store "$WORK/store" "$@")
	equals "$what: exit code of larder run --offline $*, without the servers" 0 "$code"
	[ "$code" = 0 ] || { show "$WORK/offline" && tail -n 15 "$WORK/offline.out" && return 0; }
	tree "$at" >"$WORK/offline.tree"
	if cmp -s "$WORK/online.tree" "$WORK/offline.tree" && [ -s "$WORK/online.tree" ]; then
		pass "$what: the tree of the online install, $(wc -l <"$WORK/online.tree") files"
	else
		fail "$what: another tree than the online install"
		diff "$WORK/online.tree" "$WORK/offline.tree" | head -n 10 | sed 's/^/        /'
	fi
	equals "$what: warnings" "" "$(grep '^warning: ' "$WORK/offline.err" || true)"
}

prepare_hosts "${HOSTS[@]}"
package own-a own-a
package @own/b own-b
package plain plain
package git-c git-c
as_forge git-c
while read -r -a words <&3; do one_manager "${words[@]}"; done 3< <(chosen <<<"$MATRIX")
finish
