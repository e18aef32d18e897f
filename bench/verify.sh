#!/usr/bin/env bash
# larder verify beside b3sum over the same blobs: the tarballs of the large lockfile. See README.md.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

rounds_of "$@"

B3SUM=$CLIENTS/b3sum/bin/b3sum
if [ ! -x "$B3SUM" ]; then
	say "building b3sum into $CLIENTS"
	cargo install --quiet --locked --root "$CLIENTS/b3sum" --target-dir "$CLIENTS/b3sum-build" b3sum
fi

STORE=$BENCH_DIR/store
"$LARDER" fetch "$ROOT/tests/fixtures/npm/large" --all-platforms --store "$STORE" --quiet
# One b3sum for all files, as fast as it goes: the names fit one command line.
b3sum_all() { find "$2/blobs" -type f -print0 | xargs -0 "$1" --no-names; }
export -f b3sum_all

say "$(find "$STORE/blobs" -type f | wc -l) blobs, $(du -sm "$STORE/blobs" | cut -f 1) MiB"
for ((round = 1; round <= ROUNDS; round++)); do
	clock verify b3sum bash -c 'b3sum_all "$@"' bash "$B3SUM" "$STORE"
	clock verify "larder verify" "$LARDER" verify --store "$STORE"
done
table verify b3sum
