#!/usr/bin/env bash
# The ways to build of docs/docker.md, each copied from the page: plain, context, compose, bake, build-push-action, several processors, another user, a secret.
source "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
source "$ROOT/tests/docker/recipes.sh"
prepare
NPM_CI='run -- npm ci'

# Without larder: the order alone.
project reordered npm
npm_locked
{ recipe reordered && recipe site; } | sed "s/target=\/root\/.npm/id=$MOUNT-npm,&/" >"$APP/Dockerfile"
build reordered "$APP" --network=host --build-arg BUILD_HASH=one
equals "reordered, first build" "exit code 0; step ran; 3 requests, 0 twice" "$(ended reordered 'npm ci')"
build reordered "$APP" --network=host --build-arg BUILD_HASH=two
equals "reordered, new BUILD_HASH" "exit code 0; step CACHED; 0 requests, 0 twice" "$(ended reordered 'npm ci')"

project plain npm
npm_locked
in_a_mount plain "$NPM_CI" 3
in_a_context plain "$NPM_CI"

# Compose's file and Bake's are read by Bake; without a network, and with this test's images, which a file of its own says.
project compose npm
npm_locked
context
recipe compose.yaml >"$APP/compose.yaml"
recipe docker-bake.hcl >"$APP/docker-bake.hcl"
printf 'services:\n  web:\n    build:\n      network: none\n' >"$APP/compose.test.yaml"
# bake NAME BUILD_HASH FILE…
bake() {
	local name=$1 hash=$2 file
	local -a files=()
	shift 2
	for file in "$@"; do files+=(--file "$file"); done
	BUILD_HASH=$hash counted_build "$name" in_app docker buildx bake "${files[@]}" --load --set "web.tags=larder-test/$name" --set "web.args.NODE_IMAGE=$NODE_IMAGE" ${NO_CACHE:-}
}
in_app() (cd "$APP" && "$@")
# baked NAME FILE…
baked() {
	local name=$1
	shift
	bake "$name" "$name-one" "$@"
	equals "$name" "exit code 0; step $FIRST; 0 requests, 0 twice" "$(ended "$name" "$NPM_CI")"
	bake "$name" "$name-two" "$@"
	equals "$name, new BUILD_HASH" "exit code 0; step CACHED; 0 requests, 0 twice; built as $name-two" "$(ended "$name" "$NPM_CI"); $(site_of "$name")"
	NO_CACHE=--no-cache bake "$name" "$name-two" "$@"
	equals "$name, --no-cache" "exit code 0; step ran; 0 requests, 0 twice" "$(ended "$name" "$NPM_CI")"
}
FIRST=ran baked compose compose.yaml compose.test.yaml
# The same steps as the service's.
FIRST=CACHED baked bake docker-bake.hcl compose.test.yaml
# The user that the block names is node's in node's images.
docker build --quiet --network=none --tag larder-test/node-user --build-arg "NODE_IMAGE=$NODE_IMAGE" - >/dev/null <<'END'
ARG NODE_IMAGE
FROM ${NODE_IMAGE}
RUN echo 'node:x:1000:1000:node:/home/node:/bin/sh' >>/etc/passwd && echo 'node:x:1000:' >>/etc/group && mkdir -p /home/node && chown 1000:1000 /home/node
END
project user user
npm_locked
in_a_mount user 'npm ci' 3 --build-arg NODE_IMAGE=larder-test/node-user
in_a_context user 'npm ci' --build-arg NODE_IMAGE=larder-test/node-user

# The registry answers 401 without the token. The project's configuration has none.
project private private
sed -i 's|/npm/$|/private/|' "$APP/.npmrc"
printf '//%s/private/:_authToken=larder-test\n' "${REGISTRY#http://}" >"$WORK/npmrc"
export NPM_CONFIG_USERCONFIG=$WORK/npmrc
npm_locked
in_a_mount private "$NPM_CI" 3 --secret "id=npmrc,src=$WORK/npmrc"
equals "private, answers other than 200" 0 "$(grep ' /private/' "$REQUEST_LOG" | grep -vc ' 200 ' || true)"
# The action writes a secret's value to a file, and names that.
mapfile -t options < <(inputs workflow-mount | sed "s|registry.example/larder@sha256:DIGEST|$LARDER_IMAGE|; s/\${{ github\.sha }}/two/; s|npmrc=\${{ secrets\.NPMRC }}|id=npmrc,src=$WORK/npmrc|")
equals "build-push-action without a context, its inputs as options" \
	"--build-arg LARDER_IMAGE=$LARDER_IMAGE --build-arg BUILD_HASH=two --secret id=npmrc,src=$WORK/npmrc ." "${options[*]}"
build private-action "$APP" --network=host --no-cache "${options[@]::${#options[@]}-1}"
equals "build-push-action without a context" "exit code 0; step ran; 3 requests, 0 twice" "$(ended private-action "$NPM_CI")"
in_a_context private "$NPM_CI"
unset NPM_CONFIG_USERCONFIG
build private-without "$APP" --network=host --build-arg BUILD_HASH=one --no-cache
equals "private, with neither a secret nor a context" "exit code 1; 401" "exit code $CODE; $(awk '{ print $3 }' "$WORK/private-without.requests" | sort -u)"

# Images for several processors at once: an engine that keeps images in containerd. What is built runs on this machine's processor.
another_engine '{ "features": { "containerd-snapshotter": true } }' || { fail "no engine for several processors: $NO_ENGINE" && finish; }
# for_both NAME EXPECTED-STEP OPTION…: both images' sites, and what their builds requested.
for_both() {
	local name=$1 expected=$2
	shift 2
	rm -rf "$WORK/both"
	counted_build "$name" in_app docker buildx build --network=none --output "type=local,dest=$WORK/both" --build-arg "NODE_IMAGE=$NODE_IMAGE" "$@"
	equals "$name" "exit code 0; step $expected; 0 requests, 0 twice" "$(ended "$name" "$NPM_CI")"
	equals "$name, installs" 1 "$(grep -c "$NPM_CI" "$WORK/$name.steps")"
}
project multi-arch npm
npm_locked
context
BOTH=(--platform linux/amd64,linux/arm64 --build-context larder=.larder)
for_both multi-arch ran "${BOTH[@]}" --build-arg BUILD_HASH=one .
for_both "multi-arch, new BUILD_HASH" CACHED "${BOTH[@]}" --build-arg BUILD_HASH=two .
for_both "multi-arch, --no-cache" ran "${BOTH[@]}" --build-arg BUILD_HASH=two --no-cache .
equals "multi-arch, the sites" "linux_amd64 built as two, linux_arm64 built as two" "$(cd "$WORK/both" && say "$(for one in *; do printf '%s %s, ' "$one" "$(cat "$one/index.html")"; done | sed 's/, $//')")"

# What the action makes of its inputs.
mapfile -t options < <(inputs workflow | sed 's/\${{ github\.sha }}/three/')
equals "build-push-action, its inputs as options" "--build-context larder=.larder --build-arg BUILD_HASH=three --platform linux/amd64,linux/arm64 ." "${options[*]}"
for_both build-push-action CACHED "${options[@]}"
equals "build-push-action, the site" "built as three" "$(cat "$WORK/both/linux_arm64/index.html")"
finish
