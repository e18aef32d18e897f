#!/usr/bin/env bash
# A cache mount filled from the host, emptied to the host, and carried to another builder: `larder buildkit seed` and `harvest`.
source "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
prepare

APP=$WORK/webui
webui "$APP"
STORE=$WORK/store
export npm_config_registry=$REGISTRY/npm/

# carry NAME ARGUMENT…: larder buildkit on the test's mount; leaves its document in $WORK/NAME.out, its exit code in CODE and the seconds in TOOK.
carry() {
	local name=$1 job=$2 started
	shift 2
	started=$(date +%s%N)
	CODE=$(run "$WORK/$name" "$LARDER" --json buildkit "$job" --id "$MOUNT" "$@")
	TOOK=$(seconds_since "$started")
	[ -s "$WORK/$name.out" ] || show "$WORK/$name"
}

# carried NAME: `75 = 70 there + 5 carried + 0 refused, 123 B`, as its document has it.
carried() {
	node -e '
const [file] = process.argv.slice(1), d = JSON.parse(fs.readFileSync(file, "utf8"));
console.log(`${d.blobs} = ${d.already_there ?? d.already_here} there + ${d.carried ?? d.brought} carried + ${d.refused.length} refused`);' "$WORK/$1.out"
}
bytes_of() { node -p 'JSON.parse(fs.readFileSync(process.argv[1], "utf8")).bytes' "$WORK/$1.out"; }

# in_mount OPTIONS SCRIPT: what a script prints in a build that has the mount of these options at /m.
in_mount() {
	rm -rf "$WORK/look" && mkdir "$WORK/look"
	printf 'FROM %s\nARG NONCE\nRUN --network=none --mount=type=cache,%s,target=/m { %s; } >/said\nFROM scratch\nCOPY --from=0 /said /\n' "$NODE_IMAGE" "$1" "$2" >"$WORK/look/Dockerfile"
	docker buildx build --quiet --build-arg "NONCE=$(date +%s%N)" --output "type=local,dest=$WORK/look/out" "$WORK/look" >/dev/null 2>"$WORK/look.err" ||
		show "$WORK/look"
	cat "$WORK/look/out/said"
}
count_blobs='find /m/blobs -type f 2>/dev/null | wc -l'

# Into an empty mount; the store fetches first.
from=$(wc -l <"$REQUEST_LOG")
carry first seed --store "$STORE" "$APP"
files=$(requests_since "$from" | wc -l)
equals "seed of an empty mount, exit code" 0 "$CODE"
equals "seed of an empty mount" "$files = 0 there + $files carried + 0 refused" "$(carried first)"
equals "seed of an empty mount, blobs that a build sees in it" "$files" "$(in_mount "id=$MOUNT" "$count_blobs")"

build seeded "$APP" --network=none --build-arg BUILD_HASH=one
built "a build on a seeded mount, without a network" seeded "install ran, Pyodide ran, Vite ran" "0 requests, 0 twice"

carry again seed --store "$STORE" "$APP"
equals "a second seed" "$files = $files there + 0 carried + 0 refused" "$(carried again)"
say "        $(bytes_of first) bytes: filled with the fetch in $(node -p 'JSON.parse(fs.readFileSync(process.argv[1], "utf8")).seconds.toFixed(1)' "$WORK/first.out") s; nothing to do in $TOOK s"

# Out of it, into a store that has nothing, and one that has everything.
carry out harvest --store "$WORK/harvested"
equals "harvest into an empty store" "$files = 0 there + $files carried + 0 refused" "$(carried out)"
say "        $(bytes_of out) bytes out in $TOOK s"
carry out-again harvest --store "$WORK/harvested"
equals "a second harvest" "$files = $files there + 0 carried + 0 refused" "$(carried out-again)"
equals "what was harvested, read again" 0 "$(run "$WORK/verify" "$LARDER" verify --store "$WORK/harvested")"

# What the second builder will get: what came out of the first.
cp -r "$WORK/harvested" "$WORK/on-the-way"

# Damage on the way: of the store's blobs the largest, so that it is one of the archives.
blob=$(find "$WORK/harvested/blobs" -type f -size +100k | sort | head -n 1)
id=$(basename "$(dirname "$blob")")$(basename "$blob")
chmod u+w "$blob"
printf '\377\377' | dd of="$blob" bs=1 seek=5000 conv=notrunc status=none
MOUNT=$MOUNT-damaged carry damaged seed --store "$WORK/harvested" --all
equals "a flipped byte on the way, exit code" 4 "$CODE"
equals "a flipped byte on the way" "$files = 0 there + $((files - 1)) carried + 1 refused" "$(carried damaged)"
equals "a flipped byte on the way, who is named" 1 "$(grep -c "blob $id is refused" "$WORK/damaged.err")"
equals "a flipped byte on the way, the blob in the mount" 0 "$(in_mount "id=$MOUNT-damaged" "find /m/blobs/${id:0:2} -name ${id:2} | wc -l")"
rm -rf "$WORK/harvested"

# The trap: with uid=, gid= or mode= it is another mount; with the same three it is found.
OWNER=$MOUNT-owner
MOUNT=$OWNER carry owner seed --store "$STORE" "$APP"
equals "a mount with uid=, seeded without --uid: blobs in it" 0 "$(in_mount "id=$OWNER,uid=1000,gid=1000" "$count_blobs")"
MOUNT=$OWNER carry owner seed --store "$STORE" "$APP" --uid 1000 --gid 1000
equals "a mount with uid=, seeded with --uid" "$files = 0 there + $files carried + 0 refused" "$(carried owner)"
equals "a mount with uid=, seeded with --uid: blobs in it, and those that are not its user's" "$files 0" \
	"$(in_mount "id=$OWNER,uid=1000,gid=1000" "$count_blobs; find /m ! -user 1000 | wc -l" | tr '\n' ' ' | sed 's/ $//')"
MOUNT=$OWNER carry owner seed --store "$STORE" "$APP" --uid 1000 --gid 1000
equals "a mount with uid=, seeded again" "$files = $files there + 0 carried + 0 refused" "$(carried owner)"

# Beside a plain copy of the same bytes: the store as a context, `cp -r` into a mount, and nothing compared.
printf 'FROM %s\nRUN --network=none --mount=type=bind,from=copied,target=/s --mount=type=cache,id=%s,target=/m cp -r /s/blobs /s/receipts /m\n' "$NODE_IMAGE" "$MOUNT-copied" >"$WORK/look/Dockerfile"
mkdir -p "$WORK/copied" "$WORK/none"
cp -rl "$STORE/blobs" "$STORE/receipts" "$WORK/copied"
started=$(date +%s%N)
docker buildx build --quiet --build-context "copied=$WORK/copied" --file "$WORK/look/Dockerfile" "$WORK/none" >/dev/null 2>"$WORK/copy.err" || show "$WORK/copy"
copied=$(seconds_since "$started")
MOUNT=$MOUNT-timed carry timed seed --store "$STORE" "$APP"
say "        $files blobs, $(bytes_of timed) bytes into an empty mount: seed $TOOK s, every byte compared; a plain copy $copied s"

# To a builder that has nothing.
if ! install_engine || ! (PATH=$ENGINE_ROOT/usr/bin:$ENGINE_ROOT/usr/sbin:$PATH && command -v dockerd >/dev/null); then
	skip "a second builder: $NO_ENGINE"
	finish
fi
PATH=$ENGINE_ROOT/usr/bin:$ENGINE_ROOT/usr/sbin:$PATH
docker save "$NODE_IMAGE" "$PYTHON_IMAGE" "$LARDER_IMAGE" -o "$WORK/images.tar"
start_engine "$WORK/second" || { skip "a second builder: $NO_ENGINE" && finish; }
docker load -qi "$WORK/images.tar" >/dev/null
rm "$WORK/images.tar"
carry second seed --store "$WORK/on-the-way" --offline "$APP"
equals "seed of a second builder with what came out of the first" "$files = 0 there + $files carried + 0 refused" "$(carried second)"
build second "$APP" --network=none --build-arg BUILD_HASH=two
built "a build on a second builder, seeded, without a network" second "install ran, Pyodide ran, Vite ran" "0 requests, 0 twice"
finish
