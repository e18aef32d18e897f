#!/usr/bin/env bash
# Tier 2, the context: `larder view context` hands over what the lockfiles name, and every build passes with the network cut.
source "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
prepare

APP=$WORK/webui
webui "$APP"
# No step has a network, and the larder image is not looked for.
IMAGES+=(--build-arg "LARDER_IMAGE=registry.example/nowhere")
OFFLINE=(--network=none --build-context "larder=$APP/.larder")

# context PROJECT STORE: makes the project's .larder from that store.
context() {
	equals "exit code of larder view context" 0 "$(cd "$1" && run "$WORK/view" "$LARDER" view context .larder --store "$2")"
	show "$WORK/view"
}

from=$(wc -l <"$REQUEST_LOG")
context "$APP" "$WORK/store"
requests_since "$from" >"$WORK/context.requests"
# It serves images with either libc.
equals "what the context's files took" "$(files_of "$APP" glibc musl | wc -l) requests, 0 twice" "$(requests context)"

build first "$APP" "${OFFLINE[@]}" --build-arg BUILD_HASH=one
built "first build" first "install ran, Pyodide ran, Vite ran" "0 requests, 0 twice"

build hash "$APP" "${OFFLINE[@]}" --build-arg BUILD_HASH=two
built "new BUILD_HASH" hash "install CACHED, Pyodide CACHED, Vite ran" "0 requests, 0 twice"

build none "$APP" "${OFFLINE[@]}" --build-arg BUILD_HASH=two --no-cache
built "--no-cache" none "install ran, Pyodide ran, Vite ran" "0 requests, 0 twice"

# Another clone, another store, another day.
sleep 1
webui "$WORK/elsewhere"
find "$WORK/elsewhere" -exec touch -d '2001-02-03 04:05:06' {} +
context "$WORK/elsewhere" "$WORK/other-store"
equals "the same context from another folder and store, differences" "" "$(diff -rq "$APP/.larder" "$WORK/elsewhere/.larder" 2>&1)"
build elsewhere "$WORK/elsewhere" --network=none --build-context "larder=$WORK/elsewhere/.larder" --build-arg BUILD_HASH=two
built "a context from another folder, store and time" elsewhere "install CACHED, Pyodide CACHED, Vite CACHED" "0 requests, 0 twice"

# What the project has no use for.
unrelated=$WORK/unrelated
mkdir "$unrelated"
printf 'registry=%s/npm/\n' "$REGISTRY" >"$unrelated/.npmrc"
printf '{"name": "unrelated", "version": "1.0.0", "dependencies": {"is-odd": "3.0.1"}}\n' >"$unrelated/package.json"
(cd "$unrelated" && npm install --package-lock-only --loglevel=error >/dev/null && "$LARDER" fetch --quiet --store "$WORK/store")
context "$APP" "$WORK/store"
build unrelated "$APP" "${OFFLINE[@]}" --build-arg BUILD_HASH=two
built "the store has files of another project, too" unrelated "install CACHED, Pyodide CACHED, Vite CACHED" "0 requests, 0 twice"

# A package less for Python, and nothing else: what installs npm's packages does not mount it.
sed -i '/"gsw",/d' "$APP/larder.toml" "$APP/larder.lock"
sed -i '/^\[\[package\]\]$/{N;/\nname = "gsw"$/{:skip;N;/\n$/!b skip;d}}' "$APP/larder.lock"
equals "entries of gsw in the changed larder.lock" 0 "$(grep -c gsw "$APP/larder.lock")"
context "$APP" "$WORK/store"
build python "$APP" "${OFFLINE[@]}" --build-arg BUILD_HASH=two
built "larder.lock alone changed" python "install CACHED, Pyodide ran, Vite ran" "0 requests, 0 twice"

# Beside a step that needs a network whatever larder does.
sed 's/^RUN \(--mount=.*larder.*\)/RUN --network=none \1/; s|^WORKDIR /app$|&\nRUN wget -q -O /dev/null '"$REGISTRY"'/npm/ws|' "$APP/Dockerfile" >"$APP/Dockerfile.beside"
equals "larder's steps without a network" 2 "$(grep -c '^RUN --network=none --mount' "$APP/Dockerfile.beside")"
build beside "$APP" --file "$APP/Dockerfile.beside" --network=host --build-context "larder=$APP/.larder" --build-arg BUILD_HASH=two --target frontend
equals "larder's steps without a network, beside one that has it" "exit code 0; ran; install ran, Pyodide ran, Vite ran" \
	"exit code $CODE; $(step beside 'RUN wget'); $(steps beside)"
equals "larder's steps without a network, requests other than that step's" "" "$(asked_for beside | grep -v -x /npm/ws)"

if [ "$ENGINE" = own ]; then
	docker builder prune --all --force >"$WORK/prune.out"
	build pruned "$APP" "${OFFLINE[@]}" --build-arg BUILD_HASH=two
	built "docker builder prune -af" pruned "install ran, Pyodide ran, Vite ran" "0 requests, 0 twice"
else
	skip "docker builder prune -af: the engine is not the tests' own"
fi

if another_engine; then
	build fresh "$APP" "${OFFLINE[@]}" --build-arg BUILD_HASH=two
	built "a new builder" fresh "install ran, Pyodide ran, Vite ran" "0 requests, 0 twice"
else
	skip "a new builder: $NO_ENGINE"
fi
finish
