#!/usr/bin/env bash
# bun's lockfiles are read completely: as many entries and files as JavaScript counts.
source "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
source "$ROOT/tests/clients/managers.sh"
need node "bun, counted"

for name in webui mixed large; do counted "bun/$name" bun.lock; done
finish
