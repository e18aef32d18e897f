#!/usr/bin/env bash
# Builds larder as one file that needs nothing of the system it runs on, and prints where it is.
#
#     docker/static.sh [x86_64|aarch64]     default: this machine's
#
# LARDER_PROFILE=dist, as in a release, builds a smaller one and takes twice the time.
#
# For the other processor, Rust's target for it and a linker are needed: on Debian,
# `rustup target add aarch64-unknown-linux-gnu` and `apt-get install gcc-aarch64-linux-gnu`.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

processor=${1:-$(uname -m)}
[ "$processor" = arm64 ] && processor=aarch64
profile=${LARDER_PROFILE:-release}
target=$processor-unknown-linux-gnu
case $processor in
x86_64 | aarch64) ;;
*)
	sed -n '2,/^set/p' "docker/static.sh" | sed '$d; s/^# \{0,1\}//' >&2
	exit 2
	;;
esac
if [ "$processor" != "$(uname -m)" ]; then
	# For rustc and for the C that is compiled.
	name=$(tr 'a-z-' 'A-Z_' <<<"$target")
	export "CARGO_TARGET_${name}_LINKER=${LINKER:-$processor-linux-gnu-gcc}"
	export "CC_${target//-/_}=${CC:-$processor-linux-gnu-gcc}"
fi
# The second: random bytes from the C library that is linked. Otherwise getrandom looks for it at run time, where there is none, and then needs /dev.
flags='-C target-feature=+crt-static --cfg getrandom_backend="linux_getrandom"'
# The C library that is linked relocates the program when it starts. From 2.36 on it reads packed relocations.
link=()
version=$(getconf GNU_LIBC_VERSION 2>/dev/null | cut -d ' ' -f 2) || version=
if [ -n "$version" ] && printf '2.36\n%s\n' "$version" | sort --version-sort --check=quiet; then
	link=(-- -C 'link-arg=-Wl,-z,pack-relative-relocs')
fi
RUSTFLAGS="${RUSTFLAGS:-} $flags" cargo rustc --profile "$profile" --locked --bin larder --target "$target" "${link[@]}" >&2
echo "${CARGO_TARGET_DIR:-$PWD/target}/$target/$profile/larder"
