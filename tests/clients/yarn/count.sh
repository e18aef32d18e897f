#!/usr/bin/env bash
# `larder plan` counts what yarn's own parsers count, in three lockfiles of each kind.
source "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
need node "yarn.lock, counted"
client yarn-parsers install_yarn_parsers || { skip "yarn.lock, counted: yarn's parsers cannot be installed here" && finish; }

# sums FILE: the counts of a plan, by the names of count.mjs.
sums() {
	node -p 'const sum = JSON.parse(fs.readFileSync(process.argv[1], "utf8")).entries;
		JSON.stringify({ artifacts: sum.artifacts, entries: sum.entries, projects: sum.projects, patches: sum.patches,
			local: sum.links + sum.local_folders + sum.local_files, registry_or_remote: sum.artifacts + sum.repeats })' "$1"
}

for kind in classic berry; do
	for name in webui mixed site; do
		lockfile=$ROOT/tests/fixtures/yarn/$kind/$name/yarn.lock
		equals "$kind $name: exit code of larder plan" 0 "$(run "$WORK/plan" "$LARDER" plan "$lockfile" --json)"
		equals "$kind $name" "$(node "$ROOT/tests/clients/yarn/count.mjs" "$CLIENTS/yarn-parsers" "$lockfile")" "$(sums "$WORK/plan.out")"
	done
done
finish
