# What the tests of yarn share. Sourced after lib.sh and npm.sh.

# The kinds of yarn.lock that the fixtures have, and the yarn that reads each.
yarn_of() { if [ "$1" = classic ]; then say 1; else say 4; fi; }

# need_yarn MAJOR WHAT: whether that yarn is there or can be installed; otherwise says that WHAT was skipped.
need_yarn() {
	client "yarn-$1" install_yarn "$1" && return
	skip "$2: yarn $1 cannot be installed here"
	return 1
}

# The registry that npm is configured with, without a slash at its end.
REGISTRY=$(npm config get registry)
REGISTRY=${REGISTRY%/}

# yarn_project KIND NAME: the example with that lockfile, always at the same place; the lockfile names the configured registry, since yarn 1 asks for what stands there.
yarn_project() {
	local at=$TREES/yarn-$1-$2
	rm -rf "$at"
	if [ "$2" = webui ]; then copy_project webui "$at"; else mkdir -p "$at"; fi
	rm -f "$at/package-lock.json" "$at/larder.toml" "$at/larder.lock"
	sed "s#https://registry.example#$REGISTRY#" "$ROOT/tests/fixtures/yarn/$1/$2/yarn.lock" >"$at/yarn.lock"
	say "$at"
}

# with_yarn MAJOR COMMAND…: with that yarn first in PATH, caches of its own that stay between two calls, and no files of the user's.
YARN_FOLDERS=$TREES/yarn-folders
with_yarn() (
	PATH=$CLIENTS/yarn-$1/bin:$PATH
	# yarn 1 takes every variable that begins with YARN_ for a setting, and later ones refuse what they do not know.
	if [ "$1" = 1 ]; then
		export YARN_CACHE_FOLDER=$YARN_FOLDERS/cache
	else
		export YARN_GLOBAL_FOLDER=$YARN_FOLDERS/global YARN_NPM_REGISTRY_SERVER=$REGISTRY YARN_ENABLE_TELEMETRY=0
		[ -z "${LINKER:-}" ] || export YARN_NODE_LINKER=$LINKER
	fi
	shift
	"$@"
)
