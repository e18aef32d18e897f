# What the tests with Pyodide share. Sourced after lib.sh.
#
# Pyodide's CDN is not needed. Wheels on the Python index carry the output of a fetching script: real distribution wheels of one release each, with its lock. They are
# unpacked below target/clients/pyodide and served on loopback as if they were the CDN.

PYODIDE=$CLIENTS/pyodide
CHECK_NODE=$ROOT/tests/clients/pyodide/check-node.mjs
CHECK_BROWSER=$ROOT/tests/clients/pyodide/check-browser.mjs
SERVERS=()
trap 'stop_servers; rm -rf "$WORK"' EXIT

stop_servers() { [ ${#SERVERS[@]} = 0 ] || kill "${SERVERS[@]}" 2>/dev/null || true; }

# carrier RELEASE: the version of open-webui whose wheel carries the distribution of that release.
carrier() {
	case $1 in
	0.27.2) say 0.5.20 ;;
	0.28.3) say 0.10.2 ;;
	314.0.3) say 0.12.4 ;;
	esac
}

# distribution RELEASE: sees to it that $PYODIDE/vRELEASE/full has its wheels. 110 to 150 MB are downloaded once.
distribution() { client "distribution-$1" install_distribution "$1"; }

install_distribution() {
	local folder=$PYODIDE/v$1/full version wheels=$PYODIDE/wheels
	[ -e "$folder/pyodide-lock.json" ] && return
	version=$(carrier "$1")
	mkdir -p "$wheels"
	python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary :all: --python-version 3.11 \
		--dest "$wheels" "open-webui==$version" || return 1
	rm -rf "$folder.new"
	mkdir -p "$folder.new"
	python3 - "$wheels/open_webui-$version-py3-none-any.whl" "$folder.new" <<-'PYTHON'
		import pathlib, sys, zipfile
		archive, folder = zipfile.ZipFile(sys.argv[1]), pathlib.Path(sys.argv[2])
		inside = "open_webui/frontend/pyodide/"
		for name in archive.namelist():
		    if name.startswith(inside) and not name.endswith("/"):
		        (folder / name[len(inside):]).write_bytes(archive.read(name))
	PYTHON
	mv "$folder.new" "$folder"
}

# serve FOLDER: serves it on a free port of loopback; its address is in SERVED.
serve() {
	local log=$WORK/server-${#SERVERS[@]}
	: >"$log"
	python3 -u -m http.server --bind 127.0.0.1 --directory "$1" 0 >"$log" 2>"$log.requests" &
	SERVERS+=($!)
	until SERVED=$(sed -n 's|.*(\(http://[^)]*/\)).*|\1|p' "$log") && [ -n "$SERVED" ]; do
		kill -0 "${SERVERS[-1]}" && sleep 0.05
	done
}

# index_address: the simple API that pip is configured with; empty: the public one, which is larder's default, too.
index_address() { python3 -m pip config get global.index-url 2>/dev/null || python3 -m pip config get user.index-url 2>/dev/null || true; }

# install_uv: sees to it that uv is in PATH.
install_uv() {
	PATH=$PATH:$CLIENTS/uv/bin
	client uv uv_is_there
}
uv_is_there() { command -v uv >/dev/null 2>&1 || python3 -m pip install --quiet --target "$CLIENTS/uv" uv >/dev/null 2>&1; }

# pyodide_project FOLDER RELEASE PACKAGE…: a project whose npm lockfile names that release, and whose larder.toml asks for these packages.
pyodide_project() {
	local folder=$1 release=$2 quoted
	shift 2
	mkdir -p "$folder"
	printf '{"name": "app", "version": "1.0.0", "private": true, "dependencies": {"pyodide": "%s"}}\n' "$release" >"$folder/package.json"
	(cd "$folder" && npm install --package-lock-only --loglevel=error >/dev/null) || return 1
	quoted=$(printf '"%s", ' "$@")
	printf '[pyodide]\npackages = [%s]\nfolder = "static/pyodide"\n' "${quoted%, }" >"$folder/larder.toml"
	point_at_cdn "$folder/larder.toml"
}

# point_at_cdn FILE: the larder.toml, which ends within [pyodide], takes the distribution from the folder that is served, and all else from where pip has it.
point_at_cdn() {
	local index
	index=$(index_address)
	printf 'sources = ["%sv{version}/full/"]\n' "$SERVED" >>"$1"
	[ -z "$index" ] || printf 'index = "%s/"\n' "${index%/}" >>"$1"
}

# names FOLDER: the packages that its lock names.
names() {
	local lock
	for lock in "$1"/pyodide-lock.json "$1"/repodata.json; do
		[ ! -e "$lock" ] || node -p 'Object.keys(JSON.parse(fs.readFileSync(process.argv[1], "utf8")).packages).join("\n")' "$lock"
	done
}

# lay_out WHAT PROJECT: locks, fetches and lays out; fails the claim that did not hold, and shows why.
lay_out() {
	local step code
	for step in lock fetch "view pyodide"; do
		# shellcheck disable=SC2086
		code=$(cd "$2" && run "$WORK/step" "$LARDER" $step --store "$STORE")
		equals "$1: exit code of larder $step" 0 "$code"
		[ "$code" = 0 ] || { show "$WORK/step" && return 1; }
	done
	code=$(run "$WORK/step" "$LARDER" verify --pyodide "$2/static/pyodide" --store "$STORE")
	equals "$1: exit code of larder verify --pyodide" 0 "$code"
	[ "$code" = 0 ] || { show "$WORK/step" && return 1; }
}

# loads WHAT FOLDER [--load-only]: everything in the folder is loaded and imported with the network cut, in node and in Chromium.
loads() {
	local -a packages
	mapfile -t packages < <(names "$2")
	[ $# = 2 ] || packages=("$3" "${packages[@]}")
	if ! can_cut_network; then
		skip "$1: no network namespace can be made (not root)"
		return
	fi
	# In node, releases before 0.24 need npm packages of their own.
	if [ -e "$2/pyodide-lock.json" ]; then check "$1 in node" cut_network node "$CHECK_NODE" "$2" "${packages[@]}"; fi
	if install_chromium; then
		check "$1 in Chromium" cut_network node "$CHECK_BROWSER" "$2" "${packages[@]}"
	else
		skip "$1 in Chromium: it cannot be installed here"
	fi
}

# check WHAT COMMAND…: its last line is what was seen.
check() {
	local what=$1 code
	shift
	code=$(run "$WORK/check" "$@")
	if [ "$code" = 0 ]; then pass "$what: $(tail -n 1 "$WORK/check.out")"; else fail "$what: exit code $code" && show "$WORK/check"; fi
}

STORE=${SHARED:-$WORK/shared}/pyodide-store
