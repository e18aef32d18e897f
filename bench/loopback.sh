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
