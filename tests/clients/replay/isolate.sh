#!/usr/bin/env bash
# `larder run --offline --isolate`: a network of the run's own, in which every name leads to larder. What scripts download comes whichever way they ask, with no variable
# about a proxy; what has no row is refused at once and named; and a server that runs all the while outside hears of nothing.
source "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
source "$ROOT/tests/clients/npm.sh"
source "$ROOT/tests/clients/managers.sh"
source "$ROOT/tests/clients/replay.sh"
source "$ROOT/tests/clients/scripts.sh"
serve_in_namespace "a network of the run's own"

prepare_hosts files.example registry.example
cd "$WORK"

# Java compiles a file that it is given, if it has a compiler.
cat >"$WORK/Get.java" <<'JAVA'
import java.net.*;
import java.nio.file.*;
public class Get {
	public static void main(String[] words) throws Exception {
		try (var in = new URL(words[0]).openStream()) { Files.copy(in, Path.of("got"), StandardCopyOption.REPLACE_EXISTING); }
	}
}
JAVA
by() { say "require(\"child_process\").execFileSync($1, { stdio: \"inherit\" }); verdict(fs.readFileSync(\"got\"))"; }
WAYS[python]=$(by '"python3", ["-c", "import sys, urllib.request; urllib.request.urlretrieve(sys.argv[1], \"got\")", url]')
WAYS[java]=$(by "\"java\", [\"$WORK/Get.java\", url]")
# No program has a variable of a proxy, and the user is who he was.
WAYS[bare]='fetch(url).then(async (r) => {
	const about = Object.keys(process.env).filter((name) => /_proxy$/i.test(name) || name === "NODE_OPTIONS");
	if (about.length > 0) { console.error(about.join()); process.exit(1); }
	save(r.status, r.statusText, Buffer.from(await r.arrayBuffer()));
})'
command -v python3 >/dev/null || unset 'WAYS[python]'
java --list-modules 2>/dev/null | grep -q '^jdk.compiler' || unset 'WAYS[java]'

isolated() { HTTPS_PROXY=http://proxy.example:3128 https_proxy=http://proxy.example:3128 offline --isolate "$@"; }
fetch_ways isolated
before=$(wc -l <"$SERVED/requests")
install_ways isolated "larder run --offline --isolate -- npm ci" isolated

# asks SCRIPT: a project whose one package runs this, with the tool's row alone. Its folder.
asks() {
	cd "$WORK"
	WAYS[asks]=$1
	way asks https://files.example/other-1.0.0.tgz
	fetched way-asks </dev/null
}
# refused WHAT CODE TEXT…: an isolated install ends with this code within 10 s, and each text is said.
refused() {
	local start=$SECONDS text
	equals "$1: exit code" "$2" "$(isolated)"
	if [ $((SECONDS - start)) -le 10 ]; then pass "$1: over within 10 s"; else fail "$1: over after $((SECONDS - start)) s"; fi
	for text in "${@:3}"; do
		if grep -qF -- "$text" "$WORK/offline.err"; then pass "$1: says \`$text\`"; else fail "$1: does not say \`$text\`" && show "$WORK/offline"; fi
	done
}

at=$(asks 'fetch(url).then(async (r) => save(r.status, r.statusText, Buffer.from(await r.arrayBuffer())))')
cd "$at"
refused "isolated, not recorded" 1 'refused https://files.example/other-1.0.0.tgz: Not in larder.lock' '404 Not in larder.lock'
at=$(asks 'fetch(url).then(() => process.exit(0))')
cd "$at"
refused "isolated, silently refused" 1 'refused https://files.example/other-1.0.0.tgz: Not in larder.lock'
equals "isolated, silently refused: exit code with --allow-refused" 0 "$(isolated --allow-refused)"
at=$(asks 'const session = require("http2").connect(url); session.on("error", (error) => { console.error(error.message); process.exit(1); })')
cd "$at"
refused "isolated, HTTP/2 alone" 1 'refused https://files.example/: the program asks by HTTP/2 alone'
at=$(asks 'fetch("http://unknown.example/a").then(() => process.exit(0))')
cd "$at"
refused "isolated, another host in plain HTTP" 1 'refused http://unknown.example/a: Not in larder.lock'
# Names of the system's file, addresses and other ports lead nowhere, at once.
at=$(asks 'const net = require("net"); const codes = [];
	for (const [host, port] of [["192.0.2.7", 443], ["files.example", 9999], ["127.0.0.1", 443]])
		net.connect(port, host).on("connect", () => process.exit(3)).on("error", (e) => codes.push(e.code) === 3 && process.exit(codes.every((c) => /^E(NETUNREACH|CONNREFUSED)$/.test(c)) ? 0 : 4))')
cd "$at"
equals "isolated, addresses and ports that nobody serves: exit code" 0 "$(isolated)"
# The command's own servers are reached as ever.
at=$(asks 'require("http").createServer((q, r) => r.end("own")).listen(0, "127.0.0.1", function () { fetch(`http://localhost:${this.address().port}/`).then((r) => r.text()).then((t) => process.exit(t === "own" ? 0 : 1)); })')
cd "$at"
equals "isolated, a server of the command's own: exit code" 0 "$(isolated)"
# But for the fetches before each run.
equals "isolated: requests that a server outside heard of" 0 "$(tail -n +"$((before + 1))" "$SERVED/requests" | grep -cv way-asks || true)"
stop_server

# A user without rights, who gets a user namespace: what he is stays, and so do signals and exit codes.
if setpriv --reuid=65534 --regid=65534 --clear-groups true 2>/dev/null; then
	HIS=$(mktemp -d /tmp/larder-isolated.XXXXXX)
	trap 'rm -rf "$WORK" "$TREES" "$HIS"' EXIT
	cp "$LARDER" "$HIS/larder"
	mkdir "$HIS/project"
	printf '{"name":"p","version":"1.0.0","lockfileVersion":3,"packages":{"":{"name":"p","version":"1.0.0"}}}' >"$HIS/project/package-lock.json"
	chown -R 65534:65534 "$HIS"
	as_nobody() { (cd "$HIS/project" && run "$WORK/nobody" env HOME="$HIS" setpriv --reuid=65534 --regid=65534 --clear-groups "$HIS/larder" run --offline --isolate --store "$HIS/store" -- "$@"); }
	if [ "$(as_nobody true)" = 0 ]; then
		equals "isolated, an ordinary user: exit code" 7 "$(as_nobody sh -c 'exit 7')"
		equals "isolated, an ordinary user: ended by a signal" 143 "$(as_nobody sh -c 'kill -TERM $$')"
		as_nobody sh -c 'id -u; id -g; touch his; stat -c %u his; grep -c . /proc/net/dev; cat /etc/resolv.conf' >/dev/null
		equals "isolated, an ordinary user: who he is, what he writes, and his network" "65534 65534 65534 3 nameserver 127.0.0.1" "$(tr '\n' ' ' <"$WORK/nobody.out" | sed 's/ $//')"
		equals "isolated, an ordinary user: exit code of a refused download" 1 "$(as_nobody node -e 'fetch("https://other.example/x").then((r) => process.exit(r.status === 404 ? 0 : 1))')"
		if grep -qF 'refused https://other.example/x: Not in larder.lock' "$WORK/nobody.err"; then pass "isolated, an ordinary user: named"; else fail "isolated, an ordinary user: not named" && show "$WORK/nobody"; fi
	else
		skip "isolated, an ordinary user: $(head -n 1 "$WORK/nobody.err")"
	fi
fi
finish
