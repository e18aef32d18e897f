#!/usr/bin/env bash
# `larder buildkit`: a store goes into a builder's cache mount, a build adds to it, all of it comes out, and goes into another builder.
source "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
prepare

ONLINE=(--network=host)
APP=$WORK/webui
webui "$APP"

# larder_in APP OUTPUT ARGUMENT…: its exit code; what it said is in $WORK/OUTPUT.out and .err.
larder_in() { (cd "$1" && run "$WORK/$2" "$LARDER" "${@:3}"); }

# in_mount FROM COMMAND: runs a shell command in a build that has the mount at /mount and the folder FROM at /from.
in_mount() {
	printf 'FROM %s\nARG NONCE\nRUN --mount=type=bind,from=from,target=/from --mount=type=cache,id=%s,target=/mount %s\n' "$NODE_IMAGE" "$3" "$2" |
		docker buildx build --quiet --build-arg "NONCE=$RANDOM$RANDOM" --build-context "from=$1" --network=none --file - "$WORK/nothing" >"$WORK/in-mount.out" 2>&1
}
mkdir "$WORK/nothing"

equals "exit code of larder fetch" 0 "$(larder_in "$APP" fetch fetch --store "$WORK/store")"
started=$(date +%s%N)
equals "exit code of larder buildkit seed" 0 "$(larder_in "$APP" seed buildkit seed --store "$WORK/store" --id "$MOUNT")"
took=$(seconds_since "$started")
show "$WORK/seed"
sed 's/^/        /' "$WORK/seed.out"
build seeded "$APP" "${ONLINE[@]}" --build-arg BUILD_HASH=one
built "a build on a seeded mount" seeded "install ran, Pyodide ran, Vite ran" "0 requests, 0 twice"

# The same bytes as files, without a look at them.
started=$(date +%s%N)
in_mount "$WORK/store" 'cp -r /from/blobs /from/receipts /mount' "$MOUNT-copied" || fail "a plain copy into a mount"
say "$(du -sm "$WORK/store/blobs" | cut -f 1) MB into an empty mount: larder buildkit seed $took s, a plain copy $(seconds_since "$started") s"

# The build fetches what is new, and the harvest brings it out.
code=$(cd "$APP" && run "$WORK/install" npm install --package-lock-only --loglevel=error codemirror@6.0.1)
equals "exit code of npm install --package-lock-only" 0 "$code"
build changed "$APP" "${ONLINE[@]}" --build-arg BUILD_HASH=one
built "a changed lockfile" changed "install ran, Pyodide ran, Vite ran" "1 requests, 0 twice"
equals "exit code of larder buildkit harvest" 0 "$(larder_in "$APP" harvest buildkit harvest --store "$WORK/harvested" --id "$MOUNT")"
equals "exit code of larder fetch --offline from what was harvested" 0 "$(larder_in "$APP" offline fetch --offline --store "$WORK/harvested")"

# refused WHAT OUTPUT CODE: the command says that the store is damaged, and its errors name the blob.
refused() { equals "$1" "exit code 4; 1 named" "exit code $3; $(grep -c "$blob" "$WORK/$2.err") named"; }

# A byte that changes on the way is refused, in both directions, and named.
flipped=$(find "$WORK/store/blobs" -type f -size +20k | sort | head -n 1)
cp -r "$WORK/store" "$WORK/damaged"
damage() { chmod u+w "$1" && printf 'X' | dd of="$1" bs=1 seek=5000 conv=notrunc status=none; }
damage "$WORK/damaged${flipped#"$WORK/store"}"
blob=$(basename "$(dirname "$flipped")")$(basename "$flipped")
code=$(larder_in "$APP" refused buildkit seed --all --store "$WORK/damaged" --id "$MOUNT-damaged")
refused "a seed with a flipped byte" refused "$code"
in_mount "$WORK/nothing" "chmod u+w /mount/blobs${flipped#"$WORK/store/blobs"} && printf X | dd of=/mount/blobs${flipped#"$WORK/store/blobs"} bs=1 seek=5000 conv=notrunc" "$MOUNT" ||
	fail "the byte in the mount cannot be changed"
code=$(larder_in "$APP" refused buildkit harvest --store "$WORK/clean" --id "$MOUNT")
refused "a harvest with a flipped byte" refused "$code"
equals "the store that it went to, exit code of larder verify" 0 "$(larder_in "$APP" verify verify --store "$WORK/clean")"

if another_engine; then
	equals "exit code of larder buildkit seed into a new builder" 0 "$(larder_in "$APP" seed buildkit seed --store "$WORK/harvested" --id "$MOUNT")"
	build second "$APP" "${ONLINE[@]}" --build-arg BUILD_HASH=one
	built "a new builder, seeded with what was harvested" second "install ran, Pyodide ran, Vite ran" "0 requests, 0 twice"
else
	skip "a new builder: $NO_ENGINE"
fi
finish
