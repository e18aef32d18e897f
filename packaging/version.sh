#!/usr/bin/env bash
# Prints larder's version, which Cargo.toml has.
set -euo pipefail
sed -n '/^\[workspace.package\]/,/^$/s/^version = "\(.*\)"$/\1/p' "$(dirname "${BASH_SOURCE[0]}")/../Cargo.toml"
