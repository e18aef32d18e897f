# What the tests of CI templates share. Sourced after lib.sh.

# need_yaml WHAT: npm's package `yaml`, in $YAML.
YAML=$CLIENTS/yaml/node_modules
install_yaml() { [ -d "$YAML/yaml" ] || npm install --silent --ignore-scripts --prefix "$CLIENTS/yaml" yaml@2; }
need_yaml() {
	need node "$1"
	need npm "$1"
	client yaml install_yaml || { skip "$1: the package yaml cannot be installed here" && finish; }
}

# start_registry: a registry on loopback with the packages of bench/synthetic.mjs, until the test ends or stop_registry.
start_registry() {
	rm -f "$WORK/port"
	node "$ROOT/bench/synthetic.mjs" serve "$WORK/port" &
	REGISTRY=$!
	trap '[ -z "${REGISTRY:-}" ] || kill "$REGISTRY" 2>/dev/null; rm -rf "$WORK"' EXIT
	until [ -s "$WORK/port" ]; do kill -0 "$REGISTRY"; sleep 0.05; done
	npm_config_registry=http://127.0.0.1:$(cat "$WORK/port")/
	export npm_config_registry
}
stop_registry() {
	kill "$REGISTRY"
	wait "$REGISTRY" 2>/dev/null || true
	REGISTRY=
}

# project FOLDER PACKAGES: one with that many; the first are always the same.
project() {
	rm -rf "$1"
	node "$ROOT/bench/synthetic.mjs" project "$2" "$1"
}

# fresh_machine: no store.
fresh_machine() { rm -rf "$WORK/home" && mkdir -p "$WORK/home"; }
