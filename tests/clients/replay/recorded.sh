#!/usr/bin/env bash
# What install scripts download, with rows in larder.lock: `larder run --offline -- npm ci` installs it with the server gone, whichever way a script asks, and nobody sets a
# variable. What has no row is refused at once and named.
source "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
source "$ROOT/tests/clients/npm.sh"
source "$ROOT/tests/clients/managers.sh"
source "$ROOT/tests/clients/replay.sh"
source "$ROOT/tests/clients/scripts.sh"
serve_in_namespace "recorded downloads"

prepare_hosts files.example registry.example
cd "$WORK"
fetch_ways recorded
equals "recorded: requests for the file" 1 "$(grep -c tool-1.0.0.tgz "$SERVED/requests")"
stop_server
install_ways recorded "larder run --offline -- npm ci, without the server" offline

# Answers that are in the lock itself, and addresses at which nothing was.
cd "$WORK"
WAYS[answers]='Promise.all(["index.json", "none"].map((name) => fetch(new URL(name, url)))).then(async ([index, none]) => {
	process.exit(index.headers.get("content-type") === "application/json" && (await index.text()) === "{}\n" && none.status === 404 ? 0 : 1);
})'
way answers https://files.example/
at=$(locked way-answers <<ROWS

[[download]]
url = "https://files.example/index.json"
sha256 = "$(printf '{}\n' | sha256sum | cut -d ' ' -f 1)"
size = 3
content_type = "application/json"
by = ["way-answers@1.0.0"]
trust = "first-use"
body = "{}\n"

[[absent]]
url = "https://files.example/none"
status = 404
by = ["way-answers@1.0.0"]
ROWS
)
cd "$at"
equals "inline and absent: exit code of larder run --offline -- npm ci" 0 "$(offline)"
equals "inline and absent: refused" 0 "$(grep -c '^warning: refused' "$WORK/offline.err" || true)"

cd "$WORK"
way fetch https://files.example/other-1.0.0.tgz
at=$(locked way-fetch </dev/null)
cd "$at"
start=$SECONDS
equals "not recorded: exit code of larder run --offline -- npm ci" 1 "$(offline)"
if [ $((SECONDS - start)) -le 10 ]; then pass "not recorded: over within 10 s"; else fail "not recorded: over after $((SECONDS - start)) s"; fi
for text in 'refused https://files.example/other-1.0.0.tgz: Not in larder.lock' '404 Not in larder.lock'; do
	if grep -qF "$text" "$WORK/offline.err"; then pass "not recorded: says \`$text\`"; else fail "not recorded: does not say \`$text\`" && show "$WORK/offline"; fi
done

# In a new network namespace, loopback is down: a proxy is nobody's there.
equals "loopback is down: exit code" 1 "$(run "$WORK/down" unshare -n "$LARDER" run --offline --store "$WORK/store" -- echo the command)"
if grep -qF 'hint: in a network namespace of your own, bring it up (`ip link set lo up`)' "$WORK/down.err" && [ ! -s "$WORK/down.out" ]; then
	pass "loopback is down: said before the command runs"
else
	fail "loopback is down: not said" && show "$WORK/down"
fi

# One that goes on without what it was refused.
cd "$WORK"
WAYS[quiet]='fetch(url).then(() => process.exit(0))'
way quiet https://files.example/other-1.0.0.tgz
at=$(locked way-quiet </dev/null)
cd "$at"
equals "silently refused: exit code" 1 "$(offline)"
equals "silently refused: exit code with --allow-refused" 0 "$(offline --allow-refused)"
if grep -qF 'refused https://files.example/other-1.0.0.tgz' "$WORK/offline.err"; then pass "silently refused: named"; else fail "silently refused: not named"; fi
finish
