# What the tests of docs/docker.md's recipes share: its blocks as files, a tiny project, and builds whose requests are counted. Sourced after lib.sh.
#
# A recipe is a fenced block whose info string has a second word, its name: ```dockerfile npm. It is taken as it stands; all that is replaced is the id of the
# cache mount, so that no recipe finds what another one has downloaded.

# recipe NAME: the block of that name.
recipe() {
	awk -v name="$1" '/^```/ { on = $2 == name; found = found || on; next } on; END { exit !found }' "$ROOT/docs/docker.md" || { fail "docs/docker.md has no recipe $1" && finish; }
}

# dockerfile INSTALL [PYODIDE]: the lines in front of the front-end stage, those of the recipe `npm` with INSTALL's in place of its install and PYODIDE's after
# that, and the stage of the site.
dockerfile() {
	sed '/ AS frontend$/q' "$ROOT/Dockerfile.snippet"
	if [ "$1" = npm ]; then
		recipe npm | sed '/^COPY \. \./,$d'
	else
		recipe npm | sed '/^COPY package\.json/,$d'
		recipe "$1"
	fi
	[ -z "${2:-}" ] || recipe "$2"
	recipe npm | sed -n '/^COPY \. \./,$p'
	recipe site
}

# project NAME RECIPES [PACKAGE@VERSION…]: a project with the Dockerfile of these recipes, and a build script that needs its packages; sets APP. It has no
# lockfile yet.
project() {
	local name=$1 recipes=$2 dependency dependencies=
	shift 2
	APP=$WORK/$name
	mkdir -p "$APP"
	for dependency in debug@4.4.1 picocolors@1.1.1 "$@"; do dependencies+=${dependencies:+, }"\"${dependency%@*}\": \"${dependency##*@}\""; done
	printf '{ "name": "tiny", "version": "1.0.0", "private": true, "type": "module", "scripts": { "build": "node build.mjs" }, "dependencies": { %s } }\n' \
		"$dependencies" >"$APP/package.json"
	cat >"$APP/build.mjs" <<'END'
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
for (const name of Object.keys(JSON.parse(readFileSync('package.json')).dependencies)) await import(name);
mkdirSync('dist', { recursive: true });
if (existsSync('static')) cpSync('static', 'dist', { recursive: true });
writeFileSync('dist/index.html', `built as ${process.env.BUILD_HASH}\n`);
END
	# Equal steps are one to a builder: a line of its own keeps each recipe's apart from the others'.
	printf '; %s-%s\nregistry=%s/npm/\n' "$MOUNT" "$name" "$REGISTRY" >"$APP/.npmrc"
	recipe .dockerignore >"$APP/.dockerignore"
	# shellcheck disable=SC2086 # Words: one recipe or two.
	dockerfile $recipes | sed "s/id=larder,/id=$MOUNT-$name,/" >"$APP/Dockerfile"
}

# locked COMMAND…: writes APP's lockfile with its package manager.
locked() {
	local code
	code=$(cd "$APP" && run "$WORK/locked" "$@")
	[ "$code" = 0 ] && return
	fail "$*: exit code $code" && show "$WORK/locked"
}
npm_locked() { locked npm install --package-lock-only --ignore-scripts --omit-lockfile-registry-resolved=false --loglevel=error "$@"; }

# context [OPTION…]: APP's context, made as the page says.
context() { (cd "$APP" && "$LARDER" view context .larder --quiet --store "$WORK/store" "$@"); }

# ended NAME WORDS: how the build and its step with these words ended, and what was requested.
ended() { say "exit code $CODE; step $(step "$1" "$2"); $(requests "$1")"; }

# in_a_mount NAME WORDS REQUESTS [OPTION…]: a plain build makes so many requests, and none for a new BUILD_HASH.
in_a_mount() {
	local name=$1 words=$2 requests=$3
	shift 3
	build "$name" "$APP" --network=host --build-arg BUILD_HASH=one "$@"
	equals "$name, first build" "exit code 0; step ran; $requests requests, 0 twice" "$(ended "$name" "$words")"
	build "$name" "$APP" --network=host --build-arg BUILD_HASH=two "$@"
	equals "$name, new BUILD_HASH" "exit code 0; step CACHED; 0 requests, 0 twice" "$(ended "$name" "$words")"
	equals "$name, the site" "built as two" "$(site_of "$name")"
}

# in_a_context NAME WORDS [OPTION…]: with a context and without a network no build makes a request, `--no-cache` neither.
in_a_context() {
	local name=$1 words=$2
	shift 2
	context
	set -- --network=none --build-context "larder=$APP/.larder" "$@"
	build "$name" "$APP" --build-arg BUILD_HASH=three "$@"
	equals "$name, with a context" "exit code 0; step ran; 0 requests, 0 twice" "$(ended "$name" "$words")"
	build "$name" "$APP" --build-arg BUILD_HASH=four "$@"
	equals "$name, with a context, new BUILD_HASH" "exit code 0; step CACHED; 0 requests, 0 twice" "$(ended "$name" "$words")"
	build "$name" "$APP" --build-arg BUILD_HASH=four --no-cache "$@"
	equals "$name, with a context, --no-cache" "exit code 0; step ran; 0 requests, 0 twice" "$(ended "$name" "$words")"
	equals "$name, with a context, the site" "built as four" "$(site_of "$name")"
}

# site_of NAME: what that build wrote.
site_of() {
	local container
	container=$(docker create --pull never "larder-test/$1" true)
	docker cp "$container:/index.html" "$WORK/$1.html" >/dev/null 2>&1 || true
	docker rm "$container" >/dev/null
	cat "$WORK/$1.html" 2>/dev/null || say none
}

# counted_build NAME COMMAND…: what `build` leaves of a build, of any command that takes --progress.
counted_build() {
	local name=$1 from
	shift
	from=$(wc -l <"$REQUEST_LOG")
	CODE=0
	"$@" --progress=rawjson 2>"$WORK/$name.err" >"$WORK/$name.out" || CODE=$?
	node "$ROOT/tests/docker/steps.mjs" "$WORK/$name.err" >"$WORK/$name.steps"
	requests_since "$from" >"$WORK/$name.requests"
	[ "$CODE" = 0 ] || show_build "$name"
}

# inputs RECIPE: the buildx options that build-push-action makes of its inputs in that workflow, one a line.
inputs() {
	recipe "$1" | awk '
		/uses: docker\/build-push-action@/ { on = 1 }
		!on || !/^          ?[^ ]|^            [^ ]/ { next }
		/^          [a-z-]+:/ { key = $1; sub(/:$/, "", key); sub(/^ *[a-z-]+: */, ""); if ($0 == "|") next }
		{ sub(/^ */, ""); if (key == "context") last = $0; else if (key in as) print as[key] "\n" $0; else exit 1 }
		BEGIN { as["build-contexts"] = "--build-context"; as["build-args"] = "--build-arg"; as["secrets"] = "--secret"; as["platforms"] = "--platform" }
		END { print last }'
}
