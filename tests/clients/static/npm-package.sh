#!/usr/bin/env bash
# The files of a release, and larder as a package of npm's: made by the project's script, published to a registry, installed from there on a machine that has node and nothing of Rust, and used.
source "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
source "$ROOT/tests/clients/npm.sh"
need node "the npm package"
need npm "the npm package"
[ "$(uname -s)" = Linux ] || { skip "the npm package: its static binary is for Linux" && finish; }
STATIC=${STATIC:-$("$ROOT/docker/static.sh" 2>"$WORK/build")} || { fail "larder cannot be built as a static binary" && tail -n 15 "$WORK/build" && finish; }
PLATFORM=$(node -p '`${process.platform}-${process.arch}`')

# A second platform: the same file, with the other processor's number in its head.
case $PLATFORM in linux-x64) OTHER=linux-arm64 MACHINE='\xb7' ;; *) OTHER=linux-x64 MACHINE='\x3e' ;; esac
cp "$STATIC" "$WORK/other" && chmod u+w "$WORK/other"
printf "$MACHINE" | dd of="$WORK/other" bs=1 seek=18 conv=notrunc status=none

# refused WHAT SENTENCE PLATFORM=BINARY…: no file of a release is made of these.
refused() {
	equals "$1: exit code of packaging/release.sh" 1 "$(run "$WORK/refused" "$ROOT/packaging/release.sh" "$WORK/none" "${@:3}")"
	equals "$1: what it says, and files" "$2; 0 files" "$(sed 's/.* is not for/is not for/' "$WORK/refused.err"); $(find "$WORK/none" -type f | wc -l) files"
}
[ "$OTHER" = linux-arm64 ] && MACHINES='0x3e, not 0xb7' || MACHINES='0xb7, not 0x3e'
refused "a binary of another processor" "is not for $OTHER: its machine is $MACHINES" "$PLATFORM=$STATIC" "$OTHER=$STATIC"
refused "a binary of another system" "is not for darwin-x64: no Mach-O file of 64 bits" "darwin-x64=$STATIC"
refused "a binary that is not static" "is not for $PLATFORM: it is not static" "$PLATFORM=$(node -p process.execPath)"
refused "a platform that is none" "is not for linux-none: no platform of larder's is called linux-none" "linux-none=$STATIC"

code=$(run "$WORK/pack" "$ROOT/packaging/release.sh" "$WORK/packed" "$PLATFORM=$STATIC" "$OTHER=$WORK/other")
equals "exit code of packaging/release.sh" 0 "$code"
[ "$code" = 0 ] || { show "$WORK/pack" && finish; }
run "$WORK/again" "$ROOT/packaging/release.sh" "$WORK/packed-again" "$PLATFORM=$STATIC" "$OTHER=$WORK/other" >/dev/null
if diff -r "$WORK/packed" "$WORK/packed-again" >/dev/null; then pass "made again, the files are the same"; else fail "made again, the files are others"; fi
equals "files that are not what SHA256SUMS says" 0 "$(cd "$WORK/packed" && sha256sum --check --quiet SHA256SUMS 2>&1 | grep -c . || true)"
tar -C "$WORK" -xzf "$WORK/packed"/larder-*-"$PLATFORM.tar.gz"
unpacked=$(echo "$WORK"/larder-*-"$PLATFORM")
equals "what the archive's binary says" "$("$STATIC" --version)" "$("$unpacked/larder" --version)"
equals "pages and completions in the archive" "larder.1 larder.bash" "$(basename -a "$unpacked"/man/larder.1 "$unpacked"/completions/larder.bash | xargs)"

node "$ROOT/tests/clients/static/registry.mjs" "$WORK/port" &
SERVER=$!
trap '{ [ -z "$SERVER" ] || kill "$SERVER"; } 2>/dev/null; rm -rf "$WORK"' EXIT
until [ -s "$WORK/port" ]; do sleep 0.05; done
REGISTRY=http://127.0.0.1:$(cat "$WORK/port")

# bare COMMAND…: with node, npm and the system's programs, and nothing of the user's.
NODE=$(dirname "$(readlink -f "$(command -v node)")")
bare() { env -i PATH="$NODE:/usr/bin:/bin" HOME="$WORK/home" npm_config_registry="$REGISTRY/" npm_config_update_notifier=false "$@"; }
mkdir -p "$WORK/home"
printf '//%s/:_authToken=any\n' "${REGISTRY#http://}" >"$WORK/home/.npmrc"
for file in "$WORK/packed"/larder-[a-z]*.tgz "$WORK/packed"/larder-[0-9]*.tgz; do
	code=$(cd "$WORK" && run "$WORK/publish" bare npm publish --provenance=false "$file")
	equals "exit code of npm publish, $(basename "$file" | sed 's/-[0-9].*//')" 0 "$code"
	[ "$code" = 0 ] || show "$WORK/publish"
done

# A project with one package beside larder.
app=$WORK/app
mkdir -p "$app" "$WORK/thing"
printf '{"name": "thing", "version": "1.0.0"}\n' >"$WORK/thing/package.json"
(cd "$WORK/thing" && bare npm publish --provenance=false >/dev/null 2>&1)
printf '{"name": "app", "version": "1.0.0", "private": true, "dependencies": {"thing": "1.0.0"}}\n' >"$app/package.json"
code=$(cd "$app" && run "$WORK/install" bare npm install --save-dev larder)
equals "exit code of npm install --save-dev larder" 0 "$code"
[ "$code" = 0 ] || show "$WORK/install"
equals "platforms in node_modules" "$PLATFORM" "$(ls "$app/node_modules/@larder")"
equals "platforms in the lockfile" "linux-arm64 linux-x64" "$(sed -n 's|^ *"node_modules/@larder/\(.*\)": {$|\1|p' "$app/package-lock.json" | xargs)"
if grep -q hasInstallScript "$app/package-lock.json"; then fail "a package has an install script"; else pass "no package has an install script"; fi
in_app() { (cd "$app" && run "$WORK/$1" bare "${@:2}"); }
equals "exit code of npx larder --version" 0 "$(in_app version npx larder --version)"
equals "what it says" "$("$STATIC" --version)" "$(cat "$WORK/version.out")"
equals "exit code of npx larder fetch" 0 "$(in_app fetch npx larder fetch)"
show "$WORK/fetch"

# The install takes the place of the program that runs it, as `npm ci` has it.
kill "$SERVER" && { wait "$SERVER" 2>/dev/null || true; }
SERVER=
equals "exit code of npx larder run --offline -- npm ci, the registry gone" 0 "$(in_app offline npx larder run --offline -- npm ci)"
[ -e "$app/node_modules/thing/package.json" ] && [ -x "$app/node_modules/@larder/$PLATFORM/bin/larder" ] && pass "both packages are there" || fail "packages are missing"
equals "the exit code of a command is that of npx larder run" 7 "$(in_app seven npx larder run -- sh -c 'exit 7')"

# Signals reach the program, and what it ends with is what the launcher ends with.
(cd "$app" && exec env -i PATH="$NODE:/usr/bin:/bin" HOME="$WORK/home" node node_modules/.bin/larder run -- sh -c 'trap "exit 9" TERM; : >started; while :; do sleep 0.05; done') >/dev/null 2>&1 &
launcher=$!
until [ -e "$app/started" ]; do kill -0 "$launcher" && sleep 0.05; done
kill -TERM "$launcher"
code=0
wait "$launcher" || code=$?
equals "exit code after SIGTERM to the launcher" 9 "$code"

# Where the platform's package is missing, the launcher says what to do.
rm -rf "$app/node_modules/@larder"
equals "exit code without the platform's package" 1 "$(in_app missing npx larder --version)"
if grep -q "the package @larder/$PLATFORM is not installed" "$WORK/missing.err"; then pass "it names the package that is missing"; else fail "it does not name it" && show "$WORK/missing"; fi
finish
