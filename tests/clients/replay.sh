# What the tests of replayed addresses share: a network namespace in which some hosts' names lead to one server. Sourced after lib.sh, npm.sh and managers.sh.

# serve_in_namespace WHAT MANAGER…: starts the script anew in a namespace with nothing but loopback. Managers are installed before, since nothing can be there.
serve_in_namespace() {
	local -a enter=(unshare -nm)
	local manager
	[ -z "${REPLAY_SERVED:-}" ] || return 0
	need node "$1"
	need openssl "$1"
	need_cut_network "$1"
	for manager in "${@:2}"; do need_manager "$manager"; done
	[ "$(id -u)" = 0 ] || enter=(unshare -rnm)
	rm -rf "$WORK"
	REPLAY_SERVED=yes exec "${enter[@]}" bash "$0"
}

SERVED=$WORK/served
mkdir -p "$SERVED"

# package NAME FILE [SCRIPT]: a tarball FILE-1.0.0.tgz; SCRIPT is a program that runs when it is installed.
package() {
	mkdir -p "$WORK/new/package"
	say "module.exports = '$1';" >"$WORK/new/package/index.js"
	[ -z "${3:-}" ] || cp "$3" "$WORK/new/package/install.js"
	node -e 'const [name, script] = process.argv.slice(1);
		console.log(JSON.stringify({ name, version: "1.0.0", ...(script && { scripts: { install: "node install.js" } }) }))' -- "$1" "${3:-}" >"$WORK/new/package/package.json"
	tar -C "$WORK/new" --sort=name --mtime=@0 -czf "$SERVED/$2-1.0.0.tgz" package
	rm -rf "$WORK/new"
}

# prepare_hosts HOST…: their names lead to the server, which has a certificate of an authority of its own.
prepare_hosts() {
	ip link set lo up
	printf '127.0.0.1 localhost %s\n' "$*" >"$WORK/hosts"
	mount --bind "$WORK/hosts" /etc/hosts
	certify "$@" >"$WORK/openssl.log" 2>&1
	trap '[ -z "${SERVER:-}" ] || kill "$SERVER" 2>/dev/null; rm -rf "$WORK" "${TREES:-$WORK}"' EXIT
}

certify() (
	cd "$WORK"
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj '/CN=larder test authority' \
		-addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign -keyout ca.key -out ca.pem
	openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj "/CN=$1" -keyout "$SERVED/server.key" -out server.csr
	printf 'subjectAltName=%s\n' "$(printf 'DNS:%s,' "$@" | sed 's/,$//')" >server.ext
	openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile server.ext -out "$SERVED/server.pem"
)

start_server() {
	rm -f "$WORK/ready"
	node "$ROOT/tests/clients/replay/server.mjs" "$SERVED" "$WORK/ready" >"$WORK/server.log" 2>&1 &
	SERVER=$!
	until [ -e "$WORK/ready" ]; do sleep 0.05; done
}
stop_server() {
	kill "$SERVER"
	wait "$SERVER" 2>/dev/null || true
	SERVER=
}

# as_stranger COMMAND…: as a user who has nothing but the authority of these servers.
as_stranger() (
	rm -rf "$WORK/home" && mkdir -p "$WORK/home"
	export HOME=$WORK/home WATCHED=$WORK/watched npm_config_globalconfig=$WORK/home/none npm_config_userconfig=$WORK/home/.npmrc
	export NODE_EXTRA_CA_CERTS=$WORK/ca.pem npm_config_cafile=$WORK/ca.pem SSL_CERT_FILE=$WORK/ca.pem CURL_CA_BUNDLE=$WORK/ca.pem
	export npm_config_cache=$WORK/home/npm-cache YARN_CACHE_FOLDER=$WORK/home/yarn YARN_ENABLE_GLOBAL_CACHE=false
	unset npm_config_registry npm_config_replace_registry_host
	rm -rf "$WATCHED"
	as_new_user "$@"
)
