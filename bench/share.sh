#!/usr/bin/env bash
# A runner with a fresh store: each way to fill it, beside plain `larder fetch`, over a line of one speed; or, with `archive`, export and import beside tar. See README.md.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
source "$ROOT/bench/loopback.sh"
source "$ROOT/bench/places.sh"

MODE=ways RATE=50 ROUND_TRIP=20 SIZE=500 ONLY=.
FIXTURE=$ROOT/tests/fixtures/npm/large
[ "${1:-}" != archive ] || { MODE=archive && shift; }
while [ $# -gt 0 ]; do
	case $1 in
	--rounds) ROUNDS=$2 ;;
	--project) FIXTURE=$2 ;;
	--rate) RATE=$2 ;;
	--round-trip) ROUND_TRIP=$2 ;;
	--size) SIZE=$2 ;;
	--ways) ONLY=$2 ;;
	*)
		say "usage: bench/share.sh [--rounds N] [--project FOLDER] [--rate MB/S] [--round-trip MS] [--ways PATTERN]" >&2
		say "       bench/share.sh archive [--rounds N] [--size MB]" >&2
		exit 2
		;;
	esac
	shift 2
done
# The projects' .npmrc says `always`: the lockfile names no host that is there.
unset npm_config_replace_registry_host
SERVERS=()
trap 'stop_servers; loopback_stop; rm -rf "$WORK" "$BENCH_DIR/www/.share"' EXIT
trap 'exit 130' INT TERM

# start COMMAND…: a server that runs until the end.
start() {
	"$@" >>"$WORK/servers.log" 2>&1 </dev/null &
	SERVERS+=($!)
}
stop_servers() {
	local pid
	for pid in "${SERVERS[@]}"; do kill "$pid" 2>/dev/null || true; done
}
free_port() { node -e 'const s = net.createServer().listen(0, "127.0.0.1", () => { console.log(s.address().port); s.close(); })'; }
# listens PORT: waits until somebody does.
listens() {
	local tries
	for ((tries = 0; tries < 300; tries++)); do
		! (: >"/dev/tcp/127.0.0.1/$1") 2>/dev/null || return 0
		sleep 0.1
	done
	say "nothing listens: $(tail -n 3 "$WORK/servers.log")" && return 1
}

# way LABEL COMMAND…: a row of the table, and a line of what was run. The command is one that the shell reads, and finds a fresh store in $STORE.
RUNS=()
way() {
	local label=$1 line
	grep -qE -- "$ONLY" <<<"$label" || return 0
	line="$label: ${2//$WORK\//}"
	[[ " ${RUNS[*]} " == *" $line "* ]] || RUNS+=("$line")
	discard "$STORE"
	clock "$GROUP" "$label" bash -o pipefail -c "$2"
}
# complete LABEL: that way's store has all that is wanted, without a request. Not of a way that makes no store.
complete() {
	grep -qE -- "$ONLY" <<<"$1" || return 0
	"$LARDER" fetch "$WORK/direct" --store "$STORE" --offline --quiet ${2:-} || fail "$1: the store is not complete"
}
print_runs() {
	printf '\nWhat was run, %s each, in %s:\n\n' "$ROUNDS rounds" "$("$LARDER" --version | head -n 1)"
	printf '    %s\n' "${RUNS[@]}"
}

# The line, and the same project behind it and before it.
prepare_line() {
	local -a targets=("$LOOPBACK_PORT" "$BUCKET_PORT" "${MOTO_PORT:-1}" "${OCI_PORT:-1}")
	start node "$ROOT/bench/slow.mjs" "$WORK/ports" "$RATE" "$ROUND_TRIP" "${targets[@]}"
	until [ -s "$WORK/ports" ]; do kill -0 "${SERVERS[-1]}"; sleep 0.05; done
	{ read -r SLOW_WEB && read -r SLOW_BUCKET && read -r SLOW_MOTO && read -r SLOW_OCI; } <"$WORK/ports"
	client_project direct "$LOOPBACK_PORT"
	client_project slow "$SLOW_WEB"
	CURL="curl -fsS --cacert $LOOPBACK_CA https://127.0.0.1:$SLOW_WEB/.share"
}
client_project() {
	mkdir -p "$WORK/$1"
	cp "$FIXTURE"/package{,-lock}.json "$WORK/$1/"
	printf 'registry=https://127.0.0.1:%s/\nreplace-registry-host=always\ncafile=%s\n' "$2" "$LOOPBACK_CA" >"$WORK/$1/.npmrc"
}

# What each way restores: made once, without the line.
prepare_files() {
	local files=$WORK/files
	mkdir -p "$files"
	ln -sfn "$files" "$BENCH_DIR/www/.share"
	FULL=$WORK/full
	"$LARDER" fetch "$WORK/direct" --store "$FULL" --quiet
	"$LARDER" export "$files/archive.tar" "$WORK/direct" --store "$FULL" --offline --quiet
	# As CI systems pack a folder.
	PACK=zstd UNPACK='zstd -dqc'
	command -v zstd >/dev/null || { PACK=cat && UNPACK=cat && say "left out: zstd, since it is missing: folders are packed by tar alone"; }
	tar -C "$FULL" -cf - . | pack >"$files/store.tar"
	tar -C "$files" -cf - archive.tar | pack >"$files/packed.tar"
	"$LARDER" push "file://$WORK/shared" "$WORK/direct" --store "$FULL" --offline --quiet
	prepare_npm "$files"
	prepare_s3
	prepare_oci
	say "larder's archive: $(size "$files/archive.tar"), packed: $(size "$files/packed.tar"); the store's folder, packed: $(size "$files/store.tar")"
}
pack() { if [ "$PACK" = zstd ]; then zstd -q -T0 -c; else cat; fi; }
human() { awk '{ printf "%.1f MB", $1 / 1e6 }'; }
size() { wc -c <"$1" | human; }

ways() {
	local s3="AWS_ENDPOINT_URL=http://127.0.0.1:"
	way "larder fetch" "\"$LARDER\" fetch '$WORK/slow' --store '$STORE'"
	complete "larder fetch"
	way "an archive: curl, larder import" "$CURL/archive.tar | \"$LARDER\" import - --store '$STORE'"
	complete "an archive: curl, larder import"
	way "the store's folder: curl, tar" "mkdir '$STORE' && $CURL/store.tar | $UNPACK | tar -C '$STORE' -xf -"
	complete "the store's folder: curl, tar"
	# What action.yml does: the cache is unpacked to a file before larder gets it.
	way "an archive in a CI's cache: curl, tar, larder import" "mkdir '$STORE.cache' && $CURL/packed.tar | $UNPACK | tar -C '$STORE.cache' -xf - && \"$LARDER\" import '$STORE.cache/archive.tar' --store '$STORE'"
	complete "an archive in a CI's cache: curl, tar, larder import"
	discard "$STORE.cache"
	if [ -n "${NPM_CACHE:-}" ]; then
		way "npm's cache: curl, tar" "mkdir '$STORE' && $CURL/npm.tar | $UNPACK | tar -C '$STORE' -xf -"
	fi
	way "larder pull s3://" "$s3$SLOW_BUCKET \"$LARDER\" pull s3://larder/shared '$WORK/slow' --store '$STORE'"
	complete "larder pull s3://"
	if [ -n "${MOTO_PORT:-}" ]; then
		way "larder pull s3://, moto" "$s3$SLOW_MOTO \"$LARDER\" pull s3://larder/shared '$WORK/slow' --store '$STORE'"
		complete "larder pull s3://, moto"
		way "larder pull s3://, moto without the line" "$s3$MOTO_PORT \"$LARDER\" pull s3://larder/shared '$WORK/slow' --store '$STORE'"
	fi
	if [ -n "${OCI_PORT:-}" ]; then
		way "larder pull oci://" "\"$LARDER\" pull 'oci://127.0.0.1:$SLOW_OCI/larder:{plan}' '$WORK/slow' --store '$STORE'"
		complete "larder pull oci://"
		way "larder pull oci://, without the line" "\"$LARDER\" pull 'oci://127.0.0.1:$OCI_PORT/larder:{plan}' '$WORK/slow' --store '$STORE'"
	fi
	way "larder pull file://, a disk" "\"$LARDER\" pull 'file://$WORK/shared' '$WORK/slow' --store '$STORE'"
	complete "larder pull file://, a disk"
	way "larder fetch --over, a disk" "\"$LARDER\" fetch '$WORK/slow' --over '$FULL' --store '$STORE'"
	complete "larder fetch --over, a disk" "--over=$FULL"
	discard "$STORE"
}

bench_ways() {
	local round
	REAL=$(npm config get registry --loglevel=error)
	loopback_fill
	loopback_start "$BENCH_DIR/www" || { say "nginx is missing, and cannot be installed" && exit 1; }
	trap 'stop_servers; loopback_stop; rm -rf "$WORK" "$BENCH_DIR/www/.share"' EXIT
	start_s3
	start_oci
	prepare_line
	prepare_files
	GROUP="a fresh store, $RATE MB/s, $ROUND_TRIP ms" STORE=$WORK/store
	for ((round = 1; round <= ROUNDS; round++)); do
		say "round $round of $ROUNDS"
		ways
		end_round "$(which_round "$round")"
	done
	table "$GROUP" "larder fetch"
}

# export and import, tar and tar, of the same bytes: SIZE packages of 1 MB.
bench_archive() {
	local round
	start node "$ROOT/bench/synthetic.mjs" serve "$WORK/port" 1000000
	until [ -s "$WORK/port" ]; do kill -0 "${SERVERS[-1]}"; sleep 0.05; done
	node "$ROOT/bench/synthetic.mjs" project "$SIZE" "$WORK/direct" 1000000
	printf 'registry=http://127.0.0.1:%s/\nreplace-registry-host=always\n' "$(cat "$WORK/port")" >"$WORK/direct/.npmrc"
	FULL=$WORK/full
	"$LARDER" fetch "$WORK/direct" --store "$FULL" --quiet
	GROUP="an archive of $SIZE MB" STORE=$WORK/store
	local export="\"$LARDER\" export - '$WORK/direct' --store '$FULL' --offline"
	for ((round = 1; round <= ROUNDS; round++)); do
		say "round $round of $ROUNDS"
		way "tar, tar" "mkdir '$STORE' && tar -C '$FULL' -cf - . | tar -C '$STORE' -xf -"
		# larder ends when what it wrote would survive a power loss.
		way "tar, tar, sync" "mkdir '$STORE' && tar -C '$FULL' -cf - . | tar -C '$STORE' -xf - && sync -f '$STORE'"
		way "larder export, larder import" "$export | \"$LARDER\" import - --store '$STORE'"
		complete "larder export, larder import"
		way "of that, larder export alone" "$export | cat >/dev/null"
		"$LARDER" export "$WORK/archive.tar" "$WORK/direct" --store "$FULL" --offline --quiet
		way "of that, larder import of a file" "\"$LARDER\" import '$WORK/archive.tar' --store '$STORE'"
		discard "$STORE" "$WORK/archive.tar"
		end_round "$(which_round "$round")"
	done
	table "$GROUP" "tar, tar"
}

"bench_$MODE"
print_runs
finish
