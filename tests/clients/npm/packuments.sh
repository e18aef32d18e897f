#!/usr/bin/env bash
# Where npm asks for packuments, it gets them: `npm ci --force` on a lock with conflicting peers, `npm ci` on one without `resolved`, `npm install` of what is
# locked. From the cache that `larder run` makes for npm, from its registry (npm behind a shell), and from `larder view npm-cache`; each with the network cut.
source "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
source "$ROOT/tests/clients/npm.sh"
need node "packuments"
need npm "packuments"
need_cut_network "packuments"

# Each line: npm, project, and the ways; `install` is a plain npm install. Those left out here are in run-offline.sh (cache) and view-cache.sh (view).
matrix() {
	local npm name
	for npm in 11 10 12; do
		say "$npm conflicting-peers cache registry view"
		for name in mixed webui without-resolved v1 v2 large; do
			case $npm-$name-${LARDER_TEST_FULL:-} in
			*-mixed-1 | *-webui-1 | 11-mixed- | 10-webui- | 12-webui-) say "$npm $name registry install" ;;
			*-without-resolved-1 | 11-without-resolved-) say "$npm $name registry view" ;;
			*-*-1 | 11-webui-) say "$npm $name registry" ;;
			esac
		done
	done
}

# by_cache, by_registry, by_view: npm with these arguments, in the folder where one is. npm asks a registry for what its cache does not have, so for by_registry
# it has one of its own, which is empty.
by_cache() { cut_network "$LARDER" run --offline -- npm "$@"; }
by_registry() {
	cut_network "$LARDER" run --offline -- sh -c 'npm "$@" --cache "$TMPDIR/own" --no-prefer-offline; code=$?; rm -rf "$TMPDIR/own"; exit "$code"' sh "$@"
}
by_view() {
	local code=0
	"$LARDER" view npm-cache "$TMPDIR/view" . --offline --quiet && cut_network npm "$@" --offline --cache "$TMPDIR/view" || code=$?
	rm -rf "$TMPDIR/view"
	return "$code"
}

# installs NPM NAME WAY
installs() {
	local what="npm $1, $2, by $3" at code
	at=$(tree_folder "$2")
	code=$(cd "$at" && run "$WORK/ci" watched with_npm "$1" "by_$3" ci $(flags_of "$2"))
	equals "$what: exit code of npm ci" 0 "$code"
	if [ "$code" = 0 ]; then
		same_tree "$what" "$at"
		nothing_left "$what"
	else
		show "$WORK/ci"
	fi
	rm -rf "$at"
}

# What makes the fixture one: npm refuses it, and asks for two packuments when forced to take it.
conflict() {
	local at code asked
	at=$(tree_folder conflicting-peers)
	code=$(cd "$at" && run "$WORK/conflict" with_npm 11 npm ci)
	equals "conflicting-peers: exit code of npm ci, online" 1 "$code"
	grep -q ERESOLVE "$WORK/conflict.err" || fail "conflicting-peers: npm ci fails for another reason: $(head -n 1 "$WORK/conflict.err")"
	(cd "$at" && run "$WORK/conflict" with_npm 11 npm ci --force --cache "$WORK/asked") >/dev/null
	asked=$(grep -rhao '"key":"make-fetch-happen:request-cache:[^"]*' "$WORK/asked/_cacache/index-v5" | grep -v '\.tgz$' | sed 's,.*/,,' | sort -u)
	equals "conflicting-peers: packuments that npm ci --force asks for, online" "@opentelemetry%2fapi and react" "${asked/$'\n'/ and }"
	# Without the index, only what is found by its digest is there.
	"$LARDER" view npm-cache "$WORK/half" "$at" --offline --store "$STORE" --quiet && rm -rf "$WORK/half/_cacache/index-v5"
	code=$(cd "$at" && run "$WORK/half" with_npm 11 cut_network npm ci --force --offline --cache "$WORK/half")
	equals "conflicting-peers: exit code of npm ci --force from tarballs alone" 1 "$code"
	rm -rf "$at"
}

# install_changes_nothing NPM NAME: a plain install of what is locked leaves the lockfile as it was, where nothing is installed yet and where all is. It starts
# from the lockfile that the same install leaves online: npm puts the fixtures' invented hosts right.
install_changes_nothing() {
	local what at code time way settled=$WORK/settled
	at=$(tree_folder "$2")
	code=$(cd "$at" && run "$WORK/install" with_npm "$1" npm install $(flags_of "$2"))
	equals "npm $1, $2: exit code of npm install, online" 0 "$code"
	cp "$at/package-lock.json" "$settled"
	for way in cache registry; do
		at=$(tree_folder "$2")
		cp "$settled" "$at/package-lock.json"
		for time in "with no node_modules" "with its node_modules"; do
			what="npm $1, $2, by $way: npm install $time"
			code=$(cd "$at" && run "$WORK/install" watched with_npm "$1" "by_$way" install $(flags_of "$2"))
			equals "$what: exit code" 0 "$code"
			[ "$code" = 0 ] || show "$WORK/install"
			if cmp -s "$settled" "$at/package-lock.json"; then pass "$what leaves package-lock.json as it was"; else
				fail "$what changes package-lock.json"
				diff "$settled" "$at/package-lock.json" | head -n 8 | sed 's/^/        /'
			fi
		done
	done
	rm -rf "$at"
}

fill_store conflicting-peers || finish
! need_npm 11 "conflicting peers" || conflict
while read -r npm name ways; do
	need_npm "$npm" "packuments" || continue
	reference "$npm" "$name" && fill_store "$name" || continue
	for way in $ways; do
		case $way in
		install) install_changes_nothing "$npm" "$name" ;;
		*) installs "$npm" "$name" "$way" ;;
		esac
	done
done < <(matrix | chosen)
finish
