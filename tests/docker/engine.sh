# A Docker engine for the tests. Sourced after lib.sh.
#
# Where one runs already it is used: nothing is pruned there, and the tests' images are removed again. Where none runs, Debian 13's engine, containerd and
# buildx are unpacked below target/clients, beside the runc that is installed, and started with folders of their own; they are stopped when the test ends.
#
# After `find_engine`: ENGINE is `own` or `running`, DOCKER_HOST and DOCKER_CONFIG say where it is. Without one it fails, and NO_ENGINE says why.

ENGINE_ROOT=$CLIENTS/docker/root
ENGINES=()

find_engine() {
	find_docker && find_buildx && return
	install_engine && PATH=$ENGINE_ROOT/usr/bin:$ENGINE_ROOT/usr/sbin:$PATH && find_buildx && start_engine "$WORK/engine" && ENGINE=own
}

# A docker that answers, by DOCKER_HOST or at the default socket.
find_docker() {
	command -v docker >/dev/null 2>&1 && docker version >/dev/null 2>&1 && ENGINE=running
}

# find_buildx: a configuration of its own, with the buildx that this docker has or the one that was unpacked. Nobody's ~/.docker is read or written: a builder
# chosen there would be another engine than this one.
find_buildx() {
	local folder
	export DOCKER_CONFIG=$WORK/docker-config
	mkdir -p "$DOCKER_CONFIG/cli-plugins"
	for folder in "$ENGINE_ROOT/usr/libexec/docker" ~/.docker /usr/{local/,}lib{,exec}/docker; do
		[ -x "$folder/cli-plugins/docker-buildx" ] || continue
		ln -sf "$folder/cli-plugins/docker-buildx" "$DOCKER_CONFIG/cli-plugins/docker-buildx"
		return
	done
	NO_ENGINE='there is no buildx'
	return 1
}

# Debian's packages, unpacked: nothing of the system is changed but for runc, iptables and busybox, which Debian 12 has in the right versions.
install_engine() {
	local at=$CLIENTS/docker mirror
	[ -x "$ENGINE_ROOT/usr/sbin/dockerd" ] && are_there runc busybox && return
	NO_ENGINE='no engine runs, and none can be installed here (not root on Debian)'
	is_debian_root || return 1
	are_there runc busybox iptables || debian runc busybox-static iptables || return 1
	say "unpacking a Docker engine into $at"
	NO_ENGINE="no engine runs, and Debian's could not be downloaded"
	mkdir -p "$at/parts" "$at/lists/partial" "$at/packages"
	mirror=$(sed -n 's/^URIs: *//p; s/^deb \(\[[^]]*\] \)\{0,1\}\([^ ]*\) .*/\2/p' /etc/apt/sources.list.d/*.sources /etc/apt/sources.list 2>/dev/null | head -n 1)
	printf 'Types: deb\nURIs: %s\nSuites: trixie\nComponents: main\nSigned-By: /usr/share/keyrings/debian-archive-keyring.gpg\n' "$mirror" >"$at/parts/trixie.sources"
	local -a apt=(apt-get -qq -o Dir::Etc::sourcelist=/dev/null -o Dir::Etc::sourceparts="$at/parts" -o Dir::State::Lists="$at/lists")
	"${apt[@]}" update >"$at/apt.log" 2>&1 && (cd "$at/packages" && "${apt[@]}" download docker.io docker-cli docker-buildx containerd >>"$at/apt.log" 2>&1) || return 1
	rm -rf "$ENGINE_ROOT.new"
	for mirror in "$at"/packages/*.deb; do dpkg -x "$mirror" "$ENGINE_ROOT.new" || return 1; done
	rm -rf "$at/packages" "$ENGINE_ROOT"
	mv "$ENGINE_ROOT.new" "$ENGINE_ROOT"
}

# start_engine FOLDER [CONFIGURATION]: an engine with nothing in it, and with that daemon.json. It touches neither the machine's bridges nor its packet filter: builds use the host's network or none.
start_engine() {
	local at=$1 pid
	NO_ENGINE="the engine does not start (needs root)"
	[ "$(id -u)" = 0 ] || return 1
	mkdir -p "$at"
	say "${2:-{\}}" >"$at/daemon.json"
	dockerd --config-file "$at/daemon.json" --data-root "$at/data" --exec-root "$at/exec" --host "unix://$at/docker.sock" --pidfile "$at/pid" \
		--bridge=none --iptables=false --ip6tables=false --userland-proxy=false >"$at/log" 2>&1 &
	pid=$!
	ENGINES+=("$pid:$at")
	export DOCKER_HOST=unix://$at/docker.sock
	until docker version >/dev/null 2>&1; do
		kill -0 "$pid" 2>/dev/null || { tail -n 3 "$at/log" >&2 && return 1; }
		sleep 0.1
	done
}

# another_engine [CONFIGURATION]: from now on, builds are of a second engine, which has seen nothing; the base images are made there, too.
another_engine() {
	install_engine && PATH=$ENGINE_ROOT/usr/bin:$ENGINE_ROOT/usr/sbin:$PATH && find_buildx && start_engine "$WORK/another" "$@" && base_images
}

# Ends what was started, by its id, and removes what it kept.
stop_engines() {
	local engine pid
	for engine in "${ENGINES[@]}"; do
		pid=${engine%%:*}
		kill "$pid" 2>/dev/null && wait "$pid" 2>/dev/null || true
		rm -rf "${engine#*:}"
	done
	ENGINES=()
}
