# Where bench/share.sh restores from besides the web: object stores (one in node, and moto from the Python index), a container registry (Debian's docker-registry) and npm's own
# cache. Sourced after loopback.sh. What is missing is left out and named.

# start_s3: sets BUCKET_PORT and MOTO_PORT. MOTO names another moto_server than the one of target/clients/moto.
start_s3() {
	export AWS_ACCESS_KEY_ID=bench AWS_SECRET_ACCESS_KEY=bench AWS_REGION=us-east-1
	BUCKET_PORT=$(free_port)
	start node "$ROOT/bench/bucket.mjs" "$BUCKET_PORT"
	listens "$BUCKET_PORT"
	local moto=${MOTO:-$CLIENTS/moto/bin/moto_server}
	[ -x "$moto" ] || install_moto || { say "left out: moto, since it is missing and cannot be installed" && return 0; }
	MOTO_PORT=$(free_port)
	start "$moto" -H 127.0.0.1 -p "$MOTO_PORT"
	listens "$MOTO_PORT"
	curl -fsS -X PUT "http://127.0.0.1:$MOTO_PORT/larder" >/dev/null
}
install_moto() {
	say "installing moto into $CLIENTS/moto"
	python3 -m venv "$CLIENTS/moto" && "$CLIENTS/moto/bin/pip" install --quiet --disable-pip-version-check 'moto[server,s3]'
}
prepare_s3() {
	local port
	for port in "$BUCKET_PORT" ${MOTO_PORT:-}; do
		AWS_ENDPOINT_URL=http://127.0.0.1:$port "$LARDER" push s3://larder/shared "$WORK/direct" --store "$FULL" --offline --quiet
	done
}

# start_oci: sets OCI_PORT.
start_oci() {
	debian_has docker-registry || { say "left out: oci, since docker-registry is missing and cannot be installed" && return 0; }
	OCI_PORT=$(free_port)
	mkdir -p "$WORK/oci"
	printf 'version: 0.1\nlog:\n  level: error\nstorage:\n  filesystem:\n    rootdirectory: %s\nhttp:\n  addr: 127.0.0.1:%s\n' "$WORK/oci" "$OCI_PORT" >"$WORK/oci.yml"
	start docker-registry serve "$WORK/oci.yml"
	listens "$OCI_PORT"
}
# An image has a larder in it, which has to be static: STATIC names one, where LARDER is none.
prepare_oci() {
	[ -n "${OCI_PORT:-}" ] || return 0
	"$LARDER" push "oci://127.0.0.1:$OCI_PORT/larder:{plan}" "$WORK/direct" ${STATIC:+--binary="$STATIC"} --store "$FULL" --offline --quiet 2>"$WORK/oci.err" ||
		{ say "left out: oci, since this larder cannot push there: $(head -n 1 "$WORK/oci.err")" && OCI_PORT=; }
}

# prepare_npm FILES: npm's own cache, as one `npm ci` fills it.
prepare_npm() {
	NPM_CACHE=$WORK/npm-cache
	mkdir "$WORK/npm"
	cp "$WORK/direct"/* "$WORK/direct/.npmrc" "$WORK/npm/"
	if ! (cd "$WORK/npm" && npm_config_cache=$NPM_CACHE npm ci --ignore-scripts --loglevel=error >"$WORK/npm.log" 2>&1); then
		say "left out: npm's cache, since npm ci fails: $(head -n 3 "$WORK/npm.log" | tr '\n' ' ')" && NPM_CACHE=
		return 0
	fi
	tar -C "$NPM_CACHE" -cf - _cacache | pack >"$1/npm.tar"
	discard "$WORK/npm"
}
