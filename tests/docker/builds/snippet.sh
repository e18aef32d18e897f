#!/usr/bin/env bash
# Dockerfile.snippet as pasted: nothing of it is changed, and nothing is added.
source "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

# said FILE: its lines without comments and blanks.
said() { grep -v -e '^#' -e '^$' "$1"; }

# The example is the snippet, the base image of its backend, and the backend.
SNIPPET=$(said "$ROOT/Dockerfile.snippet")
equals "the example's Dockerfile without its backend, lines that differ from the snippet" "" \
	"$(said "$ROOT/examples/webui/Dockerfile" | grep -v '^ARG PYTHON_IMAGE' | sed '/^FROM ${PYTHON_IMAGE}/,$d' | diff - <(printf '%s\n' "$SNIPPET"))"
equals "the Dockerfile in the README, lines that differ from the snippet" "" \
	"$(sed -n '/^    ARG LARDER_IMAGE/,/^    RUN npm run build:vite/s/^    //p' "$ROOT/README.md" | diff - <(printf '%s\n' "$SNIPPET"))"
equals "the lines that keep what must not enter the context out of it, which the snippet names" ".git node_modules dist static/pyodide .larder" \
	"$(for line in $(sed -n 's/^# \.dockerignore has to name: //p' "$ROOT/Dockerfile.snippet" | tr -d ,); do
		grep -qxF "$line" "$ROOT/examples/webui/.dockerignore" && printf '%s ' "$line"
	done | sed 's/ $//')"
prepare

APP=$WORK/pasted
webui "$APP"
cp "$ROOT/Dockerfile.snippet" "$APP/Dockerfile"
(cd "$APP" && "$LARDER" view context .larder --quiet --store "$WORK/store")

# From a mount that others may have filled: how much is downloaded is another test's claim.
build plain "$APP" --network=host --build-arg BUILD_HASH=one
equals "plain, as pasted" "exit code 0; install ran, Pyodide ran, Vite ran" "exit code $CODE; $(steps plain)"
build plain "$APP" --network=host --build-arg BUILD_HASH=two
built "plain, as pasted, new BUILD_HASH" plain "install CACHED, Pyodide CACHED, Vite ran" "0 requests, 0 twice"

build context "$APP" --network=none --build-context "larder=$APP/.larder" --build-arg BUILD_HASH=one
built "with a context, as pasted" context "install ran, Pyodide ran, Vite ran" "0 requests, 0 twice"
finish
