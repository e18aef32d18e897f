# What the benchmarks share: options, the clock, the table.
source "$(dirname "${BASH_SOURCE[0]}")/../tests/clients/lib.sh"
install_base

BENCH_DIR=${BENCH_DIR:-$WORK/bench}
SAMPLES=$WORK/samples.tsv
ROUNDS=5
mkdir -p "$BENCH_DIR"
: >"$SAMPLES"

[ -x "$LARDER" ] || cargo build --release --locked --manifest-path "$ROOT/Cargo.toml"
command -v /usr/bin/time >/dev/null || debian time || { say "GNU time is missing" && exit 1; }

# rounds_of ARGUMENT…: sets ROUNDS for a benchmark that has no other option.
rounds_of() {
	while [ $# -gt 0 ]; do
		case $1 in
		--rounds) ROUNDS=$2 ;;
		*) say "usage: bench/${0##*/} [--rounds N]" >&2 && exit 2 ;;
		esac
		shift 2
	done
}

# discard PATH…: out of the way, to be removed when the round is over. Right after many files were removed, ext4 makes new ones slowly: it looks for inodes that
# were not in use just before, and the next tool would pay for it.
discard() {
	local path
	for path in "$@"; do
		[ ! -e "$path" ] || mv "$path" "$WORK/discarded.$RANDOM$RANDOM$RANDOM"
	done
}

# end_round LAST: removes what the round has left, so that no more lies there than one round makes. Until the next one, ext4 gets the time after which it hands an inode
# out again: 60 s after its removal, once that is written (RECENTCY_MIN in its ialloc.c).
end_round() {
	rm -rf "$WORK"/discarded.*
	sync
	[ "$1" = last ] || [ "$(stat --file-system --format %T "$WORK")" != ext2/ext3 ] || sleep 61
}

# which_round N: `last` for the last of them.
which_round() { [ "$1" -lt "$ROUNDS" ] || say last; }

# clock GROUP LABEL COMMAND…: runs the command and notes wall seconds, CPU seconds and peak KiB. Its output goes to $WORK/clock.out and .err.
clock() {
	local group=$1 label=$2 code=0 before after
	shift 2
	# What an earlier run left to be written is not this one's cost.
	sync
	before=${EPOCHREALTIME/[.,]/}
	/usr/bin/time -o "$WORK/clock.time" -f '%U %S %M' "$@" >"$WORK/clock.out" 2>"$WORK/clock.err" </dev/null || code=$?
	after=${EPOCHREALTIME/[.,]/}
	if [ "$code" != 0 ]; then
		say "$group, $label: exit code $code" >&2
		tail -n 5 "$WORK/clock.err" >&2
		return 0
	fi
	printf '%s\t%s\t%s\t%s\n' "$group" "$label" "$((after - before))" "$(tail -n 1 "$WORK/clock.time")" >>"$SAMPLES"
}

# table GROUP BASE: the group's medians, and their ratio to the label BASE.
table() { node "$ROOT/bench/table.mjs" "$SAMPLES" "$1" "$2"; }
