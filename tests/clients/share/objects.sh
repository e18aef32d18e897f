#!/usr/bin/env bash
# `larder push`, `larder pull` and `larder fetch --from` with object stores that others wrote: S3 as moto speaks it, Azure's as azurite does. Google's has no emulator to be had that
# speaks its XML interface.
source "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
source "$ROOT/tests/clients/npm.sh"
source "$ROOT/tests/clients/share.sh"
need node "object stores"

# free_port: one on loopback that nobody has.
free_port() { node -e 'const server = require("net").createServer().listen(0, "127.0.0.1", () => { console.log(server.address().port); server.close() })'; }

install_moto() {
	[ -x "$CLIENTS/moto/bin/moto_server" ] || {
		say "installing moto into $CLIENTS/moto"
		python_node "$CLIENTS/moto" 'moto[server,s3]>=5,<6'
	}
}

SERVERS=()
trap 'kill "${SERVERS[@]}" 2>/dev/null || true; rm -rf "$WORK" "$TREES"' EXIT

# serves PORT COMMAND…: starts a server, and waits until it listens.
serves() {
	local port=$1
	shift
	"$@" >"$WORK/server-$port.out" 2>"$WORK/server-$port.err" &
	SERVERS+=("$!")
	for _ in {1..300}; do
		! (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || return 0
		sleep 0.1
	done
	fail "$1 does not start" && show "$WORK/server-$port" && finish
}

push() { run "$WORK/push" "$LARDER" push "$1" "$2" --store "$STORE" --json "${@:3}"; }

pull() { run "$WORK/pull" from_nowhere "$LARDER" pull "$1" "$2" --store "$WORK/pulled" --json; }

# shares PLACE: all claims for one object store.
shares() {
	local place=$1 code
	equals "$place: exit code of larder push" 0 "$(push "$place" "$PROJECT")" || show "$WORK/push"
	say "        $(pushed sent) blobs, $(($(pushed bytes) >> 20)) MiB in $(pushed seconds) s"
	equals "$place: nothing new: exit code, blobs and bytes sent" "0 0 0 false" "$(push "$place" "$PROJECT") $(pushed sent) $(pushed bytes) $(pushed is_written)"
	say "        in $(pushed seconds) s"
	rm -rf "$WORK/pulled"
	equals "$place: exit code of larder pull into an empty store" 0 "$(pull "$place" "$PROJECT")" || show "$WORK/pull"
	say "        $(tail -n 1 "$WORK/pull.err")"
	equals "$place: artifacts restored" "$(field "$WORK/pull.out" artifacts)" "$(field "$WORK/pull.out" restored)"
	equals "$place: exit code of larder fetch --offline then" 0 "$(run "$WORK/offline" "$LARDER" fetch "$PROJECT" --store "$WORK/pulled" --offline)"
	without 1 "$WORK/one-less"
	equals "$place: one package less: exit code, blobs sent" "0 0 true" "$(push "$place" "$WORK/one-less") $(pushed sent) $(pushed is_written)"
	without 2 "$WORK/two-less"
	rm -rf "$WORK/pulled"
	code=$(run "$WORK/fetch" from_nowhere "$LARDER" fetch --from "$place" "$WORK/two-less" --store "$WORK/pulled")
	equals "$place: a plan that nobody has pushed: exit code of larder fetch --from, without another registry" 0 "$code"
	[ "$code" = 0 ] || show "$WORK/fetch"
	rm -rf "$WORK/pulled" "$WORK/one-less" "$WORK/two-less"
}

PROJECT=$(project_of v2)
fill_store v2 || finish

if alone moto install_moto; then
	port=$(free_port)
	serves "$port" "$CLIENTS/moto/bin/moto_server" -H 127.0.0.1 -p "$port"
	node -e 'fetch(process.argv[1], { method: "PUT" }).then((answer) => process.exit(answer.ok ? 0 : 1))' "http://127.0.0.1:$port/bucket"
	export AWS_ENDPOINT_URL=http://127.0.0.1:$port AWS_ACCESS_KEY_ID=somebody AWS_SECRET_ACCESS_KEY=secret
	shares s3://bucket/larder
else
	skip "S3: moto cannot be installed"
fi

if alone azurite install_manager azurite azurite@3 azurite-blob; then
	port=$(free_port)
	mkdir "$WORK/azurite"
	export AZURE_STORAGE_ACCOUNT_NAME=larder AZURE_STORAGE_ENDPOINT=http://127.0.0.1:$port/larder
	AZURE_STORAGE_ACCOUNT_KEY=$(printf 'a key of these tests alone' | base64)
	export AZURE_STORAGE_ACCOUNT_KEY AZURITE_ACCOUNTS=$AZURE_STORAGE_ACCOUNT_NAME:$AZURE_STORAGE_ACCOUNT_KEY
	serves "$port" "$CLIENTS/azurite/bin/azurite-blob" --silent --disableTelemetry --skipApiVersionCheck --location "$WORK/azurite" --blobPort "$port"
	node "$ROOT/tests/clients/share/container.mjs" "$AZURE_STORAGE_ENDPOINT" "$AZURE_STORAGE_ACCOUNT_NAME" "$AZURE_STORAGE_ACCOUNT_KEY" box
	shares az://box/larder
else
	skip "Azure: azurite cannot be installed"
fi
finish
