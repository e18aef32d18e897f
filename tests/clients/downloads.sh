# What the tests of recorded downloads share: each client asks its own addresses, and stand-ins answer. Sourced after lib.sh.
#
# All is in a network namespace in which each name leads to a server of this test (downloads/server.mjs). A client runs there as it does without larder; what it asked for
# becomes rows of larder.lock; then it runs with `larder run --offline` in a namespace within, where there is nothing, and has to leave the same files.

source "$ROOT/tests/clients/npm.sh"
source "$ROOT/tests/clients/managers.sh"
source "$ROOT/tests/clients/replay.sh"

DOWNLOADS=$ROOT/tests/clients/downloads
PACKAGES=$CLIENTS/downloads

# install_packages: what downloads, none of it run.
install_packages() {
	local at=$PACKAGES
	! cmp -s "$DOWNLOADS/package.json" "$at/complete" || return 0
	say "installing what downloads into $at"
	mkdir -p "$at" && cp "$DOWNLOADS/package.json" "$at/package.json"
	npm install --silent --ignore-scripts --legacy-peer-deps --prefix "$at" || return 1
	# 500 MB of libraries, which no script looks at.
	rm -rf "$at"/node_modules/onnxruntime-node-*/bin
	cp "$DOWNLOADS/package.json" "$at/complete"
}

# serve_downloads WHAT [NEED]: starts the script anew where the server answers. Before that, sees to the clients that all of these tests run, and to the script's own with NEED;
# without them, skips the whole test.
serve_downloads() {
	[ -n "${REPLAY_SERVED:-}" ] || need_download_clients "${@:2}"
	serve_in_namespace "$1"
	serve_all_names
}

need_download_clients() {
	local major
	need_npm 11 "recorded downloads" || finish
	for major in 20 24; do
		client "node-$major" install_release "$major" || { skip "recorded downloads: node $major cannot be installed here" && finish; }
	done
	client downloads install_packages || { skip "recorded downloads: the packages cannot be installed here" && finish; }
	"$@"
}

# install_python_clients: HTTP libraries of Python's.
install_python_clients() {
	local at=$CLIENTS/python-clients
	[ -e "$at/complete" ] || { python3 -m pip install --quiet --target "$at" httpx requests aiohttp >/dev/null 2>&1 && touch "$at/complete"; }
}

# serve_all_names: each name leads to the server, which runs until the test ends.
serve_all_names() {
	serve_names server.mjs "$PACKAGES" "$CLIENTS/pyodide/v314.0.3/full" 198.51.100.1
	ln -s "$PACKAGES/node_modules" "$WORK/node_modules"
}

# serve_names SCRIPT ARGUMENT…: starts that server, which names lead to, until the test ends. Its authority's certificate is $CA.
serve_names() {
	local at=$WORK/server
	mkdir -p "$at"
	ip link set lo up
	# What is recorded is on no private network: one of the addresses for examples (RFC 5737).
	ip address add 198.51.100.1/32 dev lo
	say 'nameserver 127.0.0.1' >"$WORK/resolv.conf"
	mount --bind "$WORK/resolv.conf" /etc/resolv.conf
	authority ca
	CA=$at/ca.pem
	node "$DOWNLOADS/$1" "$at" "${@:2}" >"$WORK/server.log" 2>&1 &
	SERVER=$!
	trap 'kill "$SERVER" 2>/dev/null; rm -rf "$WORK" "$TREES"' EXIT
	until [ -e "$at/ready" ]; do kill -0 "$SERVER" || { cat "$WORK/server.log" && exit 1; }; sleep 0.05; done
}

# authority NAME: NAME.pem and NAME.key, with which the server's certificates are signed.
authority() {
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj '/CN=larder test authority' -addext basicConstraints=critical,CA:TRUE \
		-addext keyUsage=critical,keyCertSign -keyout "$WORK/server/$1.key" -out "$WORK/server/$1.pem" 2>"$WORK/openssl.log"
}

# Where a client runs, always the same: its project, its user's folder and its temporary one.
PLACE=$WORK/place

# alone_here COMMAND…: in the project, with an environment in which nothing is set that larder has to; where CUT is set, without a network.
alone_here() (
	cd "$PLACE/project"
	${CUT:+cut_network} env -i PATH="$CLIENTS/node-$MAJOR/bin:$CLIENTS/npm-11/bin:$WORK/node_modules/.bin:$PATH" HOME="$PLACE/home" TMPDIR="$PLACE/tmp" LANG=C.UTF-8 \
		PYTHONPATH="$CLIENTS/python-clients" npm_config_update_notifier=false "${SET[@]}" timeout 300 "$@"
)
SET=()

# with_authority COMMAND…: the same, with the server's authority trusted.
with_authority() {
	local SET=("${SET[@]}" NODE_EXTRA_CA_CERTS="$CA" SSL_CERT_FILE="$CA" CURL_CA_BUNDLE="$CA" REQUESTS_CA_BUNDLE="$CA" PIP_CERT="$CA" GIT_SSL_CAINFO="$CA" \
		CARGO_HTTP_CAINFO="$CA" DENO_CERT="$CA" npm_config_cafile="$CA" WGETRC="$WORK/wgetrc")
	say "ca_certificate = $CA" >"$WORK/wgetrc"
	alone_here "$@"
}

# place PREPARE [LOCK]: an empty one with a project in it, which PREPARE fills.
place() {
	rm -rf "$PLACE" && mkdir -p "$PLACE/project" "$PLACE/home" "$PLACE/tmp"
	say '{ "name": "project", "version": "1.0.0", "private": true }' >"$PLACE/project/package.json"
	say '{ "name": "project", "version": "1.0.0", "lockfileVersion": 3, "packages": { "": { "name": "project", "version": "1.0.0" } } }' >"$PLACE/project/package-lock.json"
	(cd "$PLACE/project" && $1)
	[ -z "${2:-}" ] || cp "$2" "$PLACE/project/larder.lock"
}

# copy_package PACKAGE: it is installed in this folder, its scripts not run; what it depends on is above.
copy_package() { mkdir -p "$(dirname "node_modules/$1")" && cp -a "$PACKAGES/node_modules/$1" "node_modules/$1"; }

# stand_in ALGORITHM PATH: the digest of the stand-in at an address with this path.
stand_in() { node "$DOWNLOADS/stand-ins.mjs" - "$PACKAGES" - "$1" "https://host.example$2"; }

# What is no two times the same: logs, what node compiled, and what programs note in their caches of an answer's headers or name by chance; and what is larder's.
LEFT_OUT=('*/_logs' '*/_update-notifier-last-checked' '*/node-compile-cache*' '*/v8-compile-cache*' './home/.cache/pip' './home/.cache/uv' './home/.cache/deno'
	'./home/.cache/ffmpeg-static-nodejs' './home/.cargo/.global-cache' './home/.cargo/registry/index' './home/.cache/larder' './project/larder.lock')

# list_place FILE: all other files of the place, with their modes and contents.
list_place() (
	cd "$PLACE"
	local path left_out=(-false)
	for path in "${LEFT_OUT[@]}"; do left_out+=(-o -path "$path"); done
	{
		find . \( "${left_out[@]}" \) -prune -o -type f -printf '%p %m\n' -o -type l -printf '%p -> %l\n'
		find . \( "${left_out[@]}" \) -prune -o -type f -print0 | xargs -0r sha256sum -b
	} | sort >"$1"
)

# recorded FILE COMMAND…: runs the command online, without larder and recorded, and writes the larder.lock of what it downloaded to FILE. Its exit code.
recorded() {
	local file=$1 code
	shift
	: >"$WORK/server/requests"
	code=$(run "$WORK/online" with_authority "$@")
	list_place "$WORK/online.tree"
	[ "$code" = 0 ] || { say "$code" && return; }
	place "$PREPARE"
	code=$(SET=(SSL_CERT_FILE="$CA"); run "$WORK/online" alone_here "$LARDER" record --yes --store "$WORK/recording" . -- "$@")
	cp "$PLACE/project/larder.lock" "$file" 2>/dev/null || code="$code, and no larder.lock"
	say "$code"
}

# tenths COMMAND…: its output; how long it took, in tenths of a second, is in $WORK/tenths.
tenths() {
	local start=${EPOCHREALTIME/[.,]/}
	"$@"
	say $(((${EPOCHREALTIME/[.,]/} - start) / 100000)) >"$WORK/tenths"
}

# replays WHAT SECONDS PREPARE COMMAND…: the command, recorded and replayed, leaves the same files. Unrecorded, it ends within SECONDS more than that takes, and larder names what it
# asked for.
replays() {
	local what=$1 seconds=$2 PREPARE=$3 code
	shift 3
	place "$PREPARE"
	code=$(recorded "$WORK/larder.lock" "$@")
	[ "$code" = 0 ] || { fail "$what: exit code of the command online: $code" && tail -n 5 "$WORK/online.out" && show "$WORK/online" && return 0; }
	rm -rf "$WORK/store"
	place "$PREPARE" "$WORK/larder.lock"
	code=$(SET=(SSL_CERT_FILE="$CA"); run "$WORK/fetch" alone_here "$LARDER" fetch --store "$WORK/store")
	[ "$code" = 0 ] || { fail "$what: exit code of larder fetch: $code" && show "$WORK/fetch" && return 0; }
	code=$(CUT=yes tenths run "$WORK/offline" alone_here "$LARDER" run --offline --store "$WORK/store" -- "$@")
	list_place "$WORK/offline.tree"
	if [ "$code" != 0 ]; then
		fail "$what: exit code of larder run --offline: $code" && tail -n 5 "$WORK/offline.out" && show "$WORK/offline"
	elif ! cmp -s "$WORK/online.tree" "$WORK/offline.tree"; then
		fail "$what: other files than online"
		diff "$WORK/online.tree" "$WORK/offline.tree" | head -n 10 | sed 's/^/        /' || true
	elif grep -q '^warning: ' "$WORK/offline.err"; then
		fail "$what: warnings" && grep '^warning: ' "$WORK/offline.err" | sed 's/^/        /'
	else
		pass "$what: replayed, $(grep -c '^\[\[' "$WORK/larder.lock") rows, the $(grep -c ' \*' "$WORK/offline.tree") files of the run online"
	fi
	refuses "$what" "$seconds" "$(cat "$WORK/tenths")" "$@"
}

# refuses WHAT SECONDS TENTHS COMMAND…: the second half of `replays`, which took TENTHS.
refuses() {
	local what=$1 seconds=$2 took=$3 code first
	shift 3
	place "$PREPARE" "$DOWNLOADS/unrelated.lock"
	code=$(CUT=yes tenths run "$WORK/refused" alone_here "$LARDER" run --offline --store "$WORK/store" -- "$@")
	took=$(($(cat "$WORK/tenths") - took))
	# Without its query, as larder names addresses.
	first=$(node "$DOWNLOADS/first-asked.mjs" "$WORK/server/requests" | sed 's/?.*//')
	# Its own exit code, or larder's 1 in place of 0; 124 is that of what does not end.
	if [ "$code" != 0 ] && [ "$code" != 124 ] && [ "$took" -le $((seconds * 10)) ] && grep -qF "refused $first: " "$WORK/refused.err"; then
		pass "$what: unrecorded, refused, named: $(grep -c '^warning: refused' "$WORK/refused.err"), tenths of a second more than replayed: $took"
	else
		fail "$what: unrecorded: exit code $code, tenths of a second more than replayed: $took; named $first: $(grep -cF "refused $first: " "$WORK/refused.err" || true) times"
		show "$WORK/refused"
	fi
}
