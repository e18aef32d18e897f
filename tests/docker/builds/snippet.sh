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

# Without either, and without larder in the lockfile: a sentence that says what to do, and not a registry's that there is no such image.
docker buildx build --progress=plain --network=none --build-arg "NODE_IMAGE=$NODE_IMAGE" "$APP" >"$WORK/neither.out" 2>&1 && CODE=0 || CODE=$?
equals "with neither an image nor a context nor a package, exit code" 1 "$CODE"
equals "with neither an image nor a context nor a package, what is said of the way out" "1 1" \
	"$(grep -c '^#[0-9]* [0-9.]* no larder for this build: no lockfile of npm.* Add it: npm i -D larder\. Or give the build a context: larder view context .*Or an image: --build-arg LARDER_IMAGE' "$WORK/neither.out") $(grep -c 'ERROR: process .*no larder for this build' "$WORK/neither.out" | sed 's/[1-9][0-9]*/1/')"

build context "$APP" --network=none --build-context "larder=$APP/.larder" --build-arg BUILD_HASH=one
built "with a context, as pasted" context "install ran, Pyodide ran, Vite ran" "0 requests, 0 twice"

# For another processor, the front end is built by this one, and was: its base image and larder are there for no other.
case $(uname -m) in x86_64) other=linux/arm64 ;; *) other=linux/amd64 ;; esac
build other "$APP" --network=none --platform "$other" --build-context "larder=$APP/.larder" --build-arg BUILD_HASH=one --target frontend
equals "for another processor, as pasted" "exit code 0; install CACHED, Pyodide CACHED, Vite CACHED" "exit code $CODE; $(steps other)"
finish
