#!/usr/bin/env bash
# GitLab's template: the script of a job that extends it, run by the plainest shell with the variables that GitLab sets, and a cache that is the file it names.
source "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
source "$ROOT/tests/clients/ci.sh"
need_yaml "GitLab's template"
TEMPLATE=$ROOT/packaging/gitlab/larder.gitlab-ci.yml
AT=$WORK/project
ARCHIVE=$AT/.larder/archive.tar
asks() { node "$ROOT/tests/clients/ci/gitlab-job.mjs" "$YAML" "$TEMPLATE" "$@"; }
equals "what is wrong with the template's shape" "" "$(asks .larder wrong)"
equals "what .larder-latest runs is what .larder runs" "$(asks .larder script | sha256sum)" "$(asks .larder-latest script | sha256sum)"
asks .larder script >"$WORK/job.sh"
mapfile -t VARIABLES < <(asks .larder variables)

# job [NAME=VALUE…]: runs the script in the project, as GitLab does, with errexit; its exit code. Its output is in $WORK/job.out and .err.
job() { (cd "$AT" && run "$WORK/job" env HOME="$WORK/home" CI=true "${VARIABLES[@]}" LARDER="$LARDER" "$@" sh -e "$WORK/job.sh"); }
# summed PATTERN: what larder printed that matches.
summed() { grep -oE "$1" "$WORK/job.out" "$WORK/job.err" -h | tail -n 1; }
fetched() { summed '[0-9]+ already here \+ [0-9]+ fetched'; }

start_registry
project "$AT" 30
fresh_machine
equals "a first job" "0: 0 already here + 30 fetched" "$(job): $(fetched)"
equals "the archive that it leaves for the cache" yes "$([ -s "$ARCHIVE" ] && say yes)"
BEFORE=$(stat -c %i "$ARCHIVE")
stop_registry
fresh_machine
equals "a second job, without a registry" "0: 30 already here + 0 fetched" "$(job): $(fetched)"
equals "its archive is the same file" "$BEFORE" "$(stat -c %i "$ARCHIVE")"
start_registry
mv "$ARCHIVE" "$WORK/archive.tar"
project "$AT" 31
mkdir "$AT/.larder" && mv "$WORK/archive.tar" "$ARCHIVE"
fresh_machine
OLD=$(sha256sum <"$ARCHIVE")
equals "a fork's merge request: what another plan has, and one file" "0: 30 already here + 1 fetched" "$(job LARDER_POLICY=pull): $(fetched)"
equals "it leaves the archive as it was" "$OLD" "$(sha256sum <"$ARCHIVE")"
fresh_machine
equals "a changed lockfile" "0: 30 already here + 1 fetched; a new archive" "$(job): $(fetched); $([ "$OLD" = "$(sha256sum <"$ARCHIVE")" ] || say a new archive)"
node -e 'const file = process.argv[1], bytes = fs.readFileSync(file); bytes[bytes.lastIndexOf("package-")] ^= 1; fs.writeFileSync(file, bytes)' "$ARCHIVE"
fresh_machine
equals "a damaged cache" "0: 30 already here + 1 fetched; said: 1" "$(job): $(fetched); said: $(grep -c 'the cache is damaged' "$WORK/job.out")"
equals "and it is mended" "0 refused" "$(fresh_machine && HOME=$WORK/home "$LARDER" import "$ARCHIVE" | grep -oE '[0-9]+ refused')"

PLACE=file://$WORK/shared
rm -r "$AT/.larder"
fresh_machine
equals "a place, from a branch that is not protected: nothing is pushed" "0: 0 already here + 31 fetched; no place" "$(job LARDER_FROM="$PLACE" LARDER_TO="$PLACE"): $(fetched); $([ -e "$WORK/shared" ] || say no place)"
fresh_machine
equals "from one that is" "0: 0 already here + 31 fetched; 31 blobs, no archive" "$(job LARDER_FROM="$PLACE" LARDER_TO="$PLACE" CI_COMMIT_REF_PROTECTED=true): $(fetched); $(find "$WORK/shared/blobs" -type f | wc -l) blobs, $([ -e "$ARCHIVE" ] || say no archive)"
stop_registry
fresh_machine
equals "from the place, without a registry" "0: 31 already here + 0 fetched" "$(job LARDER_FROM="$PLACE"): $(fetched)"
fresh_machine
equals "nothing anywhere: larder's own exit code" 3 "$(job npm_config_fetch_retries=0)"
equals "no larder: exit code, and what it says" "1: there is no larder: take an image that has it, or set LARDER" "$(job LARDER="$WORK/none x"): $(cat "$WORK/job.out")"
finish
