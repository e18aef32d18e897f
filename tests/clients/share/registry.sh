#!/usr/bin/env bash
# `larder push`, `larder pull` and `larder fetch --from` with a registry that others wrote (Debian's docker-registry), and with copies that another tool (skopeo) makes of what was pushed.
source "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
source "$ROOT/tests/clients/npm.sh"
source "$ROOT/tests/clients/share.sh"
need node "registry"
oci_programs docker-registry skopeo
STATIC=${STATIC:-$("$ROOT/docker/static.sh" 2>"$WORK/build")} || { fail "larder cannot be built as a static binary" && tail -n 15 "$WORK/build" && finish; }
case $(uname -m) in
aarch64) PLATFORM=linux/arm64 ;;
*) PLATFORM=linux/amd64 ;;
esac

trap 'kill "${OCI_REGISTRIES[@]}" 2>/dev/null || true; rm -rf "$WORK" "$TREES"' EXIT

# push PROJECT [WORD…]: larder push of it, from the shared store; the exit code.
push() { run "$WORK/push" "$LARDER" push "$REF" "$1" --store "$STORE" --platform "$PLATFORM" --binary "$STATIC" --json "${@:2}"; }

# pull REFERENCE STORE PROJECT: the exit code.
pull() { run "$WORK/pull" from_nowhere "$LARDER" pull "$1" "$3" --store "$2" --platform "$PLATFORM" --json; }

# pulls_all WHAT REFERENCE [PROJECT]: into an empty store, which then has all of it.
pulls_all() {
	local store=$WORK/pulled start=$EPOCHREALTIME
	rm -rf "$store"
	equals "$1: exit code of larder pull" 0 "$(pull "$2" "$store" "${3:-$PROJECT}")"
	if [ "$(field "$WORK/pull.out" restored)" = "$(field "$WORK/pull.out" artifacts)" ]; then
		pass "$1: $(field "$WORK/pull.out" restored) artifacts restored, $(($(field "$WORK/pull.out" bytes) >> 20)) MiB in $(node -p "($EPOCHREALTIME - $start).toFixed(1)") s"
	else
		fail "$1: $(field "$WORK/pull.out" not_there) artifacts are not there" && show "$WORK/pull"
	fi
	equals "$1: exit code of larder fetch --offline then" 0 "$(run "$WORK/offline" "$LARDER" fetch "${3:-$PROJECT}" --store "$store" --platform "$PLATFORM" --offline)"
}

# layers_of NAME:TAG: digests of the layers of this machine's image, a line each.
layers_of() {
	skopeo inspect --tls-verify=false --override-os linux --override-arch "${PLATFORM#linux/}" "docker://$HOST/$1" | node -p 'JSON.parse(fs.readFileSync(0, "utf8")).Layers.join("\n")'
}

# kept DIGEST: where the registry keeps it.
kept() {
	local hex=${1#sha256:}
	say "$WORK/registry/docker/registry/v2/blobs/sha256/${hex:0:2}/$hex/data"
}

# listed FOLDER: every name, mode and digest.
listed() { (cd "$1" && find . -mindepth 1 -printf '%P %m %y\n' | sort && find . -type f -print0 | sort -z | xargs -0 sha256sum); }

PROJECT=$(project_of large)
fill_store large || finish
# skopeo packs layers, but not where it finds that the registry has them as they are.
start_oci_registry other
OTHER=$HOST
start_oci_registry registry
REF="oci://$HOST/team/web:{plan}"

equals "exit code of larder push" 0 "$(push "$PROJECT")" || show "$WORK/push"
plan=$(pushed plan)
layers=$(layers_of "team/web:$plan" | wc -l)
equals "layers sent, and layers of the image" "$layers" "$(pushed sent)"
say "        $(($(pushed bytes) >> 20)) MiB in $(pushed seconds) s"
equals "tags" "$plan latest" "$(skopeo list-tags --tls-verify=false "docker://$HOST/team/web" | node -p 'JSON.parse(fs.readFileSync(0, "utf8")).Tags.sort().join(" ")')"

before=$(grep -c '"[A-Z]* /v2/' "$WORK/registry.out")
equals "nothing new: exit code of larder push" 0 "$(push "$PROJECT")"
equals "nothing new: layers and bytes sent" "0 0 false" "$(pushed sent) $(pushed bytes) $(pushed is_written)"
equals "nothing new: requests" 2 "$(($(grep -c '"[A-Z]* /v2/' "$WORK/registry.out") - before))"
say "        in $(pushed seconds) s"

equals "the image by its digest" "$HOST/team/web@$(skopeo inspect --tls-verify=false --raw "docker://$HOST/team/web:latest" | sha256sum | sed 's/^/sha256:/; s/ .*//')" "$(pushed image)"

# What a build mounts is the folder that `view context` makes.
skopeo copy --quiet --src-tls-verify=false --override-os linux --override-arch "${PLATFORM#linux/}" "docker://$HOST/team/web:$plan" "dir:$WORK/image"
mkdir "$WORK/unpacked"
for layer in $(layers_of "team/web:$plan"); do tar -C "$WORK/unpacked" -xf "$WORK/image/${layer#sha256:}"; done
equals "exit code of larder view context" 0 "$(run "$WORK/context" "$LARDER" view context "$WORK/folder" "$PROJECT" --store "$STORE" --platform "$PLATFORM" --binary "$STATIC")"
equals "differences between the image and larder view context" "" "$(diff <(listed "$WORK/unpacked") <(listed "$WORK/folder") | grep '^[<>]' | grep -v '[ /]\.larder-view' | head -n 5 || true)"
equals "what the image runs" /bin/larder "$(skopeo inspect --tls-verify=false --config --override-os linux --override-arch "${PLATFORM#linux/}" "docker://$HOST/team/web:latest" | node -p 'JSON.parse(fs.readFileSync(0, "utf8")).config.Entrypoint.join(" ")')"
rm -rf "$WORK/image" "$WORK/unpacked" "$WORK/folder"

pulls_all "an empty store" "$REF"

# Another plan that has nearly all of it.
without 1 "$WORK/one-less"
equals "one package less: exit code of larder push" 0 "$(push "$WORK/one-less")"
if [ "$(pushed sent)" -ge 1 ] && [ "$(pushed sent)" -le 3 ]; then pass "one package less: $(pushed sent) layers of $(($(pushed sent) + $(pushed already_there))) sent"; else fail "one package less: $(pushed sent) layers sent"; fi
pulls_all "one package less" "$REF" "$WORK/one-less"
without 2 "$WORK/two-less"
code=$(run "$WORK/fetch" from_nowhere "$LARDER" fetch --from "$REF" "$WORK/two-less" --store "$WORK/other" --platform "$PLATFORM")
equals "a plan that nobody has pushed: exit code of larder fetch --from, without another registry" 0 "$code"
[ "$code" = 0 ] || show "$WORK/fetch"

# Copies that another tool makes: all of it, with layers packed, and one platform's alone.
skopeo copy --quiet --all --src-tls-verify=false --dest-tls-verify=false "docker://$HOST/team/web:$plan" "docker://$HOST/team/copy:all"
pulls_all "a copy" "oci://$HOST/team/copy:all"
skopeo copy --quiet --src-tls-verify=false --dest-tls-verify=false --override-os linux --override-arch "${PLATFORM#linux/}" "docker://$HOST/team/web:$plan" "docker://$OTHER/team/packed:one"
equals "a packed copy: types of its layers" 'application/vnd.oci.image.layer.v1.tar+gzip' \
	"$(skopeo inspect --tls-verify=false --raw "docker://$OTHER/team/packed:one" | node -p '[...new Set(JSON.parse(fs.readFileSync(0, "utf8")).layers.map((layer) => layer.mediaType))].join(" ")')"
pulls_all "a packed copy" "oci://$OTHER/team/packed:one"

# What a registry loses is named, and sent again when it is asked for.
lost=$(layers_of "team/web:$plan" | sed -n 10p)
rm "$(kept "$lost")"
rm -rf "$WORK/pulled"
equals "a lost layer: exit code of larder pull" 1 "$(pull "$REF" "$WORK/pulled" "$PROJECT")"
if [ "$(field "$WORK/pull.out" not_there)" -gt 0 ]; then pass "a lost layer: $(field "$WORK/pull.out" not_there) artifacts are not there"; else fail "a lost layer: nothing is missing"; fi
equals "a lost layer: sent by larder push" 0 "$(push "$PROJECT" >/dev/null && pushed sent)"
equals "a lost layer: sent by larder push --repair" 1 "$(push "$PROJECT" --repair >/dev/null && pushed sent)"
pulls_all "after the repair" "$REF"

# What it damages is refused by name.
damaged=$(kept "$(layers_of "team/web:$plan" | sed -n 3p)")
size=$(stat -c %s "$damaged")
printf 'damaged' | dd of="$damaged" bs=1 seek=$((size / 2)) conv=notrunc status=none
rm -rf "$WORK/pulled"
equals "a damaged layer: exit code of larder pull" 1 "$(pull "$REF" "$WORK/pulled" "$PROJECT")"
if grep -q 'is refused: its bytes are blake3' "$WORK/pull.err"; then pass "a damaged layer: $(grep -o '[^ ]* [^ ]* is refused: its bytes' "$WORK/pull.err" | head -n 1)"; else fail "a damaged layer: nothing is refused" && show "$WORK/pull"; fi

kill "${OCI_REGISTRIES[@]}" && wait "${OCI_REGISTRIES[@]}" 2>/dev/null || true
rm -rf "$WORK/pulled"
equals "no registry: exit code of larder pull" 3 "$(pull "$REF" "$WORK/pulled" "$PROJECT")"
finish
