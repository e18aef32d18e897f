# A registry for images that others wrote: Debian's docker-registry. Sourced after lib.sh.

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
