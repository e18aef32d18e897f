# What is shared by the tests of sharing, and a registry for images that others wrote: Debian's docker-registry. Sourced after lib.sh.

# from_nowhere COMMAND…: the command, with no npm registry where one is configured.
from_nowhere() { npm_config_registry=http://127.0.0.1:9/ "$@"; }

# pushed NAME: what the last push says, which printed $WORK/push.out.
pushed() { node -p 'JSON.parse(fs.readFileSync(process.argv[1], "utf8")).places[0][process.argv[2]]' "$WORK/push.out" "$1"; }

# without COUNT FOLDER: $PROJECT in FOLDER, less the last COUNT packages of its lockfile: another plan.
without() {
	mkdir -p "$2"
	node -e '
		const [from, to, count] = process.argv.slice(1);
		const lock = JSON.parse(fs.readFileSync(from + "/package-lock.json", "utf8"));
		const names = Object.keys(lock.packages).filter((name) => lock.packages[name].integrity);
		for (const name of names.slice(-Number(count))) delete lock.packages[name];
		fs.writeFileSync(to + "/package-lock.json", JSON.stringify(lock, null, 2));
	' "$PROJECT" "$2" "$1"
	cp "$PROJECT/package.json" "$2/"
}

# oci_programs PROGRAM…: sees to it that these Debian packages' programs are there.
oci_programs() {
	local program
	for program in "$@"; do
		command -v "$program" >/dev/null 2>&1 || alone debian debian_has "$program" || true
		need "$program" "registry"
	done
}

# The registries of this test, by their processes: whoever starts some ends them.
OCI_REGISTRIES=()

# start_oci_registry NAME: at HOST, with what it keeps in $WORK/NAME. $WORK/NAME.out has a line for each request.
start_oci_registry() {
	HOST=127.0.0.1:$(node -e 'const server = require("net").createServer().listen(0, "127.0.0.1", () => { console.log(server.address().port); server.close() })')
	cat >"$WORK/$1.yml" <<-END
		version: 0.1
		log: {level: error}
		storage: {filesystem: {rootdirectory: $WORK/$1}}
		http: {addr: '$HOST'}
	END
	docker-registry serve "$WORK/$1.yml" >"$WORK/$1.out" 2>"$WORK/$1.err" &
	OCI_REGISTRIES+=($!)
	for _ in {1..100}; do
		! (exec 3<>"/dev/tcp/127.0.0.1/${HOST#*:}") 2>/dev/null || return 0
		sleep 0.1
	done
	fail "the registry does not start" && show "$WORK/$1" && finish
}
