#!/bin/sh
# Stops the container and removes the image and what was built on this machine. What was downloaded stays, and so does Docker's build cache:
# the next build has both.
#
#     ./clean.sh [--prune]
#
#     --prune    empty Docker's build cache, too, for all projects on this machine
set -eu
cd "$(dirname "$0")"

is_pruned=no
case "$#${1-}" in
0) ;;
1--prune) is_pruned=yes ;;
*)
	sed -n '2,/^set/p' clean.sh | sed '$d; s/^# \{0,1\}//' >&2
	exit 2
	;;
esac

docker rm --force webui >/dev/null 2>&1 || true
docker image rm --force webui >/dev/null 2>&1 || true
rm -rf dist static/pyodide .larder
[ $is_pruned = no ] || docker builder prune --all --force
