#!/usr/bin/env bash
# `larder view npm-cache DIR`: plain `npm ci --offline --cache DIR` installs from it with the network cut, also from a read-only mount with the store out of
# sight (as docs/install-from-the-store.md says, where npm must write to the index), and after `npm cache verify`. Two views are equal to the byte, and a view made again leaves alone
# what has not changed.
source "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
source "$ROOT/tests/clients/npm.sh"
need node "view npm-cache"
need npm "view npm-cache"
need_cut_network "view npm-cache"

# Each line: npm, project, and the ways: `plain`, `swept` (after npm cache verify), `read-only`. Each npm takes the last two with `mixed`, of which it reads the
# files by their digest alone, and with `webui`, where it asks for a packument of each package. `without-resolved` is in packuments.sh.
matrix() {
	local npm name
	for npm in 11 10 12; do
		for name in webui mixed without-resolved v1 v2 large; do
			case $npm-$name-${LARDER_TEST_FULL:-} in
			*-*-1 | 11-mixed- | 11-webui-) say "$npm $name plain swept read-only" ;;
			*-mixed- | *-webui-) say "$npm $name swept read-only" ;;
			10-v1-) say "$npm $name plain" ;;
			esac
		done
	done
}

# Whether npm reads the project's files by their digest alone. If not, it looks packuments up in its index, and whenever it looks something up there it also
# rewrites that part of the index. In a cache that it cannot write, be it one that it filled itself, it then takes the packument for missing.
is_read_by_digest() { [[ $1 = mixed || $1 = v2 || $1 = large ]]; }

# What the page says to do then, up to `npm ci`, with this test's folders in the place of its own.
OWN_INDEX=$WORK/own-index
recipe() {
	sed -n 's|^    \(.*/mnt/npm-cache.*\)$|\1|p; s|^    \(.* mkdir -p /tmp/npm.*\)$|\1|p' "$ROOT/docs/install-from-the-store.md" | sed "s|/mnt/npm-cache|$VIEW|g; s|/tmp/npm|$OWN_INDEX|g"
}

# view FOLDER PROJECT
view() { cut_network "$LARDER" view npm-cache "$1" "$2" --offline --store "$STORE"; }

# read_only FOLDER STORE COMMAND…: runs the command in a mount namespace of its own, without a network, where FOLDER cannot be written and STORE is empty.
read_only() {
	local -a enter=(unshare -nm)
	[ "$(id -u)" = 0 ] || enter=(unshare -rnm)
	"${enter[@]}" sh -c '
		(ip link set lo up) 2>/dev/null
		mount --bind "$1" "$1" && mount -o remount,bind,ro "$1" && mount -t tmpfs none "$2" || exit 99
		! touch "$1/write" 2>/dev/null || exit 98
		shift 2
		exec "$@"' sh "$@"
}

# install WHAT NPM NAME CACHE COMMAND…: COMMAND is what goes before npm.
install() {
	local what=$1 npm=$2 name=$3 cache=$4 at code
	shift 4
	at=$(tree_folder "$name")
	code=$(cd "$at" && run "$WORK/install" with_npm "$npm" "$@" npm ci --offline --cache "$cache" --logs-dir "$WORK/logs" $(flags_of "$name"))
	equals "$what: exit code of npm ci --offline" 0 "$code"
	if [ "$code" = 0 ]; then same_tree "$what" "$at"; else show "$WORK/install"; fi
	rm -rf "$at"
}

# verify_cache WHAT NPM: npm's own sweep keeps all.
verify_cache() {
	local code removed
	(cd "$VIEW/_cacache" && find content-v2 -type f | sort) >"$WORK/content-before"
	code=$(run "$WORK/sweep" with_npm "$2" cut_network npm cache verify --cache "$VIEW" --logs-dir "$WORK/logs")
	equals "$1: exit code of npm cache verify" 0 "$code"
	equals "$1: content that npm cache verify counts" "$(wc -l <"$WORK/content-before")" "$(sed -n 's/^Content verified: \([0-9]*\).*/\1/p' "$WORK/sweep.out")"
	removed=$(grep -iE 'garbage|corrupt|missing' "$WORK/sweep.out" || true)
	equals "$1: what npm cache verify removed" "nothing" "${removed:-nothing}"
	if (cd "$VIEW/_cacache" && find content-v2 -type f | sort) | cmp -s - "$WORK/content-before"; then
		pass "$1: the content is what it was before"
	else
		fail "$1: npm cache verify changed the content"
	fi
}

# views NAME: sets VIEW to the project's view, made and looked at once.
views() {
	local what="view npm-cache of $1" code said
	VIEW=$WORK/view-$1
	[ ! -e "$VIEW" ] || return 0
	code=$(run "$WORK/view" view "$VIEW" "$(project_of "$1")")
	equals "$what: exit code, network cut" 0 "$code"
	[ "$code" = 0 ] || { show "$WORK/view" && return 1; }
	view "$WORK/again-$1" "$(project_of "$1")" >/dev/null
	if said=$(node "$COMPARE" "$VIEW" "$WORK/again-$1"); then pass "$what: two views are equal: $said"; else
		fail "$what: two views differ"
		sed 's/^/        /' <<<"$said"
	fi
	rm -rf "$WORK/again-$1"
}

# with_one_more FOLDER: the example with one package more in its lockfile, one that the store has (it is in conflicting-peers).
with_one_more() {
	copy_project webui "$1"
	node -e '
		const [lock, other] = process.argv.slice(1).map((file) => JSON.parse(fs.readFileSync(file)));
		lock.packages["node_modules/object-assign"] = other.packages["node_modules/object-assign"];
		lock.packages[""].dependencies["object-assign"] = "^4.1.1";
		fs.writeFileSync(process.argv[1], JSON.stringify(lock, undefined, 2));' "$1/package-lock.json" "$(project_of conflicting-peers)/package-lock.json"
}

# changes BEFORE AFTER: of the files of two views, how many are in one alone, and how many of the others were written anew; the view's mark, which names its files, apart.
changes() {
	local said
	said=$(node "$COMPARE" "$1" "$2" --all || true)
	say "$(grep -c '^only in the first: .*(file)$' <<<"$said" || true) gone, $(grep -c '^only in the second: .*(file)$' <<<"$said" || true) new, $(grep ': written: ' <<<"$said" | grep -vc '^\.larder-view: ' || true) written anew"
}

incremental() {
	local at=$WORK/incremental moment said
	copy_project webui "$at/projects/webui"
	with_one_more "$at/projects/more"
	mkdir "$at/views"
	for moment in first:webui same:webui more:more fewer:webui; do
		view "$at/views/cache" "$at/projects/${moment#*:}" >"$WORK/view.out" 2>"$WORK/view.err" || { fail "a view made again: cannot be made" && show "$WORK/view" && return; }
		node "$COMPARE" list "$at/views/cache" --times >"$at/${moment%:*}"
	done
	equals "a view made again" "0 gone, 0 new, 0 written anew" "$(changes "$at/first" "$at/same")"
	# A tarball's bytes and its index entry at least; a packument and its entry with them.
	said=$(changes "$at/same" "$at/more")
	if [[ $said =~ ^0\ gone,\ ([2-4])\ new,\ 0\ written\ anew$ ]]; then
		pass "a view with one package more: $said"
		equals "a view without it" "${BASH_REMATCH[1]} gone, 0 new, 0 written anew" "$(changes "$at/more" "$at/fewer")"
	else
		fail "a view with one package more: expected 2 to 4 new files alone, got $said"
	fi
	equals "what is beside a view that was made again" "cache" "$(ls -A "$at/views")"
}

fill_store webui conflicting-peers && incremental
while read -r npm name ways; do
	need_npm "$npm" "view npm-cache" || continue
	what="npm $npm, $name"
	reference "$npm" "$name" && fill_store "$name" && views "$name" || continue
	if [[ $ways = *read-only* ]] && is_read_by_digest "$name"; then
		install "$what, read-only, the store out of sight" "$npm" "$name" "$VIEW" read_only "$VIEW" "$STORE"
	elif [[ $ways = *read-only* ]]; then
		equals "$what: lines of the page that give npm an index of its own" 3 "$(recipe | wc -l)"
		install "$what, read-only but for an index of its own, the store out of sight" "$npm" "$name" "$OWN_INDEX" read_only "$VIEW" "$STORE" sh -ec "$(recipe)"'; exec "$@"' sh
	fi
	# npm writes to a cache where it can, so each gets its own.
	PRISTINE=$VIEW
	VIEW=$WORK/own-view
	rm -rf "$VIEW"
	cp -a "$PRISTINE" "$VIEW"
	[[ $ways != *plain* ]] || install "$what" "$npm" "$name" "$VIEW" cut_network
	if [[ $ways = *swept* ]]; then
		verify_cache "$what" "$npm"
		install "$what, after npm cache verify" "$npm" "$name" "$VIEW" cut_network
	fi
	rm -rf "$VIEW"
done < <(matrix | chosen)
finish
