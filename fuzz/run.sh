#!/usr/bin/env bash
# Each fuzz target for some seconds, from its seeds on, or those whose name holds a NAME. Stable Rust does: the code is built with libFuzzer's coverage, and without a
# sanitizer, for there is no unsafe code in it.
#
#     fuzz/run.sh [SECONDS [NAME…]]    default: 5, and the same random numbers each time
#
# `cargo fuzz run NAME`, where nightly Rust and cargo-fuzz are, runs the same targets with a sanitizer.
source "$(dirname "${BASH_SOURCE[0]}")/../tests/clients/lib.sh"

SECONDS_EACH=${1:-5}
options=(-max_total_time="$SECONDS_EACH" -timeout=20 -rss_limit_mb=2048 -print_final_stats=1)
[ $# != 0 ] || options+=(-seed=1)
[ $# = 0 ] || shift

command -v c++ >/dev/null 2>&1 || alone debian debian g++ || { skip "fuzz targets: no C++ compiler, of which libFuzzer's own code has need, and none can be installed here" && finish; }
# The versions of the workspace, which this is no part of.
cp "$ROOT/Cargo.lock" "$ROOT/fuzz/Cargo.lock"
target=$(rustc -vV | sed -n 's/^host: //p')
TARGET_DIR=$ROOT/fuzz/target
# As cargo-fuzz has it. With a --target, what runs while it is built is left as it is.
flags=(--cfg fuzzing -C passes=sancov-module)
for pass in level=4 inline-8bit-counters pc-table trace-compares; do flags+=(-C "llvm-args=-sanitizer-coverage-$pass"); done
RUSTFLAGS="${flags[*]}" \
	CARGO_PROFILE_DEV_OPT_LEVEL=1 CARGO_PROFILE_DEV_DEBUG=0 \
	cargo build --quiet --bins --manifest-path "$ROOT/fuzz/Cargo.toml" --target "$target" --target-dir "$TARGET_DIR" 2>"$WORK/build.err" ||
	{ fail "the fuzz targets compile" && show "$WORK/build" && finish; }
pass "the fuzz targets compile"

# is_wanted TARGET [NAME…]
is_wanted() {
	local name
	for name in "${@:2}"; do [[ $1 != *"$name"* ]] || return 0; done
	[ $# = 1 ]
}

for source in "$ROOT"/fuzz/fuzz_targets/*.rs; do
	name=$(basename "$source" .rs)
	is_wanted "$name" "$@" || continue
	mkdir -p "$ROOT/fuzz/corpus/$name" "$ROOT/fuzz/artifacts/$name"
	code=$(run "$WORK/$name" "$TARGET_DIR/$target/debug/$name" "${options[@]}" -artifact_prefix="$ROOT/fuzz/artifacts/$name/" "$ROOT/fuzz/corpus/$name" "$ROOT/fuzz/seeds/$name")
	if [ "$code" = 0 ]; then
		pass "$name holds for $(sed -n 's/^stat::number_of_executed_units: *//p' "$WORK/$name.err") inputs, covering $(sed -n 's/.* cov: \([0-9]*\) .*/\1/p' "$WORK/$name.err" | tail -n 1) places"
	else
		fail "$name: exit code $code" && show "$WORK/$name"
	fi
done
finish
