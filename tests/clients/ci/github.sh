#!/usr/bin/env bash
# action.yml as GitHub's runner runs it (runner.mjs), with a cache in a folder: what is restored, fetched and saved, when, and for whom; what a damaged cache does; what inputs can be.
source "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
source "$ROOT/tests/clients/ci.sh"
need_yaml "the action"
AT="$WORK/a work space"
CACHE=$WORK/cache
DID=$WORK/did
PUSH='{"name":"push"}'
own_repository() { printf '{"name":"%s","payload":{"pull_request":{"head":{"repo":{"full_name":"%s"}}}}}' "$1" "$2"; }
FORK=$(own_repository pull_request stranger/project)

# action EVENT [NAME=VALUE…]: a job on a machine as it is, with these inputs and, unless one of them is empty, the larder under test. Its report is in $DID.
action() {
	local inputs
	inputs=$(node -p 'JSON.stringify(Object.fromEntries(process.argv.slice(1).map((one) => [one.slice(0, one.indexOf("=")), one.slice(one.indexOf("=") + 1)])))' -- "larder=$LARDER" "${@:2}")
	mkdir -p "$AT"
	HOME=$WORK/home node "$ROOT/tests/clients/ci/runner.mjs" "$YAML" "$ROOT" "$AT" "$CACHE" "$1" "$inputs" >"$DID" 2>"$WORK/log"
}
# did EXPRESSION: of the report.
did() { node -p 'const { code, outputs, saved, restore, ran, summary, path, left, version } = JSON.parse(fs.readFileSync(process.argv[1], "utf8")); '"$1" "$DID"; }
# What a job comes to: exit code, hit, fetched, requests, and how many entries it asked to save.
SUM='`${code}: ${outputs.hit}, ${outputs.fetched} fetched, ${outputs.requests} requests, ${saved.length} saved`'
# logged TEXT: whether the log has it.
logged() { if grep -qF -- "$1" "$WORK/log"; then say yes; else say no; fi; }

equals "action.yml: what is wrong with its shape" "" "$(node "$ROOT/tests/clients/ci/shape.mjs" "$YAML" "$ROOT/action.yml")"

# Hits and misses.
start_registry
project "$AT" 40
fresh_machine
action "$PUSH"
equals "a first job: exit code, hit, files" "0: none, 40 fetched, 40 requests, 1 saved" "$(did "$SUM")"
equals "its key" "larder-v1-Linux-X64-$("$LARDER" plan "$AT" --digest | sed 's/blake3://')" "$(did 'saved[0]')"
equals "its digest" "$("$LARDER" plan "$AT" --digest)" "$(did outputs.plan)"
equals "its store" "$WORK/home/.cache/larder" "$(did outputs.store)"
equals "larder in the steps after it" larder "$(did version)"
equals "the archive, when it is saved" false "$(did left)"
equals "its summary has a row for what was fetched, saved and in all" 3 "$(did 'summary.split("\n").filter((line) => /^\| (fetched|saved|\*\*in all)/.test(line)).length')"
stop_registry
fresh_machine
action "$PUSH"
equals "a second job, without a registry" "0: exact, 0 fetched, 0 requests, 0 saved" "$(did "$SUM")"
equals "what it asked the cache for, and got" true "$(did 'restore.key === restore.matched')"
action "$PUSH"
equals "a machine that has all: the cache is not asked" "0: exact, 0 fetched, 0 requests, 0 saved; null" "$(did "$SUM"); $(did restore)"
start_registry
project "$AT" 41
fresh_machine
action "$PUSH"
equals "a changed lockfile: the nearest entry, and one file" "0: nearest, 1 fetched, 1 requests, 1 saved" "$(did "$SUM")"
fresh_machine
action "$PUSH" "args=--omit dev"
equals "other options: the entry of the same plan, and nothing is new" "0: exact, 0 fetched, 0 requests, 0 saved; true" "$(did "$SUM"); $(did 'restore.key.startsWith(`${restore.matched}-`)')"
mkdir "$AT/web"
project "$AT/web" 3
fresh_machine
action "$PUSH" "projects=
.
  web
"
equals "two projects" "0: exact, 0 fetched, 0 requests, 0 saved; sha256:" "$(did "$SUM"); $(did 'outputs.plan.slice(0, 7)')"

# Who may save.
rm -rf "$CACHE"
project "$AT" 20
fresh_machine
action "$PUSH"
project "$AT" 22
fresh_machine
action "$FORK"
equals "a fork's pull request reads and saves nothing" "0: nearest, 2 fetched, 2 requests, 0 saved" "$(did "$SUM")"
equals "and says why" "Nothing was saved: the pull request is of a fork." "$(did 'summary.trim().split("\n").pop()')"
fresh_machine
action "$FORK" read-only=false
equals "a fork's pull request with read-only: false" "0: nearest, 2 fetched, 2 requests, 0 saved; warned: yes" "$(did "$SUM"); warned: $(logged '::warning title=larder::nothing is saved, although read-only is false')"
fresh_machine
action "$PUSH" read-only=true
equals "a push with read-only: true" "0: nearest, 2 fetched, 2 requests, 0 saved" "$(did "$SUM")"
fresh_machine
action "$(own_repository pull_request owner/project)"
equals "a pull request of the repository's own" "0: nearest, 2 fetched, 2 requests, 1 saved" "$(did "$SUM")"
while IFS='|' read -r what read_only expected event; do
	printf '%s' "$event" | node -p 'JSON.stringify(JSON.parse(fs.readFileSync(0, "utf8")).payload ?? {})' >"$WORK/event.json"
	why=$(GITHUB_EVENT_PATH=$WORK/event.json GITHUB_REPOSITORY=owner/project node --input-type=module -e '
		const { whyReadOnly } = await import(process.argv[1]);
		const { name, actor } = JSON.parse(process.argv[2]);
		process.env.GITHUB_EVENT_NAME = name;
		process.env.GITHUB_ACTOR = actor ?? "someone";
		console.log(whyReadOnly(process.env, process.argv[3]) ? "reads" : "saves");' "$ROOT/packaging/action/event.mjs" "$event" "$read_only")
	equals "$what, read-only: $read_only" "$expected" "$why"
done <<'EVENTS'
a push|auto|saves|{"name":"push"}
a push of Dependabot's|auto|reads|{"name":"push","actor":"dependabot[bot]"}
a pull request of Dependabot's, run anew by somebody|false|reads|{"name":"pull_request","payload":{"pull_request":{"user":{"login":"dependabot[bot]"},"head":{"repo":{"full_name":"owner/project"}}}}}
a pull request of a fork that is gone|false|reads|{"name":"pull_request","payload":{"pull_request":{"head":{"repo":null}}}}
a pull request without an event's file|false|reads|{"name":"pull_request"}
pull_request_target|false|reads|{"name":"pull_request_target","payload":{"pull_request":{"head":{"repo":{"full_name":"owner/project"}}}}}
what follows a fork's workflow|false|reads|{"name":"workflow_run","payload":{"workflow_run":{"event":"pull_request","head_repository":{"full_name":"stranger/project"}}}}
what follows pull_request_target|false|reads|{"name":"workflow_run","payload":{"workflow_run":{"event":"pull_request_target","head_repository":{"full_name":"owner/project"}}}}
what follows a push|auto|saves|{"name":"workflow_run","payload":{"workflow_run":{"event":"push","head_repository":{"full_name":"owner/project"}}}}
a comment|auto|reads|{"name":"issue_comment"}
a comment|false|saves|{"name":"issue_comment"}
a schedule|auto|saves|{"name":"schedule"}
an event that is not known yet|auto|reads|{"name":"something_new"}
EVENTS

# A poisoned cache.
entry() { find "$CACHE" -name archive.tar | sort | tail -n 1; }
rm -rf "$CACHE"
fresh_machine
action "$PUSH"
cp "$(entry)" "$WORK/whole.tar"
poisoned() {
	fresh_machine
	action "$PUSH"
	equals "$1: exit code, and the files of the store that are not what they should be" "0, $2 fetched; 0" "$(did '`${code}, ${outputs.fetched} fetched`'); $(HOME=$WORK/home "$LARDER" verify --json >"$WORK/verify.json" && say 0 || say some)"
	equals "$1: warned, with what to do; saved" "yes, yes; 0" "$(logged '::warning title=larder::the cache'), $(logged 'gh cache delete larder-v1-'); $(did saved.length)"
	cp "$WORK/whole.tar" "$(entry)"
}
# The last blob: one byte of it is another.
node -e 'const file = process.argv[1], bytes = fs.readFileSync(file); const at = bytes.lastIndexOf("package-"); bytes[at] ^= 1; fs.writeFileSync(file, bytes)' "$(entry)"
poisoned "an entry with another byte in a file" 1
say 'no archive' >"$(entry)"
poisoned "an entry that is no archive" 22
head -c $(($(wc -c <"$WORK/whole.tar") / 2)) "$WORK/whole.tar" >"$(entry)"
fresh_machine
action "$PUSH"
equals "an entry that was cut off: exit code, hit, and whether all of its files were fetched" "0, nearest; false" "$(did '`${code}, ${outputs.hit}`'); $(did 'outputs.fetched === "22"')"
cp "$WORK/whole.tar" "$(entry)"
say '{"bytes": "<script>", "seconds": -1}' >"$(dirname "$(entry)")/download.json"
fresh_machine
action "$PUSH"
equals "an entry with numbers that are none" "0: exact, 0 fetched, 0 requests, 0 saved" "$(did "$SUM")"

# Places.
PLACE="file://$WORK/shared"
fresh_machine
action "$PUSH" "from=$PLACE" "to=$PLACE"
equals "a place that is empty: what is fetched is pushed, and the cache is not asked" "0: none, 22 fetched, 22 requests, 0 saved; null" "$(did "$SUM"); $(did restore)"
equals "its blobs" 22 "$(find "$WORK/shared/blobs" -type f | wc -l)"
stop_registry
fresh_machine
action "$PUSH" "from=$PLACE" "to=$PLACE"
equals "from the place, without a registry" "0: exact, 0 fetched, 0 requests, 0 saved" "$(did "$SUM")"
fresh_machine
action "$PUSH" "from=$PLACE" "to=file://$WORK/second"
equals "from one place to another: exit code, hit, blobs there" "0, exact, 22" "$(did '`${code}, ${outputs.hit}`'), $(find "$WORK/second/blobs" -type f | wc -l)"
start_registry
project "$AT" 23
fresh_machine
action "$FORK" "to=$PLACE"
equals "a fork's pull request reads the place and pushes nothing" "0: nearest, 1 fetched, 1 requests, 0 saved; 22" "$(did "$SUM"); $(find "$WORK/shared/blobs" -type f | wc -l)"
fresh_machine
action "$PUSH" "from=file://$WORK/none" "to=file:///proc/none"
equals "places that are not there, and cannot be written" "0: none, 23 fetched, 23 requests, 0 saved" "$(did "$SUM")"

# Inputs are data.
NASTY="web \$(touch pwned) \`touch pwned\` \"; touch pwned; ' & * %"
project "$AT/$NASTY" 2
printf '#!/bin/sh\nexec "%s" "$@"\n' "$LARDER" >"$WORK/a \$larder; \"x\""
chmod +x "$WORK/a \$larder; \"x\""
rm -rf "$CACHE"
fresh_machine
action "$PUSH" "projects=$NASTY" "larder=$WORK/a \$larder; \"x\"" "args=
	--omit=dev
	--platform linux/x64"
equals "names with blanks and metacharacters" "0: none, 1 fetched, 1 requests, 1 saved" "$(did "$SUM")"
for args in '--store /tmp/x' '--omit' '--jobs=2; touch pwned' '$(touch pwned)' '__proto__'; do
	action "$PUSH" "args=$args"
	equals "args: $args" "2; named: yes" "$(did code); named: $(logged '::error title=larder::args: ')"
done
action "$PUSH" "from=bucket/larder"
equals "from: no reference" "2; named: yes" "$(did code); named: $(logged '::error title=larder::from: bucket/larder is no reference')"
action "$PUSH" read-only=yes
equals "read-only: yes" "2; named: yes" "$(did code); named: $(logged '::error title=larder::read-only: yes is none of')"
equals "commands that came of inputs" 0 "$(find "$WORK" -name pwned | wc -l)"
action "$PUSH" projects=nowhere
equals "a project that is not there: exit code, what it says, what it saves" "1; yes; 0" "$(did code); $(logged '::error title=larder::larder cannot read'); $(did saved.length)"
stop_registry
rm -rf "$CACHE"
fresh_machine
npm_config_fetch_retries=0 action "$PUSH"
equals "no registry and no entry: exit code, saved, summary" "3; 0; true" "$(did code); $(did saved.length); $(did 'summary.includes(": none")')"

# Where larder comes from.
action "$PUSH" "larder=$WORK/none"
equals "no larder where it is said to be" "1; yes" "$(did code); $(logged "::error title=larder::larder: there is no program at $WORK/none")"
action "$PUSH" larder= version=1.2.3
equals "an action whose repository is not known" "1; yes" "$(did code); $(logged '::error title=larder::it is not known whose releases')"
action "$PUSH" larder= version=../../x "releases=file://$WORK/releases"
equals "a version that is none" "2; yes" "$(did code); $(logged '::error title=larder::version: ../../x is no version')"
action "$PUSH" larder= version=1.2.3 "releases=file://$WORK/releases"
equals "a release that is not there" "3; yes" "$(did code); $(logged '/releases/v1.2.3/SHA256SUMS cannot be downloaded; name a larder')"
PLATFORM=$(node -p '`${process.platform}-${process.arch}`')
release() {
	local name=larder-$1-$PLATFORM
	mkdir -p "$WORK/releases/v$1" "$WORK/made/$name"
	printf '#!/bin/sh\nexec "%s" "$@"\n' "$LARDER" >"$WORK/made/$name/larder"
	chmod +x "$WORK/made/$name/larder"
	tar -C "$WORK/made" -czf "$WORK/releases/v$1/$name.tar.gz" "$name"
	(cd "$WORK/releases/v$1" && sha256sum -- *.tar.gz >SHA256SUMS)
}
release 1.2.3
release "$("$ROOT/packaging/version.sh")"
start_registry
project "$AT" 5
rm -rf "$CACHE"
fresh_machine
action "$PUSH" larder= version=v1.2.3 "releases=file://$WORK/releases/"
equals "a release" "0: none, 5 fetched, 5 requests, 1 saved; larder" "$(did "$SUM"); $(did version)"
action "$PUSH" larder= "releases=file://$WORK/releases"
equals "without a version: the one that the action's own sources say" "0: exact, 0 fetched, 0 requests, 0 saved" "$(did "$SUM")"
SHA=$(cut -d ' ' -f 1 "$WORK/releases/v1.2.3/SHA256SUMS")
action "$PUSH" larder= version=1.2.3 "releases=file://$WORK/releases" "sha256=${SHA//?/0} $SHA"
equals "a release with a digest that one holds oneself" 0 "$(did code)"
action "$PUSH" larder= version=1.2.3 "releases=file://$WORK/releases" "sha256=${SHA//?/0}"
equals "a release with another digest than that" "1; yes" "$(did code); $(logged "has the sha256 $SHA, and the input sha256 says")"
printf x >>"$WORK/releases/v1.2.3/larder-1.2.3-$PLATFORM.tar.gz"
action "$PUSH" larder= version=1.2.3 "releases=file://$WORK/releases"
equals "a release that SHA256SUMS does not agree with" "1; yes" "$(did code); $(logged "and SHA256SUMS says $SHA")"
stop_registry

# From the project's own lockfile: a registry that has the package.
node "$ROOT/tests/clients/static/registry.mjs" "$WORK/npm-port" &
REGISTRY=$!
until [ -s "$WORK/npm-port" ]; do kill -0 "$REGISTRY"; sleep 0.05; done
export npm_config_registry=http://127.0.0.1:$(cat "$WORK/npm-port")/
mkdir -p "$WORK/package/bin"
cp "$WORK/made/larder-1.2.3-$PLATFORM/larder" "$WORK/package/bin/"
say "{ \"name\": \"@larder/$PLATFORM\", \"version\": \"9.9.9\" }" >"$WORK/package/package.json"
TGZ=$(cd "$WORK" && npm pack --silent ./package)
(cd "$WORK" && npm publish --silent "./$TGZ" "--//127.0.0.1:$(cat "$WORK/npm-port")/:_authToken=none" >/dev/null)
INTEGRITY=sha512-$(openssl dgst -sha512 -binary "$WORK/$TGZ" | base64 -w 0)
pinning() {
	rm -rf "$AT" && mkdir "$AT"
	case $1 in
	npm)
		say '{ "name": "project", "version": "1.0.0" }' >"$AT/package.json"
		node -p 'const [name, integrity] = process.argv.slice(1); JSON.stringify({ name: "project", version: "1.0.0", lockfileVersion: 3, packages: { "": { name: "project", version: "1.0.0" },
			[`node_modules/${name}`]: { version: "9.9.9", resolved: `https://registry.example/${name}/-/${name.split("/")[1]}-9.9.9.tgz`, integrity, optional: true } } })' -- "@larder/$PLATFORM" "$2" >"$AT/package-lock.json"
		;;
	pnpm)
		printf "lockfileVersion: '9.0'\n\nsettings:\n  autoInstallPeers: true\n  excludeLinksFromLockfile: false\n\nimporters:\n\n  .:\n    devDependencies:\n      '@larder/%s':\n        specifier: 9.9.9\n        version: 9.9.9\n\npackages:\n\n  '@larder/%s@9.9.9':\n    resolution: {integrity: %s}\n\nsnapshots:\n\n  '@larder/%s@9.9.9': {}\n" \
			"$PLATFORM" "$PLATFORM" "$2" "$PLATFORM" >"$AT/pnpm-lock.yaml"
		;;
	esac
}
for manager in npm pnpm; do
	pinning "$manager" "$INTEGRITY"
	rm -rf "$CACHE"
	fresh_machine
	action "$PUSH" larder=
	equals "$manager: the larder that the project's lockfile pins" "0; 1; larder" "$(did code); $(did outputs.fetched); $(did version)"
done
pinning npm "sha512-$(printf x | openssl dgst -sha512 -binary | base64 -w 0)"
action "$PUSH" larder=
equals "a larder that has not the bytes that the lockfile states" "1; yes" "$(did code); $(logged "is $INTEGRITY, and not sha512-")"

# The sentence about a cache that is slower than the registries: by this run's download, else by that of the run that saved; never by a few bytes.
while IFS='|' read -r what expected restored fetched; do
	said=$(node --input-type=module -e 'const { slower } = await import(process.argv[1]);
		console.log(slower(JSON.parse(process.argv[2]), JSON.parse(process.argv[3])))' "$ROOT/packaging/action/summary.mjs" "$restored" "$fetched")
	equals "$what" "$expected" "$said"
done <<'RATES'
a cache that is slower than this run's download|Restoring 100.0 MB took 9.00 s. The registries give as much in about 2.00 s (50.0 MB/s): this job is faster without this cache.|{"bytes":100000000,"seconds":9}|{"bytes":10000000,"seconds":0.2}
a cache that is slower than the download of the run that saved|Restoring 100.0 MB took 9.00 s. The registries give as much in about 8.00 s (12.5 MB/s): this job is faster without this cache.|{"bytes":100000000,"seconds":9,"once":{"bytes":50000000,"seconds":4}}|{"bytes":0,"seconds":0.1}
a cache that is faster||{"bytes":100000000,"seconds":1}|{"bytes":10000000,"seconds":0.2}
a few bytes||{"bytes":100000,"seconds":9}|{"bytes":10000000,"seconds":0.2}
a download of a few bytes||{"bytes":100000000,"seconds":9}|{"bytes":1000,"seconds":0.0001}
RATES
# No node at all.
PATH=$WORK/nothing GITHUB_OUTPUT=/dev/null "$BASH" -c '. "$1" install' - "$ROOT/packaging/action/action.sh" >"$WORK/no-node" 2>&1 && code=0 || code=$?
equals "no node: exit code, and what it says" "1; 1" "$code; $(grep -c '^::error title=larder::this action needs node' "$WORK/no-node")"
finish
