#!/bin/sh
# One step of the action: install, plan, fetch or summary (action.yml). What it does is in the modules beside it; this only says it if there is no node to run them.
set -eu
command -v node >/dev/null 2>&1 || {
	echo '::error title=larder::this action needs node: put actions/setup-node before it, or take an image that has node'
	exit 1
}
exec node "$(dirname "$0")/main.mjs" "$@"
