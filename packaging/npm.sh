#!/usr/bin/env bash
# Packs larder for npm: a launcher, and a package for each platform that holds its binary.
#
#     packaging/npm.sh OUT PLATFORM=BINARY…     PLATFORM as node names it: linux-x64, linux-arm64, darwin-x64, darwin-arm64
#
# Writes OUT/larder-VERSION.tgz and OUT/larder-PLATFORM-VERSION.tgz. All platforms of a release are packed together: the launcher names those that there are.
# A binary that is for another platform is refused. SHELL_FILES names
# a folder with completions and manual pages for the launcher's package. Equal inputs give equal files.
set -euo pipefail
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
[ $# -ge 2 ] || { sed -n '2,/^set/p' "$ROOT/packaging/npm.sh" | sed '$d; s/^# \{0,1\}//' >&2 && exit 2; }
mkdir -p "$1" && OUT=$(cd "$1" && pwd)
shift
VERSION=$("$ROOT/packaging/version.sh")
WORK=$(mktemp -d)
trap 'rm -rf "$WORK"' EXIT

# pack FOLDER: its tarball, in OUT.
pack() { (cd "$1" && npm pack --silent --ignore-scripts --pack-destination "$OUT" >/dev/null); }

platforms=()
for pair in "$@"; do
	platform=${pair%%=*} binary=${pair#*=}
	node "$ROOT/packaging/platform.mjs" "$platform" "$binary"
	at=$WORK/$platform
	mkdir -p "$at/bin"
	install -m 755 "$binary" "$at/bin/larder"
	cp "$ROOT/packaging/npm/README.md" "$ROOT"/LICENSE-* "$at/"
	node "$ROOT/packaging/npm/package.mjs" platform "$VERSION" "$platform" >"$at/package.json"
	pack "$at"
	platforms+=("$platform")
done

at=$WORK/larder
mkdir -p "$at/bin"
install -m 755 "$ROOT/packaging/npm/larder.js" "$at/bin/larder.js"
cp "$ROOT/packaging/npm/README.md" "$ROOT"/LICENSE-* "$at/"
[ -z "${SHELL_FILES:-}" ] || cp -R "$SHELL_FILES/completions" "$SHELL_FILES/man" "$at/"
node "$ROOT/packaging/npm/package.mjs" launcher "$VERSION" "${platforms[@]}" >"$at/package.json"
pack "$at"
