#!/usr/bin/env bash
# `src/run/preload.cjs` on node 20 and 24, and with LARDER_TEST_FULL=1 on 18 and 22 too: each https connection goes through the proxy that HTTPS_PROXY names, but for those that must not, and behaves as
# one without a proxy. All of it where there is only loopback, so that nothing but the proxy or the https server beside it (`proxy.mjs`) can answer.
source "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
HERE=$ROOT/tests/clients/preload
PRELOAD=$ROOT/src/run/preload.cjs
NODES=(20 24)
[ -z "${LARDER_TEST_FULL:-}" ] || NODES=(18 20 22 24)

# In the namespace, this script runs again, as its second half.
if [ -z "${IN_NAMESPACE:-}" ]; then
	need node "the preload"
	need openssl "the preload"
	can_cut_network || { skip "the preload: the network cannot be cut here" && finish; }
	client preload-packages install_preload_packages || { skip "the preload: its clients cannot be installed here" && finish; }
	releases=
	while read -r major; do
		if client "node-$major" install_release "$major"; then releases+=" $major"; else skip "the preload: node $major cannot be installed here"; fi
	done < <(printf '%s\n' "${NODES[@]}" | chosen)
	IN_NAMESPACE=$releases cut_network bash "$0"
	exit
fi

# The authority and the servers' certificate.
(
	cd "$WORK"
	key=(-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes)
	openssl req -x509 "${key[@]}" -keyout ca.key -out ca.pem -subj /CN=ca -days 2
	openssl req "${key[@]}" -keyout key.pem -out request.pem -subj /CN=servers
	openssl x509 -req -in request.pem -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -out cert.pem \
		-extfile <(say 'subjectAltName=DNS:*.public.example,DNS:localhost,IP:127.0.0.1,IP:::1')
) >"$WORK/openssl.log" 2>&1
exec 8> >(exec node "$HERE/proxy.mjs" "$WORK")
for _ in {1..200}; do [ -e "$WORK/ports" ] || sleep 0.05; done
read -r PROXY DIRECT <"$WORK/ports"
ln -s "$CLIENTS/preload-packages/node_modules" "$WORK/node_modules"
cp "$HERE"/ask.cjs "$WORK"

BY="HTTPS_PROXY=http://larder:secret@127.0.0.1:$PROXY NODE_EXTRA_CA_CERTS=$WORK/ca.pem NODE_OPTIONS=--require=$PRELOAD"
# release ARGUMENT…: this release's node, with what larder sets, and BUT, which may change it. What does not end by itself is a fault.
release() { env $BY ${BUT:-} timeout 60 "$CLIENTS/node-$MAJOR/bin/node" "$@" 2>&1 8>&- || say "exit code $?"; }
ask() { release "$WORK/ask.cjs" "$@"; }

# is EXPECTED WAY [ADDRESS]: what asking so gives. An address may leave out https://a.public.example/.
is() {
	local address=${3:-} what="node $MAJOR, $2${BUT:+ ($BUT)}${3:+, $3}"
	[[ $address == https:* ]] || address=https://a.public.example/$address
	equals "$(sed "s/$PROXY/PORT/g; s/$DIRECT/PORT/g" <<<"$what")" "$1" "$(ask "$2" "$address")"
}

# What comes through the proxy.
through_proxy() {
	local way came='tunnel a.public.example'
	for way in fetch https.get 'https.get, agent: false' 'an https.Agent of its own' 'https.globalAgent replaced' 'an agent with a class of its own' 'an agent that drops the password' \
		'twenty at once' 'a worker thread' 'a worker thread with arguments of its own' 'a forked child' vm domain 'undici.request' "undici's own Agent" \
		axios 'axios with its own proxy' got 'got 11' node-fetch; do
		is "$came" "$way"
	done
	BUT='NODE_NO_WARNINGS=1' is "$came" "undici's EnvHttpProxyAgent"
	is "$came:443" http2.connect
	is 2.0 'got, http2' version
	is 2 'two requests on one socket' requests
	is 2 "undici's two requests on one socket" requests
	is 1 'two requests, with an end between them' ends
	is true 'two sockets, one TLS session' resumed
	is a.public.example 'https.get' sni
	is "$came" https.get close
	is '3000000 bytes' 'fetch of a POST' echo
	is '8388608 0c77bc0a' megabytes megabytes/8
	is 'connecting lookup connect ready secureConnect close then ended' events
	is 'tunnel halves.public.example' fetch https://halves.public.example/
	is 'tunnel b.public.example:8443' https.get https://b.public.example:8443/
	BUT="https_proxy=http://l%61rder:s%65cret@localhost:$PROXY HTTPS_PROXY=http://127.0.0.1:1" is "$came" fetch
}

# What must not: there is no name server in the namespace, so a public name is not found without the proxy.
directly() {
	local entry lost='Error EAI_AGAIN getaddrinfo EAI_AGAIN a.public.example'
	: >"$WORK/asked"
	is "direct localhost:$DIRECT" https.get "https://localhost:$DIRECT/"
	is "direct 127.0.0.1:$DIRECT" fetch "https://127.0.0.1:$DIRECT/"
	# Some releases do not find this address in a certificate, with the preload or without.
	BUT='NODE_TLS_REJECT_UNAUTHORIZED=0 NODE_NO_WARNINGS=1' is "direct [::1]:$DIRECT" https.get "https://[::1]:$DIRECT/"
	for entry in '*' a.public.example A.PUBLIC.EXAMPLE .public.example '*.public.example' public.example a.public.example:443 x,example,y; do
		BUT="NO_PROXY=$entry" is "$lost" https.get
	done
	BUT="no_proxy=[2001:db8::1]" is 'Error ENETUNREACH connect ENETUNREACH 2001:db8::1:443 - Local (:::0)' https.get 'https://[2001:db8::1]/'
	BUT="NO_PROXY=a.public.example" is "TypeError  fetch failed: $lost" fetch
	is "$lost" 'tls.connect by options, not https' https://a.public.example:6380/
	for entry in HTTPS_PROXY= HTTPS_PROXY=http://proxy.public.example:8080 HTTPS_PROXY=https://127.0.0.1:8443 HTTPS_PROXY=nonsense; do
		BUT=$entry is "$lost" https.get
		BUT=$entry is 'false false, 0 in require.cache' untouched
	done
	equals "node $MAJOR: of these, the proxy was asked for" '' "$(cat "$WORK/asked")"
	is 'true true, 0 in require.cache' untouched
	for entry in public.exampl ublic.example a.public.example:8443 b.public.example '[a' , '[2001:db8::1]'; do
		BUT="NO_PROXY=$entry" is 'tunnel a.public.example' https.get
	done
}

# Errors say why, and come at once; what is aborted ends.
failures() {
	local way refused='Error ERR_PROXY_TUNNEL The proxy opens no tunnel to' gone='Error ECONNREFUSED connect ECONNREFUSED 127.0.0.1:1'
	is "$refused refused.public.example:443: HTTP/1.1 404 Not in larder.lock" https.get https://refused.public.example/
	is "TypeError  fetch failed: $refused refused.public.example:443: HTTP/1.1 404 Not in larder.lock" fetch https://refused.public.example/
	is "RequestError ERR_PROXY_TUNNEL The proxy opens no tunnel to refused.public.example:443: HTTP/1.1 404 Not in larder.lock" 'got 11' https://refused.public.example/
	BUT="HTTPS_PROXY=http://larder:no@127.0.0.1:$PROXY" is "$refused a.public.example:443: HTTP/1.1 407 Proxy Authentication Required" https.get
	BUT="HTTPS_PROXY=http://127.0.0.1:$PROXY" is "$refused a.public.example:443: HTTP/1.1 407 Proxy Authentication Required" https.get
	is "$refused closed.public.example:443: it closed the connection" https.get https://closed.public.example/
	is 'Error ECONNRESET read ECONNRESET' https.get https://reset.public.example/
	BUT='HTTPS_PROXY=http://127.0.0.1:1' is "$gone" https.get
	BUT='HTTPS_PROXY=http://127.0.0.1:1' is "TypeError  fetch failed: $gone" fetch
	is 'Error ECONNRESET aborted' https.get broken
	for way in 'an abort before the tunnel stands' 'an abort at once'; do is 'Error  aborted' "$way" https://silent.public.example/; done
	is 'Error  aborted' 'an abort in the middle' megabytes/100
	for way in 'a timeout' 'an agent with a timeout'; do is 'Error  timed out' "$way" https://silent.public.example/; done
	is 'Error  timed out' 'a timeout' silent
	is "TimeoutError ETIMEDOUT Timeout awaiting 'connect' for 100ms" "got's connect timeout" https://silent.public.example/
	is 'tunnel a.public.example' "got's lookup timeout"
	is 'AbortError ABORT_ERR The operation was aborted: TimeoutError 23 The operation was aborted due to timeout' 'an abort by signal' https://silent.public.example/
	is 'TimeoutError 23 The operation was aborted due to timeout' 'an abort of fetch' silent
	is 'each has ended' 'two hundred aborts'
	for way in https.get fetch; do is 'ended at once' "an exit while $way keeps a socket"; done
}

# Ways in which node is started.
starts() {
	local came='tunnel a.public.example' permission=--permission all=() cost
	cat >"$WORK/esm.mjs" <<-'END'
		import { get } from 'node:https';
		import { connect } from 'node:tls';
		import tls from 'node:tls';
		get('https://a.public.example/', async (response) => {
			for await (const chunk of response) console.log(`${chunk} ${connect === tls.connect}`);
		});
	END
	say 'export const load = (url, context, next) => next(url, context);' >"$WORK/loader.mjs"
	mkdir -p "$WORK/jest"
	say '{ "jest": { "testEnvironment": "node" } }' >"$WORK/jest/package.json"
	say "test('fetches', async () => expect(await (await fetch('https://a.public.example/')).text()).toBe('$came'));" | tee "$WORK/jest/one.test.js" >"$WORK/jest/two.test.js"
	say "require('node:test')('fetches', async () => require('assert').equal(await (await fetch('https://a.public.example/')).text(), '$came'));" >"$WORK/node.test.cjs"

	equals "node $MAJOR, import" "$came true" "$(release "$WORK/esm.mjs")"
	equals "node $MAJOR, a loader" "$came true" "$(release --no-warnings --loader "$WORK/loader.mjs" "$WORK/esm.mjs")"
	equals "node $MAJOR, node --test" "pass 1" "$(release --test "$WORK/node.test.cjs" | grep -o 'pass [0-9]*')"
	equals "node $MAJOR, jest" "Tests: 2 passed, 2 total" "$(cd "$WORK/jest" && release "$WORK/node_modules/jest/bin/jest.js" --no-cache | grep ^Tests: | tr -s ' ')"
	# From node 22 on, what --require names may be read.
	[ "$MAJOR" -gt 20 ] || permission=--experimental-permission all=("--allow-fs-read=$PRELOAD")
	[ "$MAJOR" = 18 ] ||
		equals "node $MAJOR, $permission" "$came" "$(release --no-warnings "$permission" "${all[@]}" "--allow-fs-read=$(realpath "$WORK")/" "$WORK/ask.cjs" https.get https://a.public.example/)"
	if [ "$MAJOR" -ge 22 ]; then
		: >"$WORK/asked"
		for way in fetch https.get 'an https.Agent of its own'; do BUT='NODE_USE_ENV_PROXY=1 NODE_NO_WARNINGS=1' is "$came" "$way"; done
		equals "node $MAJOR, with NODE_USE_ENV_PROXY: tunnels" 3 "$(wc -l <"$WORK/asked")"
	fi
	say "'use strict';" >"$WORK/empty.cjs"
	cost=$(for _ in {1..12}; do BUT="NODE_OPTIONS= WARM_UP=$WORK/empty.cjs PRELOAD=$PRELOAD" ask cost && say; done | sort -n | head -n 1)
	# Less than 2 ms, and no module of the network.
	if [[ $cost =~ ^[01]\.[0-9]+$ ]]; then pass "node $MAJOR: the preload costs a start $cost ms"; else fail "node $MAJOR: the preload costs a start $cost"; fi
}

for MAJOR in $IN_NAMESPACE; do
	through_proxy
	directly
	failures
	starts
done
finish
