#!/usr/bin/env bash
# `larder init --docker --write` on Dockerfiles as people write them: what comes of each builds, a new BUILD_HASH makes no request where it made some, and what is
# built is the same. A second time, nothing is changed.
source "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
prepare

# adopt NAME FOLDER: leaves what is said in $WORK/NAME-init.out. Nothing is written before `--write`.
adopt() {
	local before code
	before=$(digests "$2")
	(cd "$2" && "$LARDER" init --docker) >"$WORK/$1.shown" 2>&1
	equals "$1: without --write, files that change" "" "$(digests "$2" | diff <(printf '%s\n' "$before") -)"
	code=$(cd "$2" && run "$WORK/$1-init" "$LARDER" init --docker --write)
	equals "$1: larder init --docker --write, exit code" 0 "$code"
	before=$(digests "$2")
	(cd "$2" && "$LARDER" init --docker --write) >"$WORK/$1.again" 2>&1
	equals "$1: a second time, files that change" "" "$(digests "$2" | diff <(printf '%s\n' "$before") -)"
	sed -i "s/id=larder,/id=$MOUNT,/" "$2"/Dockerfile*
}
digests() { (cd "$1" && find . -type f ! -path './node_modules/*' -exec sha256sum {} + | sort); }

# compared NAME FOLDER STAGE-PATH: the Dockerfile before and after, each built with two commits.
compared() {
	local name=$1 folder=$2 path=$3
	cp -r "$folder" "$folder-before"
	build "$name-before" "$folder-before" --network=host --build-arg BUILD_HASH=one
	equals "$name: before, exit code" 0 "$CODE"
	contents "$name-before" "$path" >"$WORK/$name.files"
	build "$name-before" "$folder-before" --network=host --build-arg BUILD_HASH=two
	equals "$name: before, a new BUILD_HASH makes requests" yes "$([ -s "$WORK/$name-before.requests" ] && say yes)"
	adopt "$name" "$folder"
	build "$name" "$folder" --network=host --build-arg BUILD_HASH=one
	equals "$name: after, exit code" 0 "$CODE"
	contents "$name" "$path" >"$WORK/$name.adopted"
	equals "$name: files that differ from the build before" "" "$(diff "$WORK/$name.files" "$WORK/$name.adopted")"
	equals "$name: there are files" yes "$([ "$(wc -l <"$WORK/$name.adopted")" -gt 1 ] && say yes)"
	build "$name" "$folder" --network=host --build-arg BUILD_HASH=two
	equals "$name: after, a new BUILD_HASH" "exit code 0; 0 requests, 0 twice" "exit code $CODE; $(requests "$name")"
	(cd "$folder" && "$LARDER" view context .larder --quiet --store "$WORK/store")
	build "$name" "$folder" --network=none --no-cache --build-context "larder=$folder/.larder" --build-arg BUILD_HASH=three
	equals "$name: after, with a context, no cache and no network" "exit code 0; 0 requests, 0 twice" "exit code $CODE; $(requests "$name")"
}

# contents NAME PATH: the digests of what an image has there, but for Pyodide's folder, into which a script puts more than the page loads.
contents() {
	local container
	container=$(docker create "larder-test/$1" true)
	rm -rf "$WORK/contents"
	docker cp --quiet "$container:$2" "$WORK/contents" 2>/dev/null || docker cp "$container:$2" "$WORK/contents" >/dev/null
	docker rm "$container" >/dev/null
	(cd "$WORK/contents" && find . -type f ! -path './pyodide/*' -exec sha256sum {} + | sort)
}

# The archetype: an argument on top, everything copied, a build that fetches Pyodide.
NAIVE=$WORK/naive
naive "$NAIVE"
rm "$NAIVE/Dockerfile.reordered"
compared naive "$NAIVE" /app/dist
equals "naive: what is left to a person" 0 "$(grep -c '^Dockerfile:' "$WORK/naive-init.out")"

# Workspaces, three stages, a user of its own, a hook, an array of words; the lockfile is npm's.
SPACES=$WORK/spaces
mkdir -p "$SPACES"/packages/{one,two}/src
cd "$SPACES"
printf '; %s\nregistry=%s/npm/\n' "$MOUNT" "$REGISTRY" >.npmrc
cat >package.json <<-'END'
	{
	  "name": "spaces",
	  "private": true,
	  "workspaces": ["packages/*"],
	  "scripts": {
	    "postinstall": "patch-package || true",
	    "build": "node packages/two/build.js",
	    "postbuild": "node packages/two/after.js"
	  }
	}
END
printf '{"name": "one", "version": "1.0.0", "dependencies": {"picocolors": "1.1.1"}}\n' >packages/one/package.json
printf '{"name": "two", "version": "1.0.0", "dependencies": {"one": "1.0.0", "nanoid": "5.1.5"}}\n' >packages/two/package.json
cat >packages/two/build.js <<-'END'
	const fs = require('fs');
	fs.mkdirSync('dist', { recursive: true });
	const names = fs.readdirSync('packages/one/src').sort();
	const { version } = require('picocolors/package.json');
	fs.writeFileSync('dist/site.txt', [version, process.env.npm_lifecycle_event, ...names].join('\n'));
END
printf "require('fs').copyFileSync('packages/one/src/a.txt', 'dist/a.txt');\n" >packages/two/after.js
printf 'a\n' >packages/one/src/a.txt
npm install --package-lock-only --ignore-scripts --silent
cat >Dockerfile <<-'END'
	ARG NODE_IMAGE
	FROM ${NODE_IMAGE} AS base
	WORKDIR /app

	FROM base AS deps
	# The commit.
	ARG BUILD_HASH
	ENV COMMIT=$BUILD_HASH
	COPY . .
	RUN ["npm", "ci"]

	FROM base AS builder
	COPY --from=deps /app/node_modules node_modules
	COPY . .
	ARG BUILD_HASH
	RUN npm run build

	FROM base
	ARG BUILD_HASH
	LABEL commit=$BUILD_HASH
	USER 1000:1000
	WORKDIR /srv
	COPY --chown=1000:1000 package.json package-lock.json .npmrc ./
	COPY --chown=1000:1000 packages/one/package.json packages/one/
	COPY --chown=1000:1000 packages/two/package.json packages/two/
	ENV HOME=/srv
	RUN npm ci --omit=dev && rm -rf .npm
	COPY --from=builder /app/dist /srv/dist
END
cd "$ROOT"
compared spaces "$SPACES" /srv
finish
