#!/usr/bin/env bash
# Ten `larder run` at once on one store: each installs what an online `npm ci` does, and nothing is left of any of them.
source "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
source "$ROOT/tests/clients/npm.sh"
need node "many at once"
need npm "many at once"
need_npm 11 "many at once" || finish
need_cut_network "many at once"

MANY=10
NAME=conflicting-peers

# one NUMBER: half of them by the cache, half by the registry.
one() {
	local -a command=(npm ci $(flags_of "$NAME"))
	# npm asks a registry for what its cache does not have: an empty one of its own.
	[ $(($1 % 2)) = 0 ] || command=(sh -c '"$@" --cache "$0" --no-prefer-offline; code=$?; rm -rf "$0"; exit "$code"' "$TMPDIR/own-$1" "${command[@]}")
	cd "$TREES/$1" && run "$WORK/many-$1" "$LARDER" run --offline -- "${command[@]}" >"$WORK/many-$1.code"
}

# all_at_once: in one network namespace, so that their registries meet.
all_at_once() {
	local number
	for ((number = 1; number <= MANY; number++)); do one "$number" & done
	wait
}
export WORK TREES LARDER MANY NAME

reference 11 "$NAME" && fill_store "$NAME" || finish
for ((number = 1; number <= MANY; number++)); do copy_project "$NAME" "$TREES/$number"; done
# As text: the shell between would drop exported functions.
watched with_npm 11 cut_network bash -c "$(declare -f all_at_once one run say flags_of); all_at_once"
codes=$(cat "$WORK"/many-*.code | xargs)
equals "$MANY at once: exit codes" "$(yes 0 | head -n "$MANY" | xargs)" "$codes"
for ((number = 1; number <= MANY; number++)); do
	if [ "$(cat "$WORK/many-$number.code")" = 0 ]; then
		same_tree "number $number of $MANY at once" "$TREES/$number"
	else
		show "$WORK/many-$number"
	fi
done
nothing_left "$MANY at once"
finish
