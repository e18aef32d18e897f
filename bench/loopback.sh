# A registry on loopback: nginx with HTTP/2 and TLS over a folder of tarballs, certified by an authority made for the run. Sourced after lib.sh.

# loopback_start FOLDER: serves it; sets LOOPBACK (the address) and LOOPBACK_CA (the authority's certificate).
loopback_start() {
	local at=$WORK/loopback
	command -v nginx >/dev/null || [ -x /usr/sbin/nginx ] || debian nginx-light || return 1
	mkdir -p "$at"
	LOOPBACK_CA=$at/ca.pem
	certify "$at" >"$at/openssl.log" 2>&1
	LOOPBACK_PORT=$(node -e 'const s = net.createServer().listen(0, "127.0.0.1", () => { console.log(s.address().port); s.close(); })')
	LOOPBACK=https://127.0.0.1:$LOOPBACK_PORT/
	nginx_config "$at" "$1" >"$at/nginx.conf"
	PATH=$PATH:/usr/sbin nginx -c "$at/nginx.conf" -e "$at/error.log"
	trap 'loopback_stop; rm -rf "$WORK"' EXIT
}

loopback_stop() {
	local pid
	pid=$(cat "$WORK/loopback/nginx.pid" 2>/dev/null) || return 0
	kill "$pid"
}

certify() {
	openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj '/CN=larder bench authority' \
		-addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign -keyout "$1/ca.key" -out "$1/ca.pem"
	openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj '/CN=127.0.0.1' -keyout "$1/server.key" -out "$1/server.csr"
	printf 'subjectAltName=IP:127.0.0.1\nextendedKeyUsage=serverAuth\n' >"$1/server.ext"
	openssl x509 -req -in "$1/server.csr" -CA "$1/ca.pem" -CAkey "$1/ca.key" -CAcreateserial -days 2 -extfile "$1/server.ext" -out "$1/server.pem"
}

nginx_config() {
	cat <<-CONFIG
		user $(id -un);
		worker_processes 2;
		pid $1/nginx.pid;
		error_log $1/error.log;
		events { worker_connections 2048; }
		http {
			access_log off;
			sendfile on;
			default_type application/octet-stream;
			client_body_temp_path $1/body; proxy_temp_path $1/proxy; fastcgi_temp_path $1/fastcgi; uwsgi_temp_path $1/uwsgi; scgi_temp_path $1/scgi;
			keepalive_requests 1000000;
			open_file_cache max=4000;
			server {
				listen 127.0.0.1:$LOOPBACK_PORT ssl http2;
				ssl_certificate $1/server.pem;
				ssl_certificate_key $1/server.key;
				root $2;
			}
		}
	CONFIG
}

# loopback_fill: the tarballs of $FIXTURE from the registry $REAL, once, checked: what loopback serves, $BENCH_DIR/www.
loopback_fill() {
	local www=$BENCH_DIR/www
	node "$ROOT/bench/downloads.mjs" "$FIXTURE/package-lock.json" "$REAL" "$www" tree "$WORK/www.curl" "$WORK/www.sums"
	[ -e "$BENCH_DIR/www.complete" ] && return
	say "downloading the tarballs for loopback"
	curl_all "$WORK/www.curl"
	sha512_all "$WORK/www.sums"
	touch "$BENCH_DIR/www.complete"
}

curl_all() { curl --no-progress-meter --fail --fail-early --http2 --location --parallel --parallel-max 50 --create-dirs --config "$1"; }
# Two openssl at once, half of the files each; the digests must be those of the lockfile, in its order.
sha512_all() {
	local half
	local -a running=()
	split -n l/2 "$1" "$1.half."
	for half in "$1".half.*; do
		cut -d '*' -f 2- "$half" | tr '\n' '\0' | xargs -0 openssl dgst -sha512 -r | cmp - "$half" &
		running+=($!)
	done
	for half in "${running[@]}"; do wait "$half" || return 1; done
}
export -f curl_all sha512_all
