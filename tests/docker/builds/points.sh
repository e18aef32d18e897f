#!/usr/bin/env bash
# The five points that a team asks of its image builds, each by what a person does.
source "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
prepare

# commit MESSAGE: everything that is not ignored, by nobody in particular.
commit() { git add --all && git -c user.name=tests -c user.email=tests@example.invalid commit --quiet --message "$1"; }

# stamp PROJECT HASH: the version that a build of this project would be stamped with. Its configuration needs Svelte's plugin, but the stamp does not.
stamp() {
	mkdir -p "$1/node_modules/@sveltejs/vite-plugin-svelte"
	printf '{"name": "@sveltejs/vite-plugin-svelte", "type": "module", "exports": "./index.js"}\n' >"$1/node_modules/@sveltejs/vite-plugin-svelte/package.json"
	printf 'export const vitePreprocess = () => [];\n' >"$1/node_modules/@sveltejs/vite-plugin-svelte/index.js"
	(cd "$1" && BUILD_HASH=$2 GIT_CEILING_DIRECTORIES=$1/.. node --input-type=module -e 'import("./svelte.config.js").then(({ version }) => console.log(version()))')
	rm -r "$1/node_modules"
}

# visit WHAT NAME FOOTER: runs the image of that build without a network and opens it in Chromium, which has the container's network and no other.
visit() {
	local container pid
	install_chromium || true
	for program in chromium nsenter; do command -v "$program" >/dev/null 2>&1 || { skip "$1: $program is not installed" && return; }; done
	container=$(docker run --detach --network=none "larder-test/$2")
	pid=$(docker inspect --format '{{.State.Pid}}' "$container")
	if nsenter --target "$pid" --net true 2>/dev/null; then
		until nsenter --target "$pid" --net bash -c ': </dev/tcp/127.0.0.1/8080' 2>/dev/null; do kill -0 "$pid" && sleep 0.1; done
		nsenter --target "$pid" --net node "$ROOT/tests/docker/browse.mjs" http://127.0.0.1:8080/ >"$WORK/seen.json"
		equals "$1, its last line" "$3" "$(field "$WORK/seen.json" footer)"
		equals "$1, what Python said" "pandas $(locked pandas) on numpy $(locked numpy)" "$(field "$WORK/seen.json" output | grep '^pandas ')"
		equals "$1, what was asked for elsewhere or not had" "" "$(node -p 'JSON.parse(fs.readFileSync(process.argv[1], "utf8")).problems.join("; ")' "$WORK/seen.json")"
	else
		skip "$1: the container's network cannot be entered (not root, or not this machine's engine)"
	fi
	docker rm --force "$container" >/dev/null
}

# locked PACKAGE: its version in the example's larder.lock.
locked() { sed -n "/^name = \"$1\"$/{n;s/^version = \"\(.*\)\"$/\1/p}" "$ROOT/examples/webui/larder.lock"; }

ONLINE=(--network=host)
APP=$WORK/webui
webui "$APP"
(cd "$APP" && git init --quiet && git add --all && commit first)
build first "$APP" "${ONLINE[@]}" --build-arg BUILD_HASH=one
equals "the example builds, exit code" 0 "$CODE"

say "1. after a change of the backend alone, the front-end stage is cached"
printf '\n# An edit.\n' >>"$APP/backend/server.py"
build backend "$APP" "${ONLINE[@]}" --build-arg BUILD_HASH=one
equals "a backend edit, what ran" "COPY backend backend" "$(ran backend)"
equals "a backend edit" "$(requests backend)" "0 requests, 0 twice"

say "2. helper scripts leave the build cache alone"
helper() { (cd "$APP" && BUILD_HASH=one run "$WORK/helper" "$@"); }
equals "run.sh, exit code" 0 "$(helper ./run.sh --build -- "${IMAGES[@]}" "${ONLINE[@]}")"
equals "clean.sh, exit code" 0 "$(helper ./clean.sh)"
build cleaned "$APP" "${ONLINE[@]}" --build-arg BUILD_HASH=one
equals "a build after both, what ran" "" "$(ran cleaned)"
if [ "$ENGINE" = own ]; then
	equals "run.sh --prune, exit code" 0 "$(helper ./run.sh --build --prune -- "${IMAGES[@]}" "${ONLINE[@]}")"
	build kept "$APP" "${ONLINE[@]}" --build-arg BUILD_HASH=one
	equals "a build after run.sh --prune, what ran" "" "$(ran kept)"
	equals "clean.sh --prune, exit code" 0 "$(helper ./clean.sh --prune)"
	equals "what clean.sh --prune leaves of the build cache" 0 "$(docker buildx du | awk '/^Total:/ { print $2 + 0 }')"
	build first "$APP" "${ONLINE[@]}" --build-arg BUILD_HASH=one
else
	skip "what --prune does: the engine is not the tests' own"
fi
mkdir "$WORK/programs"
ln -s "$LARDER" "$WORK/programs/larder"
equals "run.sh with larder on the machine and no network in the build, exit code" 0 \
	"$(PATH=$WORK/programs:$PATH LARDER_STORE=$WORK/store helper ./run.sh --build -- "${IMAGES[@]}" --network=none)"
rm -r "$APP/.larder"
equals "scripts that prune without being asked" "" "$(cd "$APP" && grep -l prune ./*.sh | while read -r script; do
	grep -n 'docker.*prune' "$script" | grep -v 'is_pruned = no \] ||' | grep -v '#' || true
done)"

say "3. the build context holds no .git"
mkdir -p "$APP/node_modules/left-over" "$APP/dist" "$APP/static/pyodide"
printf 'FROM scratch\nCOPY . /\n' >"$WORK/context.Dockerfile"
docker buildx build --quiet --file "$WORK/context.Dockerfile" --output "type=local,dest=$WORK/context" "$APP" >"$WORK/context.out" 2>&1 || show_build context
equals "what has files in the context" ".npmrc backend index.html larder.lock larder.toml package-lock.json package.json src svelte.config.js tsconfig.json vite.config.ts" \
	"$(cd "$WORK/context" && find . -type f | cut -d / -f 2 | LC_ALL=C sort -u | tr '\n' ' ' | sed 's/ $//')"
rm -r "$APP/node_modules" "$APP/dist" "$APP/static"
(cd "$APP" && commit second)
build commit "$APP" "${ONLINE[@]}" --build-arg BUILD_HASH=one
equals "a new commit with the same BUILD_HASH, what ran" "" "$(ran commit)"

say "4. a new BUILD_HASH re-runs Vite alone"
build hash "$APP" "${ONLINE[@]}" --build-arg BUILD_HASH=two --target frontend
equals "a new BUILD_HASH, what ran" "RUN npm run build:vite" "$(ran hash)"
equals "a new BUILD_HASH" "0 requests, 0 twice" "$(requests hash)"
build hash "$APP" "${ONLINE[@]}" --build-arg BUILD_HASH=two
visit "the page" hash "Front end two · backend two"

say "5. what runs stays the same, and is stamped without .git"
build unstamped "$APP" "${ONLINE[@]}"
visit "the page of a build without BUILD_HASH" unstamped "Front end $(cd "$APP" && node -p 'require("./package.json").version') · backend development"
equals "the stamp with BUILD_HASH" three "$(stamp "$APP" three)"
equals "the stamp in a repository" "$(git -C "$APP" rev-parse HEAD)" "$(stamp "$APP" '')"
rm -rf "$APP/.git"
equals "the stamp without .git" 0.1.0 "$(stamp "$APP" '')"
sed -i '/"version": "0.1.0",/d' "$APP/package.json"
before=$(date +%s%3N)
time=$(stamp "$APP" '')
if [[ $time =~ ^[0-9]{13}$ ]] && [ "$time" -ge "$before" ]; then pass "the stamp without a version either: the time ($time)"; else fail "the stamp without a version either: $time"; fi
finish
