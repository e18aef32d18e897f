#!/usr/bin/env bash
# The static binary in three root folders. Empty: no libraries, no /etc, no /proc, no /dev, no home; it says what it lacks, finds names, and downloads. With musl alone, as Alpine
# has it, and with glibc alone, as Debian: it starts from a program of that C library and starts one.
source "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
PATH=$PATH:/usr/sbin:/sbin
need node "static binary"
need npm "static binary"
need chroot "static binary"
[ "$(id -u)" = 0 ] || { skip "static binary: only root may change the root folder" && finish; }
[ "$(uname -s)" = Linux ] || { skip "static binary: for Linux alone" && finish; }
STATIC=${STATIC:-$("$ROOT/docker/static.sh" 2>"$WORK/build")} || { fail "larder cannot be built as a static binary" && tail -n 15 "$WORK/build" && finish; }

root=$WORK/root
mkdir -p "$root/bin" "$root/app"
cp "$STATIC" "$root/bin/larder"

# alone VARIABLE=VALUE… ARGUMENT…: larder in the empty root, with these variables and no others.
alone() { env -i "${variables[@]}" "$(command -v chroot)" "$root" /bin/larder "$@"; }
variables=()

# A server on loopback with one tarball, whatever is asked for.
head -c 5000 /dev/urandom >"$WORK/tarball"
integrity=$(node -p '"sha512-" + crypto.createHash("sha512").update(fs.readFileSync(process.argv[1])).digest("base64")' "$WORK/tarball")
cat >"$root/app/package-lock.json" <<EOF
{"name": "app", "lockfileVersion": 3, "packages": {"": {"name": "app"},
 "node_modules/thing": {"version": "1.0.0", "resolved": "https://registry.example/thing/-/thing-1.0.0.tgz", "integrity": "$integrity"}}}
EOF
node -e 'const body = fs.readFileSync(process.argv[1]);
	const server = require("http").createServer((_, answer) => answer.end(body)).listen(0, "127.0.0.1", () => fs.writeFileSync(process.argv[2], `${server.address().port}`));
	setTimeout(() => process.exit(), 120000)' "$WORK/tarball" "$WORK/port" &
server=$!
trap 'kill $server 2>/dev/null; rm -rf "$WORK"' EXIT
for _ in $(seq 100); do [ -s "$WORK/port" ] || sleep 0.1; done
port=$(cat "$WORK/port")

equals "exit code without a home" 4 "$(run "$WORK/home" alone fetch /app)"
equals "what it says without a home" "error: there is no place for the store" "$(head -n 1 "$WORK/home.err")"

# fetched WHAT HOST: whether the tarball comes from that host.
fetched() {
	variables=("npm_config_registry=http://$2:$port/" npm_config_replace_registry_host=registry.example npm_config_fetch_retries=0)
	rm -rf "$root/store"
	equals "exit code of a fetch from $1" "$3" "$(run "$WORK/fetch" alone --store /store fetch /app)"
	[ "$3" = 0 ] || return 0
	equals "blobs from $1" 1 "$(find "$root/store/blobs" -type f | wc -l)"
}
fetched "localhost, without /etc" localhost 0
fetched "a name, without /etc" mirror.example 3
if grep -q 'no name server' "$WORK/fetch.err"; then pass "it says that it knows no name server"; else fail "it does not say why" && show "$WORK/fetch"; fi
mkdir "$root/etc"
say "127.0.0.1 mirror.example" >"$root/etc/hosts"
fetched "a name of /etc/hosts" mirror.example 0
say "root:x:0:0::/home/of/root:/bin/sh" >"$root/etc/passwd"
variables=()
equals "exit code with a home that /etc/passwd names" 0 "$(run "$WORK/passwd" alone status)"
equals "the store of that home" "/home/of/root/.cache/larder: there is no store yet; \`larder fetch\` creates it" "$(cat "$WORK/passwd.out")"

# libraries_of ROOT: the files of the C library that are in it.
libraries_of() { find "$1" -name '*.so*' -printf '%f\n' | sort | xargs; }

# in_root NAME LIBRARIES COMPILER…: a root folder with one program, what that is linked to, and larder.
in_root() {
	local name=$1 at=$WORK/$1 libraries=$2 library
	shift 2
	mkdir -p "$at"/{bin,etc,tmp}
	"$@" -o "$at/bin/program" "$WORK/program.c"
	readelf -l "$at/bin/program" | sed -n 's/.*program interpreter: \(.*\)\]/\1/p' >"$WORK/interpreter"
	for library in $(cat "$WORK/interpreter") $(ldd "$at/bin/program" 2>/dev/null | sed -n 's/.* => \(\/.*libc\.so\.6\) .*/\1/p'); do install -D "$(realpath "$library")" "$at$library"; done
	cp "$STATIC" "$at/bin/larder"
	cp -R "$root/app" "$at/app"
	equals "$name: libraries in the root" "$libraries" "$(libraries_of "$at")"
	root=$at
	variables=("npm_config_registry=http://localhost:$port/" npm_config_replace_registry_host=registry.example npm_config_fetch_retries=0)
	equals "$name: larder started by a program" "$("$STATIC" --version)" "$(env -i "$(command -v chroot)" "$at" /bin/program /bin/larder --version 2>&1)"
	equals "$name: exit code of a fetch" 0 "$(run "$WORK/fetch" alone --store /store fetch /app)"
	equals "$name: blobs" 1 "$(find "$at/store/blobs" -type f | wc -l)"
	equals "$name: a program started by larder" "7 started" "$(run "$WORK/run" alone --store /store run --offline --project /app -- /bin/program) $(cat "$WORK/run.out")"
}
cat >"$WORK/program.c" <<'END'
#include <stdio.h>
#include <unistd.h>
int main(int count, char **words) {
	if (count > 1) return execv(words[1], words + 1), 127;
	puts("started");
	return 7;
}
END
empty=$root
command -v musl-gcc >/dev/null 2>&1 || debian musl-tools gcc libc6-dev || true
if command -v musl-gcc >/dev/null 2>&1; then
	in_root musl "ld-musl-$(uname -m).so.1" musl-gcc
	in_root glibc "$(basename "$(readelf -l /bin/sh | sed -n 's/.*program interpreter: \(.*\)\]/\1/p')") libc.so.6" gcc
else
	skip "static binary: no musl-gcc, which only root on Debian can install"
fi
root=$empty

# The registry that npm is configured with, as far as larder knows without any file but these.
cp /etc/resolv.conf /etc/hosts "$root/etc/"
variables=("npm_config_registry=$(npm config get registry)" npm_config_replace_registry_host=registry.example)
for name in SSL_CERT_FILE NODE_EXTRA_CA_CERTS; do
	[ -s "${!name:-}" ] && cp "${!name}" "$root/etc/$name" && variables+=("$name=/etc/$name")
done
cp "$ROOT/examples/webui/package-lock.json" "$root/app/"
equals "exit code of a fetch of the example from the registry" 0 "$(run "$WORK/real" alone --store /real fetch /app)"
[ -d "$root/real/blobs" ] && say "        $(tail -n 1 "$WORK/real.out")" || show "$WORK/real"
equals "exit code of verify" 0 "$(run "$WORK/verify" alone --store /real verify)"
finish
