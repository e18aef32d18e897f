#!/usr/bin/env bash
# Makes the files of a release: an archive for each platform, the packages of npm, and their checksums.
#
#     packaging/release.sh OUT PLATFORM=BINARY…     PLATFORM as node names it: linux-x64, linux-arm64, darwin-x64, darwin-arm64
#
# Writes OUT/larder-VERSION-PLATFORM.tar.gz (the binary, completions, manual pages, licences), what packaging/npm.sh writes, and OUT/SHA256SUMS. A binary that is for another platform is refused. Equal inputs give equal files.
set -euo pipefail
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
[ $# -ge 2 ] || { sed -n '2,/^set/p' "$ROOT/packaging/release.sh" | sed '$d; s/^# \{0,1\}//' >&2 && exit 2; }
mkdir -p "$1" && OUT=$(cd "$1" && pwd)
shift
VERSION=$("$ROOT/packaging/version.sh")
WORK=$(mktemp -d)
trap 'rm -rf "$WORK"' EXIT
for pair in "$@"; do node "$ROOT/packaging/platform.mjs" "${pair%%=*}" "${pair#*=}"; done

cargo run --quiet --locked --manifest-path "$ROOT/Cargo.toml" -p larder-packaging -- "$WORK/shell"
for pair in "$@"; do
	name=larder-$VERSION-${pair%%=*}
	mkdir -p "$WORK/$name"
	install -m 755 "${pair#*=}" "$WORK/$name/larder"
	cp -R "$WORK/shell/completions" "$WORK/shell/man" "$ROOT"/LICENSE-* "$ROOT/packaging/npm/README.md" "$WORK/$name/"
	tar -C "$WORK" --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner -cf - "$name" | gzip -n -9 >"$OUT/$name.tar.gz"
done
SHELL_FILES=$WORK/shell "$ROOT/packaging/npm.sh" "$OUT" "$@"
(cd "$OUT" && sha256sum -- *.tar.gz *.tgz >SHA256SUMS)
