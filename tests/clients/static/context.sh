#!/usr/bin/env bash
# `larder view context`: two stores give the same folder to the byte, and from nothing but that folder `npm ci` installs, with an empty home and the network cut.
source "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
source "$ROOT/tests/clients/npm.sh"
need node "context"
need npm "context"
need_npm 11 "context" || finish
need_cut_network "context"
STATIC=${STATIC:-$("$ROOT/docker/static.sh" 2>"$WORK/build")} || { fail "larder cannot be built as a static binary" && tail -n 15 "$WORK/build" && finish; }

# listed FOLDER: every name, mode and digest.
listed() { (cd "$1" && find . -printf '%P %m %y\n' | sort && find . -type f -print0 | sort -z | xargs -0 sha256sum); }

# context NAME STORE: makes the context at $WORK/NAME and prints how long it took.
context() {
	local code start=$EPOCHREALTIME
	code=$(cd "$(project_of "$PROJECT")" && run "$WORK/context" "$STATIC" view context "$WORK/$1" --store "$2" --platform linux/amd64 --platform linux/arm64)
	equals "$PROJECT: exit code of view context ($1)" 0 "$code"
	[ "$code" = 0 ] || show "$WORK/context"
	say "        $(tail -n 1 "$WORK/context.out"), $(du -sm "$WORK/$1" | cut -f1) MiB, $(node -p "($EPOCHREALTIME - $start).toFixed(2)") s"
}

for PROJECT in webui large; do
	fill_store "$PROJECT" || continue
	context first "$STORE"
	context first "$STORE"
	context second "$WORK/other-store-$PROJECT"
	equals "$PROJECT: differences between the contexts of two stores" 0 "$(diff <(listed "$WORK/first") <(listed "$WORK/second") | grep -c '^[<>]' || true)"
	rm -rf "$WORK/second" "$WORK/other-store-$PROJECT"
	[ "$PROJECT" = webui ] || continue
	reference 11 webui || continue
	at=$(tree_folder webui)
	mkdir "$WORK/home"
	before=$(listed "$WORK/first")
	code=$(cd "$at" && HOME=$WORK/home LARDER_STORE='' npm_config_cache=$WORK/npm-cache run "$WORK/offline" with_npm 11 cut_network "$WORK/first/bin/larder" run --offline -- npm ci $(flags_of webui))
	equals "webui: exit code of larder run --offline -- npm ci from the context alone, network cut" 0 "$code"
	[ "$code" = 0 ] || show "$WORK/offline"
	same_tree "webui, from the context alone" "$at"
	equals "webui: blobs copied out of the context" 0 "$(find "$WORK/home/.cache/larder/blobs" -type f | wc -l)"
	if [ "$before" = "$(listed "$WORK/first")" ]; then pass "webui: the context is as it was"; else fail "webui: the context was changed"; fi
	rm -rf "$at"
done
finish
