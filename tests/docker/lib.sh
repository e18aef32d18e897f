# What the builds on a real engine share. Sourced by each of tests/docker/builds, which then calls `prepare`.
#
# The example app is copied, pointed at a registry on this machine that writes each request down, and built. Nothing else in the copy is changed.
# The first script to prepare starts engine, registry and base images; those that it runs (tests/run starts them all) find them in the environment.
source "$(dirname "${BASH_SOURCE[0]}")/../clients/lib.sh"
source "$ROOT/tests/clients/pyodide.sh"
source "$ROOT/tests/docker/engine.sh"
source "$ROOT/tests/docker/images.sh"
trap 'leave_engine; stop_servers; stop_engines; rm -rf "$WORK"' EXIT

RELEASE=314.0.3
LARDER_IMAGE=larder-test/larder
MOUNT=larder-test-$(basename "${0%.sh}")-$$
# Whatever the Dockerfile calls its images, these are there.
IMAGES=(--build-arg "NODE_IMAGE=$NODE_IMAGE" --build-arg "PYTHON_IMAGE=$PYTHON_IMAGE" --build-arg "LARDER_IMAGE=$LARDER_IMAGE")

# prepare: an engine, a registry, base images and a static binary, or an end with the reason.
prepare() {
	[ -z "${PREPARED:-}" ] || return 0
	STATIC=${STATIC:-$("$ROOT/docker/static.sh")} || { fail "larder cannot be built as a static binary" && finish; }
	LARDER=$STATIC
	find_engine || { skip "builds: $NO_ENGINE" && finish; }
	distribution "$RELEASE" || { skip "builds: the wheels of Pyodide $RELEASE cannot be had" && finish; }
	start_registry && base_images || { fail "no base images" && finish; }
	PREPARED=yes
	export STATIC LARDER ENGINE DOCKER_HOST DOCKER_CONFIG REGISTRY REQUEST_LOG OWN_PACKAGES PREPARED PATH
	IS_MINE=yes
	say "an engine ($ENGINE): $(docker version --format 'Docker {{.Server.Version}}'), $(docker buildx version | awk '{print $2, $3}')"
}

# Whoever prepared takes the images away again, if the engine outlives the tests.
leave_engine() {
	[ -n "${IS_MINE:-}" ] && [ "$ENGINE" = running ] || return 0
	docker image ls --filter 'reference=larder-test/*' --format '{{.Repository}}' | sort -u | xargs -r docker image rm --force >/dev/null
}

start_registry() {
	local port
	REQUEST_LOG=$WORK/requests
	: >"$REQUEST_LOG"
	: >"$WORK/registry"
	OWN_PACKAGES=$WORK/own
	mkdir -p "$OWN_PACKAGES"
	NPM=$(npm config get registry) OWN=$OWN_PACKAGES FILES=$(file_host) PYODIDE=$PYODIDE \
		node "$ROOT/tests/docker/registry.mjs" "$REQUEST_LOG" "$CLIENTS/registry" >"$WORK/registry" 2>"$WORK/registry.err" &
	SERVERS+=($!)
	until port=$(cat "$WORK/registry") && [ -n "$port" ]; do kill -0 "${SERVERS[-1]}" && sleep 0.05; done
	REGISTRY=http://127.0.0.1:$port
}

# The host of the Python index's files, from the one place that names it.
file_host() { sed -n 's/^pub const PYTHON_FILES: &str = "\(.*\)";/\1/p' "$ROOT/src/core/endpoints.rs"; }

# webui FOLDER: the example as a person has it after a clone, with its registries here, and a cache mount that no other script has.
webui() {
	rm -rf "$1"
	mkdir -p "$1"
	tar -C "$ROOT/examples/webui" --exclude ./node_modules --exclude ./dist --exclude ./static --exclude ./.larder --exclude __pycache__ -cf - . | tar -C "$1" -xf -
	sed -i "s/id=larder,/id=$MOUNT,/" "$1/Dockerfile"
	# Equal steps are one to a builder, whatever the id of their mount: a line of its own keeps each script's apart from those of others.
	printf '; %s\nregistry=%s/npm/\n' "$MOUNT" "$REGISTRY" >"$1/.npmrc"
	printf 'sources = ["%s/pyodide/v{version}/full/"]\nfiles = "%s/files/"\n' "$REGISTRY" "$REGISTRY" >>"$1/larder.toml"
}

# naive FOLDER: the example with the Dockerfile that most have: an argument on top, everything copied, a build that fetches Pyodide by a script of its own.
naive() {
	webui "$1"
	cp "$ROOT"/tests/docker/naive/* "$1"
	rm "$1/.dockerignore"
	files_of "$1" | grep -v '^/npm/' | sed "s|^|$REGISTRY|" >"$1/pyodide.list"
	# As most lockfiles are, with an address for each package: npm then asks for the tarballs alone.
	node "$ROOT/tests/docker/naive.mjs" "$1" "$REGISTRY/npm"
}

# build NAME FOLDER OPTION…: leaves the steps in $WORK/NAME.steps, the requests in $WORK/NAME.requests, how long it took in TOOK, its exit code in CODE.
build() {
	local name=$1 folder=$2 from started
	shift 2
	from=$(wc -l <"$REQUEST_LOG")
	started=$(date +%s%N)
	CODE=0
	docker buildx build --progress=rawjson --load --tag "larder-test/$name" "${IMAGES[@]}" "$@" "$folder" 2>"$WORK/$name.err" >"$WORK/$name.out" || CODE=$?
	TOOK=$(seconds_since "$started")
	node "$ROOT/tests/docker/steps.mjs" "$WORK/$name.err" >"$WORK/$name.steps"
	requests_since "$from" >"$WORK/$name.requests"
	[ "$CODE" = 0 ] || show_build "$name"
}

seconds_since() { awk -v from="$1" -v to="$(date +%s%N)" 'BEGIN { printf "%.1f", (to - from) / 1e9 }'; }
requests_since() { tail -n "+$(($1 + 1))" "$REQUEST_LOG"; }

# What a failed build said.
show_build() { node "$ROOT/tests/docker/steps.mjs" "$WORK/$1.err" --log | tail -n 15 | sed 's/^/        /'; }

# step NAME WORDS: how the step whose line has these words ended: CACHED, ran, FAILED, or absent.
step() {
	awk -F '\t' -v words="$2" 'index($2, words) { end = $1 } END { print end == "" ? "absent" : end ~ /^[0-9]/ ? "ran" : end }' "$WORK/$1.steps"
}

# steps NAME: the three that matter, in one word each.
steps() { say "install $(step "$1" 'run -- npm ci'), Pyodide $(step "$1" 'view pyodide'), Vite $(step "$1" 'npm run build:vite')"; }

# requests NAME: how many, and how many of them for what had been asked for before in the same build.
requests() {
	local all once
	all=$(wc -l <"$WORK/$1.requests")
	once=$(cut -d ' ' -f 2 "$WORK/$1.requests" | sort -u | wc -l)
	say "$all requests, $((all - once)) twice"
}
bytes() { awk '{ sum += $4 } END { printf "%d", sum }' "$WORK/$1.requests"; }

# built WHAT NAME STEPS REQUESTS: the claim that this build ended well, with these steps and requests.
built() {
	equals "$1" "exit code 0; $3; $4" "exit code $CODE; $(steps "$2"); $(requests "$2")"
}

# ran NAME: the Dockerfile's lines that ran in that build, without their mounts; what was cached is not there.
ran() { sed -n 's/^[0-9.]*\t\[[^]]* [0-9]*\/[0-9]*\] \(COPY\|RUN\|WORKDIR\)/\1/p' "$WORK/$1.steps" | sed 's/--mount=[^ ]* *//g' | LC_ALL=C sort; }

# files_of PROJECT [LIBC…]: the path of each file that its lockfiles name for this machine, by a reading that is not larder's.
files_of() { node "$ROOT/tests/docker/named-files.mjs" "$@"; }

# asked_for NAME: the paths that a build asked for.
asked_for() { cut -d ' ' -f 2 "$WORK/$1.requests" | sort; }
