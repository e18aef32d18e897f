# What the tests that install with other package managers than npm share. Sourced after npm.sh.
#
# A manager is a word such as `pnpm-10`: its kind, and, after the dash, which of that kind. It is in target/clients/<manager>/bin, where need_manager
# puts it.

# kind_of MANAGER: pnpm, bun, …
kind_of() { say "${1%%-*}"; }

# need_manager MANAGER: if it is not there and cannot be installed, skips the whole test.
need_manager() {
	local kind version=latest
	kind=$(kind_of "$1")
	case $1 in *-[0-9]*) version=${1##*-} ;; esac
	client "$1" install_manager "$1" "$kind@$version" "$kind" && return
	skip "$1 cannot be installed here"
	finish
}

# with_manager MANAGER COMMAND…: with that manager first in PATH.
with_manager() (
	PATH=$CLIENTS/$1/bin:$PATH
	shift
	"$@"
)

# as_new_user COMMAND…: where a manager keeps stores and caches of its own, it finds none.
as_new_user() (
	export XDG_DATA_HOME=$WATCHED/home/data XDG_CACHE_HOME=$WATCHED/home/cache XDG_STATE_HOME=$WATCHED/home/state
	export BUN_INSTALL_CACHE_DIR=$WATCHED/home/bun
	"$@"
)

# manager_project KIND: the folder with the example's package.json and that kind's lockfile.
manager_project() { say "$ROOT/tests/fixtures/$1/webui"; }

# manager_tree KIND: the example with that kind's lockfile in place of npm's, always at the same place.
manager_tree() {
	local at
	at=$(tree_folder webui)
	rm "$at/package-lock.json" "$at"/larder.* 2>/dev/null || true
	cp -a "$(manager_project "$1")/." "$at"
	say "$at"
}

# settle FOLDER: takes from a tree what says when it was made, and from where a manager's own store is known.
settle() {
	local record
	for record in "$1"/node_modules/.modules.yaml "$1"/node_modules/.pnpm-workspace-state*.json "$1"/node_modules/.yarn-state.yml; do
		[ ! -f "$record" ] || sed -i -E '/prunedAt|lastValidatedTimestamp|recordedAtNs|[mc]time/d' "$record"
	done
}

# manager_reference MANAGER COMMAND…: sets REFERENCE to the list of what COMMAND installs online.
manager_reference() {
	local manager=$1 at code
	shift
	REFERENCE=$SHARED/references/$manager
	[ ! -s "$REFERENCE" ] || return 0
	at=$(manager_tree "$(kind_of "$manager")")
	rm -rf "$WATCHED"
	mkdir -p "$WATCHED"
	code=$(cd "$at" && run "$WORK/reference" as_new_user with_manager "$manager" "$@")
	if [ "$code" != 0 ]; then
		fail "$manager: the online install that the others are measured by: exit code $code"
		show "$WORK/reference"
		return 1
	fi
	settle "$at"
	node "$COMPARE" list "$at" >"$REFERENCE"
	rm -rf "$at"
}

# manager_offline MANAGER COMMAND…: `larder run --offline -- COMMAND`, with the network cut and as a new user, gives the tree of the online COMMAND.
manager_offline() {
	local manager=$1 what at code
	what="$1, webui"
	shift
	at=$(manager_tree "$(kind_of "$manager")")
	code=$(run "$WORK/fill" "$LARDER" fetch "$at" --store "$STORE" --quiet)
	equals "$what: exit code of larder fetch" 0 "$code"
	code=$(cd "$at" && run "$WORK/offline" watched as_new_user with_manager "$manager" cut_network "$LARDER" run --offline -- "$@")
	equals "$what: exit code of larder run --offline -- $*, network cut" 0 "$code"
	[ "$code" = 0 ] || { show "$WORK/offline" && return 0; }
	if grep -rlI "127\.0\.0\.1:[0-9]*/" "$at"/node_modules/.*.yaml "$at"/node_modules/.*.json "$at"/*lock* 2>/dev/null; then
		fail "$what: a record names the run's registry"
	else
		pass "$what: no record names the run's registry"
	fi
	settle "$at"
	same_tree "$what" "$at"
	nothing_left "$what"
	rm -rf "$at"
}

# counted FIXTURE LOCKFILE: larder's sum of it is that of an independent program.
counted() {
	local what="$1" plan=$WORK/plan key
	"$LARDER" plan "$ROOT/tests/fixtures/$1/$2" --json >"$plan" 2>"$plan.err" || { fail "$what: larder plan" && show "$plan" && return; }
	node "$ROOT/tests/clients/count-other-lockfile.mjs" "$ROOT/tests/fixtures/$1/$2" >"$WORK/counted" || { fail "$what: cannot be counted" && return; }
	for key in entries artifacts; do
		equals "$what: $key, as an independent program counts them" "$(field "$WORK/counted" "$key")" "$(node -p 'JSON.parse(fs.readFileSync(process.argv[1], "utf8")).entries[process.argv[2]]' "$plan" "$key")"
	done
}
