#!/usr/bin/env bash
# `larder run --offline -- pnpm install --frozen-lockfile` with the network cut and an empty store of pnpm's gives the tree of an online install.
source "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
source "$ROOT/tests/clients/npm.sh"
source "$ROOT/tests/clients/managers.sh"
need node "pnpm, run offline"
need_cut_network "pnpm, run offline"

while read -r manager <&3; do
	need_manager "$manager"
	# A registry that keeps no dates has no answer to pnpm's question how old each version is.
	pnpm_config_trust_lockfile=true manager_reference "$manager" pnpm install --frozen-lockfile || continue
	manager_offline "$manager" pnpm install --frozen-lockfile
done 3< <(printf '%s\n' pnpm-10 pnpm-newest | chosen)
finish
