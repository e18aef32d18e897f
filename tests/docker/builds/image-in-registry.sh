#!/usr/bin/env bash
# The context as an image: `larder push oci://…` into a registry, and builds that name it as LARDER_IMAGE alone, on a builder that has nothing, with the network of each step cut.
source "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
source "$ROOT/tests/clients/share.sh"
prepare
oci_programs docker-registry
start_oci_registry kept
SERVERS+=("${OCI_REGISTRIES[@]}")

APP=$WORK/webui
webui "$APP"

# push: the example into the registry; prints larder's exit code.
push() { (cd "$APP" && run "$WORK/push" "$LARDER" push "oci://$HOST/team/web:{plan}" --store "$WORK/store" --json); }
image() { IMAGES=(--build-arg "NODE_IMAGE=$NODE_IMAGE" --build-arg "PYTHON_IMAGE=$PYTHON_IMAGE" --build-arg "LARDER_IMAGE=$1"); }

equals "exit code of larder push" 0 "$(push)" || show "$WORK/push"
say "        $(pushed sent) layers, $(($(pushed bytes) >> 20)) MiB in $(pushed seconds) s"

image "$(pushed image)"
build first "$APP" --network=none --build-arg BUILD_HASH=one
built "first build, the image by its digest" first "install ran, Pyodide ran, Vite ran" "0 requests, 0 twice"
say "        in $TOOK s"

build hash "$APP" --network=none --build-arg BUILD_HASH=two
built "new BUILD_HASH" hash "install CACHED, Pyodide CACHED, Vite ran" "0 requests, 0 twice"

docker builder prune --all --force >/dev/null 2>&1
build pruned "$APP" --network=none --build-arg BUILD_HASH=two --no-cache
built "a builder that was emptied" pruned "install ran, Pyodide ran, Vite ran" "0 requests, 0 twice"

image "$HOST/team/web:latest"
build tag "$APP" --network=none --build-arg BUILD_HASH=two
built "the same image by its tag" tag "install CACHED, Pyodide CACHED, Vite CACHED" "0 requests, 0 twice"

# One dependency more: a few layers.
rm -rf "$WORK/kept-push" && cp "$WORK/push.out" "$WORK/kept-push"
whole=$(pushed bytes)
(cd "$APP" && npm install --package-lock-only --loglevel=error is-odd@3.0.1 >/dev/null)
equals "one dependency more: exit code of larder push" 0 "$(push)" || show "$WORK/push"
if [ "$(($(pushed bytes) * 10))" -lt "$whole" ]; then pass "one dependency more: less than a tenth of the first push's bytes"; else fail "one dependency more: $(pushed bytes) bytes, of $whole at first"; fi
say "        $(pushed sent) layers, $(($(pushed bytes) >> 10)) KiB"
image "$(pushed image)"
build more "$APP" --network=none --build-arg BUILD_HASH=two
built "one dependency more" more "install ran, Pyodide ran, Vite ran" "0 requests, 0 twice"
finish
