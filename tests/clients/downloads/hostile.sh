#!/usr/bin/env bash
# Scripts that ask for what larder should not record, or that should not disturb it, with real programs and servers. Each is named, nothing of it is in larder.lock, and an
# innocent file that the same command downloads is.
source "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
source "$ROOT/tests/clients/downloads.sh"

need_hostile_clients() {
	need curl "hostile downloads"
	client node-20 install_release 20 || { skip "hostile downloads: node 20 cannot be installed here" && finish; }
}

[ -n "${REPLAY_SERVED:-}" ] || need_hostile_clients
serve_in_namespace "hostile downloads"
mkdir -p "$WORK/server"
# Another one by the same name, for the server that cannot prove who it is.
authority false
serve_names hostile.mjs
# As hostile.mjs has them.
for address in 10.9.8.7 169.254.9.9; do ip address add "$address/32" dev lo; done
MAJOR=20
SET=(SSL_CERT_FILE="$CA" NODE_EXTRA_CA_CERTS="$CA" CURL_CA_BUNDLE="$CA")
FILES=https://files.example
NOT_PUBLIC='passed through unseen: it is no public host'
IN_PRIVATE='its server is in a private network'
UNOPENED='passed through unseen: its program does not accept the certificate of this run, or larder that of the server'
UNKNOWN='Not in larder.lock, nor in another lockfile, and larder is offline'

# What was said last, and what the server heard of meanwhile.
SAID=$WORK/said
HEARD=$WORK/server/requests

# larder_does COMMAND STORE CASE WORD…: the exit code of this command of larder's, with this store, for a script of hostile-client.mjs.
larder_does() {
	: >"$HEARD"
	run "$SAID" alone_here "$LARDER" $1 --store "$2" -- node "$DOWNLOADS/hostile-client.mjs" "${@:3}"
}

# Shows what the client and larder said.
show_said() { tail -n 5 "$SAID.out" | sed 's/^/        /' && show "$SAID"; }

# ended WHAT CODE: with CODE, or as EXPECTED says, and the script got the innocent file.
ended() {
	local expected=${EXPECTED:-0} got=no
	! cmp -s "$PLACE/project/got" "$WORK/innocent.bin" || got=the
	if [ "$2 $got" = "$expected the" ]; then pass "$1: exit code $expected, and the innocent file"; else fail "$1: exit code $2 for $expected, and $got innocent file" && show_said; fi
}

# says WHAT LINE…: these lines were said, by larder or by the client.
says() {
	local line
	for line in "${@:2}"; do
		if grep -qxF -- "$line" "$SAID.out" "$SAID.err"; then pass "$1: says \`$line\`"; else fail "$1: does not say \`$line\`" && show_said; fi
	done
}

# said_nowhere WHAT TEXT: neither by larder nor in larder.lock.
said_nowhere() {
	if grep -qF -- "$2" "$SAID.err" "$PLACE/project/larder.lock"; then fail "$1: $2 is in what larder says or writes"; else pass "$1: $2 is nowhere in what larder says and writes"; fi
}

# records WHAT CASE WORD…: larder record, in an empty project and with an empty store or a copy of HAS, of a script that does this. Nothing but the innocent file is in larder.lock; or it is LOCK.
records() {
	local what=$1
	place : && rm -rf "$WORK/store"
	[ -z "${HAS:-}" ] || cp -a "$HAS" "$WORK/store"
	ended "$what, recorded" "$(larder_does 'record --yes .' "$WORK/store" "${@:2}")"
	if cmp -s "$PLACE/project/larder.lock" "${LOCK:-$WORK/innocent.lock}"; then
		pass "$what, recorded: nothing of it in larder.lock"
	else
		fail "$what, recorded: another larder.lock" && sed 's/^/        /' "$PLACE/project/larder.lock"
	fi
}

# records_nothing WHAT CODE CASE WORD…: the same of one that ends with this exit code and without a larder.lock.
records_nothing() {
	place : && rm -rf "$WORK/store"
	equals "$1: exit code of larder record" "$2" "$(larder_does 'record --yes .' "$WORK/store" "${@:3}")"
	if [ -e "$PLACE/project/larder.lock" ]; then fail "$1: there is a larder.lock"; else pass "$1: no larder.lock"; fi
}

# replays WHAT CASE WORD…: larder run --offline of a script that does this, with the innocent files in larder.lock and in the store. The servers run on, and hear of HEARS alone.
replays() {
	place : "$WORK/large.lock"
	ended "$1, replayed" "$(larder_does 'run --offline' "$WORK/kept" "${@:2}")"
	equals "$1, replayed: what servers heard of" "${HEARS:-}" "$(cat "$HEARD")"
}

# sha256 WORD [SIZE]: the digest of what hostile.mjs makes of it.
sha256() { node -p 'const [, text, size, form] = process.argv; crypto.createHash("sha256").update(Buffer.alloc(Number(size), `${text}\0`)).digest(form)' "$1" "${2:-3000}" "${3:-base64}"; }
hex() { sha256 "$1" "${2:-3000}" hex; }

# What the innocent files come to.
node -e 'process.stdout.write(Buffer.alloc(3000, "innocent\0"))' >"$WORK/innocent.bin"
place :
ended "innocent files, recorded" "$(larder_does 'record --yes .' "$WORK/store" nothing)"
cp "$PLACE/project/larder.lock" "$WORK/innocent.lock"
place :
ended "innocent files, recorded" "$(larder_does 'record --yes .' "$WORK/kept" asks "$FILES/innocent-large.bin")"
cp "$PLACE/project/larder.lock" "$WORK/large.lock"
equals "innocent files: in larder.lock" "innocent.bin innocent-large.bin innocent.bin" "$(sed -n 's|^url = "https://files.example/\(.*\)"|\1|p' "$WORK"/{innocent,large}.lock | tr '\n' ' ' | sed 's/ $//')"

# Private networks, by address and by name, in https and in plain http. What is this machine's own is the command's: nobody looks into it.
private=(https://{10.9.8.7,169.254.9.9,127.0.0.9,{private,link-local,loopback}.example,metadata.internal}/secret.bin)
records "private addresses" asks "${private[@]}" https://private.example/none
says "private addresses, recorded" "warning: not recorded: "{10.9.8.7,169.254.9.9,metadata.internal}": $NOT_PUBLIC" \
	"warning: not recorded: https://"{private.example/secret.bin,private.example/none,link-local.example/secret.bin,loopback.example/secret.bin}": $IN_PRIVATE"
EXPECTED=1 HEARS='127.0.0.9 https://127.0.0.9/secret.bin ' replays "private addresses" asks "${private[@]}"
says "private addresses, replayed" "warning: refused https://"{10.9.8.7,169.254.9.9,{private,link-local,loopback}.example,metadata.internal}"/secret.bin: $UNKNOWN"
records "private addresses in plain http" curl http://{10.9.8.7,169.254.9.9,127.0.0.9,{private,link-local,loopback}.example}/secret.bin
says "private addresses in plain http, recorded" "warning: not recorded: http://"{10.9.8.7,169.254.9.9,{private,link-local,loopback}.example}"/secret.bin: no address that begins with https:"

# Public addresses that lead there.
records "redirects into private networks" asks "$FILES/to/https://"{10.9.8.7,169.254.9.9,127.0.0.9,{private,link-local,loopback}.example}/secret.bin
for host in 10.9.8.7 169.254.9.9 127.0.0.9; do
	says "redirects into private networks" "warning: not recorded: $FILES/to/https://$host/secret.bin: it redirects to https://$host/secret.bin, which was not asked"
done
says "redirects into private networks" "warning: not recorded: $FILES/to/https://"{private,link-local,loopback}".example/secret.bin: $IN_PRIVATE"
EXPECTED=1 records "a redirect into a private network when larder asks" asks "$FILES/1-times-secret-then-to/https://10.9.8.7/secret.bin"
says "a redirect into a private network when larder asks" "  caused by: $FILES/1-times-secret-then-to/https://10.9.8.7/secret.bin: redirects to https://10.9.8.7/secret.bin, which is no public host"
EXPECTED=1 records "a redirect to plain http" curl -L "$FILES/to/http://files.example/secret.bin"
says "a redirect to plain http" "  caused by: $FILES/to/http://files.example/secret.bin: redirects from https to http://files.example/secret.bin, which is not encrypted"

# Where larder itself is led, by the name's look-up or by a redirect.
EXPECTED=1 records "a name that leads into a private network when larder asks" asks https://rebound.example/secret.bin
EXPECTED=1 records "a redirect into a private network by name when larder asks" asks "$FILES/1-times-secret-then-to/https://private.example/secret.bin"
equals "larder's own requests in a private network" 0 "$(grep -c '^10\.9\.8\.7 ' "$HEARD" || true)"
# A store that has the bytes by another address.
place :
ended "a file, recorded" "$(larder_does 'record --yes .' "$WORK/has" asks "$FILES/secret.bin")"
HAS=$WORK/has EXPECTED=1 records "a redirect to plain http of bytes that the store has" curl -L "$FILES/to/http://files.example/secret.bin"

# Requests for another host than the tunnel is for: the client is told, and no server hears of it.
MISDIRECTED='curl 0 HTTP/1.1 421 the request names another host than the connection was asked for'
for option in '--header Host:other.example' '--request-target https://other.example/secret.bin'; do
	records "a tunnel for another host (${option%% *})" curl $option "$FILES/secret.bin"
	says "a tunnel for another host (${option%% *}), recorded" "$MISDIRECTED"
	says "a tunnel for another host (${option%% *}), recorded" "warning: not recorded: $FILES/: the request names another host than the connection was asked for"
	equals "a tunnel for another host (${option%% *}), recorded: requests that a server heard of" 0 "$(grep -c secret "$HEARD" || true)"
done
EXPECTED=1 replays "a tunnel for another host" curl --header Host:other.example "$FILES/innocent.bin"
says "a tunnel for another host, replayed" "$MISDIRECTED" "warning: refused $FILES/: the request names another host than the connection was asked for"

# Who asks by name, and addresses that are secrets.
for header in 'Authorization: Bearer s3cret' 'Cookie: session=s3cret' 'X-Api-Key: s3cret'; do
	records "${header%%:*}" 'asks with' "$header" "$FILES/secret.bin"
	says "${header%%:*}" "warning: not recorded: $FILES/secret.bin: its request says who asks, and the answer may be for nobody else"
	said_nowhere "${header%%:*}" s3cret
done
records "signed addresses and tokens" asks "$FILES/secret.bin?v=1&"{X-Amz-Signature,X-Goog-Credential,sig,token}=s3cret "$FILES/token.json"
for key in X-Amz-Signature X-Goog-Credential sig token; do
	says "a query with $key" "warning: not recorded: $FILES/secret.bin: an address whose query has \`$key\`, which looks like a signature or a secret: name the address that redirects to it"
done
says "a text with a token" "warning: not recorded: $FILES/token.json: its answer has \`access_token\`, which looks like a secret"
said_nowhere "signed addresses and tokens" s3cret

# More addresses than a larder.lock may have, than are listed, and than are noted.
records_nothing "10,000 addresses and one" 1 'many addresses' "$FILES/number/[1-10000]"
says "10,000 addresses and one" "error: the command asked for more than 10000 addresses, which are more than a larder.lock may have"
records "200 signed addresses" 'many addresses' "$FILES/number/[1-200]?sig=s3cret"
says "200 signed addresses" "warning: and 150 more are not recorded"
equals "200 signed addresses: warnings" 51 "$(grep -c '^warning: ' "$SAID.err")"
EXPECTED=1 replays "1,100 addresses" 'many addresses' "$FILES/number/[1-1100]"
says "1,100 addresses, replayed" "warning: and 100 more"

# The proxy is for the run's own programs.
STRANGER='HTTP/1.1 403 this proxy answers to the user that started it only'
NO_PASSWORD="HTTP/1.1 407 this proxy is for one run's command only"
if setpriv --reuid=65534 --regid=65534 --clear-groups true 2>/dev/null; then
	records "another user" 'another user' {https,http}://files.example/secret.bin
	says "another user, recorded" "curl 56 $STRANGER" "curl 0 $STRANGER"
	equals "another user, recorded: requests that a server heard of" 0 "$(grep -c secret "$HEARD" || true)"
	replays "another user" 'another user' {https,http}://files.example/innocent.bin
	says "another user, replayed" "curl 56 $STRANGER" "curl 0 $STRANGER"
else
	skip "another user: this one cannot become nobody"
fi
# With a network, a program without it gets what it has without a proxy, and nobody looks into it.
records "without the password" 'without the password' {https,http}://files.example/secret.bin
says "without the password, recorded" "curl 0 HTTP/1.1 200 OK" "curl 0 $NO_PASSWORD" "warning: not recorded: files.example: passed through unseen: its program did not give the proxy's password"
replays "without the password" 'without the password' {https,http}://files.example/innocent.bin
says "without the password, replayed" "curl 56 $NO_PASSWORD" "curl 0 $NO_PASSWORD"

# Clients and servers that die in the middle of a file.
records "a client that is killed inside a file" 'is killed' "$FILES/half.bin"
says "a client that is killed inside a file, recorded" 'curl SIGKILL' "warning: not recorded: $FILES/half.bin: it ended early"
LOCK=$WORK/large.lock records "a client that is killed inside a file, which another gets" 'is killed' "$FILES/innocent-large.bin"{,}
says "a client that is killed inside a file, which another gets" 'curl SIGKILL' "200 20000000 $FILES/innocent-large.bin"
replays "a client that is killed inside a file" 'is killed' "$FILES/innocent-large.bin"{,}
says "a client that is killed inside a file, replayed" 'curl SIGKILL' "200 20000000 $FILES/innocent-large.bin"
records "a server that ends inside a file" curl "$FILES/cut.bin"
says "a server that ends inside a file" "warning: not recorded: $FILES/cut.bin: it ended early"
records_nothing "a command that is killed inside a file" 137 'kills itself' "$FILES/half.bin"
says "a command that is killed inside a file" "error: node was ended by signal 9 (SIGKILL)" "error: the command failed, so nothing is recorded"

# Connections that say nothing, half of them in a tunnel.
records "200 silent connections" '200 connections'
replays "200 silent connections" '200 connections'

# A server that cannot prove who it is, and a program that trusts others than the run's authority. Asked again, nobody looks into it.
FALSE='false.example: no secure connection: invalid peer certificate: BadSignature'
records "a server with a false authority" 'curl twice' --insecure https://false.example/secret.bin
says "a server with a false authority" "curl 0 HTTP/1.1 502 $FALSE" "curl 0 HTTP/1.1 200 OK" \
	"warning: larder does not trust the server of false.example, so programs ask it themselves from then on, and get what it has today: $FALSE" \
	"warning: not recorded: https://false.example/secret.bin: it could not be asked: $FALSE" "warning: not recorded: false.example: $UNOPENED"
EXPECTED=1 records "a server with a false authority when larder asks" asks "$FILES/1-times-secret-then-to/https://false.example/secret.bin"
says "a server with a false authority when larder asks" "  caused by: https://false.example/secret.bin: the server's certificate is not trusted"
# The tunnel stands when it refuses the certificate.
DISTRUSTED='curl 60 HTTP/1.1 200 OK'
records "a program that does not trust the run" 'curl twice' --cacert "$CA" https://pinned.example/secret.bin
says "a program that does not trust the run, recorded" "$DISTRUSTED" "curl 0 HTTP/1.1 200 OK" \
	"warning: a program did not accept the certificate of this run for pinned.example: UnknownCA" "warning: not recorded: pinned.example: $UNOPENED"
EXPECTED=1 replays "a program that does not trust the run" 'curl twice' --cacert "$CA" "$FILES/innocent.bin"
says "a program that does not trust the run, replayed" "$DISTRUSTED" "warning: a program did not accept the certificate of this run for files.example: UnknownCA"

# Files that change: while the command runs, between it and larder, and after it was recorded.
changed() { say "expected sha256-$(sha256 first), got sha256-$(sha256 second)"; }
EXPECTED=1 records "a file that changed before larder asks" asks "$FILES/1-times-first.bin"
says "a file that changed before larder asks" "error: script:node: $FILES/1-times-first.bin" "  caused by: expected sha256 $(hex first), got $(hex second)"
records "a file that changed while the command ran" asks "$FILES/1-times-first-large.bin"{,}
says "a file that changed while the command ran" "warning: not recorded: $FILES/1-times-first-large.bin: it changed meanwhile: first sha256 $(hex first 20000000), then $(hex second 20000000)"
place : && rm -rf "$WORK/store"
ended "a file that changed since, recorded" "$(larder_does 'record --yes .' "$WORK/store" asks "$FILES/2-times-first.bin")"
cp "$PLACE/project/larder.lock" "$WORK/changed.lock"
for command in 'fetch' 'run -- echo the command'; do
	place : "$WORK/changed.lock" && rm -rf "$WORK/store"
	equals "a file that changed since: exit code of larder $command" 1 "$(run "$SAID" alone_here env LARDER_STORE="$WORK/store" "$LARDER" $command)"
	says "a file that changed since, larder $command" "error: 2-times-first.bin 0.0.0-unstated: digest does not match larder.lock" "  caused by: $FILES/2-times-first.bin: $(changed)" "  caused by: in hexadecimal digits: expected $(hex first), got $(hex second)"
done
equals "a file that changed since: lines of the command" 0 "$(grep -c '^the command$' "$SAID.out" || true)"
finish
