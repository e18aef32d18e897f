#!/bin/sh
# Builds the image and runs it, on http://127.0.0.1:8080/ unless PORT says otherwise.
#
#     ./run.sh [--build] [--prune] [-- OPTION…]
#
#     --build    only build
#     --prune    afterwards remove the images that this build has replaced
#     OPTION…    for `docker buildx build`
#
# With a static larder on this machine, everything that the lockfiles name is handed to the build (.larder), and the build needs no network. Without, the
# build keeps it in a cache mount. Docker's build cache is left alone.
set -eu
cd "$(dirname "$0")"

image=webui is_run=yes is_pruned=no
while [ $# -gt 0 ]; do
	case $1 in
	--build) is_run=no ;;
	--prune) is_pruned=yes ;;
	--)
		shift
		break
		;;
	*)
		sed -n '2,/^set/p' run.sh | sed '$d; s/^# \{0,1\}//' >&2
		exit 2
		;;
	esac
	shift
done

hash=${BUILD_HASH:-$(git rev-parse HEAD 2>/dev/null || true)}
[ -z "$hash" ] || set -- --build-arg "BUILD_HASH=$hash" "$@"
if command -v larder >/dev/null 2>&1 && larder view context .larder; then
	set -- --build-context larder=.larder "$@"
else
	docker image inspect larder >/dev/null 2>&1 && set -- --build-arg LARDER_IMAGE=larder "$@"
	echo 'run.sh: without a context from larder, the build downloads what its cache mount lacks' >&2
fi
docker buildx build --load --tag "$image" "$@" .
[ $is_pruned = no ] || docker image prune --force
[ $is_run = no ] || exec docker run --rm --init --name "$image" --publish "127.0.0.1:${PORT:-8080}:8080" "$image"
