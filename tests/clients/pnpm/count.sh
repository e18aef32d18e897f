#!/usr/bin/env bash
# pnpm's lockfiles are read completely: as many entries and files as an independent program counts. What they share with npm's is one artifact, fetched once.
source "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
source "$ROOT/tests/clients/npm.sh"
source "$ROOT/tests/clients/managers.sh"
need node "pnpm, counted"

for name in webui v5 v6 large; do counted "pnpm/$name" pnpm-lock.yaml; done

# both: one workspace, of which one part is installed with npm and one with pnpm.
at=$WORK/both
mkdir -p "$at/web" "$at/admin"
cp "$ROOT/examples/webui/package-lock.json" "$at/web"
cp "$ROOT/tests/fixtures/pnpm/webui/pnpm-lock.yaml" "$at/admin"
say 'lockfiles = ["web/package-lock.json", "admin/pnpm-lock.yaml"]' >"$at/larder.toml"
code=$(run "$WORK/both-fetch" "$LARDER" fetch "$at" --store "$WORK/both-store" --json)
equals "npm and pnpm in one workspace: exit code of larder fetch" 0 "$code"
fetched=$(field "$WORK/both-fetch.out" fetched)
equals "npm and pnpm in one workspace: files in the store, of which each was fetched once" "$fetched" "$(node "$ROOT/tests/clients/store-has.mjs" "$WORK/both-store" --count)"
repeats=$(node -p 'JSON.parse(fs.readFileSync(process.argv[1], "utf8")).projects[0].entries.repeats' "$WORK/both-fetch.out")
if [ "$repeats" -gt 50 ]; then pass "npm and pnpm in one workspace: $repeats entries name what the other lockfile names"; else
	fail "npm and pnpm in one workspace: only $repeats entries are shared"
fi
for part in web admin; do
	code=$(run "$WORK/both-$part" "$LARDER" fetch "$at/$part" --store "$WORK/both-store" --offline --quiet)
	equals "npm and pnpm in one workspace: $part alone, offline" 0 "$code"
done
finish
