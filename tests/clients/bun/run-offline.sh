#!/usr/bin/env bash
# `larder run --offline -- bun install --frozen-lockfile` with the network cut and an empty cache of bun's gives the tree of an online install.
source "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
source "$ROOT/tests/clients/npm.sh"
source "$ROOT/tests/clients/managers.sh"
need node "bun, run offline"
need_manager bun
need_cut_network "bun, run offline"

manager_reference bun bun install --frozen-lockfile || finish
manager_offline bun bun install --frozen-lockfile
finish
