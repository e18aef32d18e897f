# The base images of the tests, made from this machine's node and Python: no registry of images is needed. Sourced after lib.sh.

NODE_IMAGE=larder-test/node
PYTHON_IMAGE=larder-test/python

# base_images: builds both, and an image of larder alone.
base_images() {
	image "$NODE_IMAGE" node_root && image "$PYTHON_IMAGE" python_root && larder_image
}

# image TAG FILL: an image of the files that FILL puts into the folder it is given.
image() {
	local root=$WORK/root
	rm -rf "$root"
	mkdir -p "$root"
	"$2" "$root" || return 1
	printf 'FROM scratch\nCOPY . /\nENV PATH=/usr/local/bin:/usr/bin:/bin\n' |
		docker build --quiet --tag "$1" --file - "$root" >/dev/null || return 1
	rm -rf "$root"
}

node_root() {
	local npm
	npm=$(npm_cli)
	npm=$(realpath "${npm%/bin/npm-cli.js}")
	system_root "$1"
	program "$1" "$(node -p process.execPath)" /usr/local/bin/node
	# Native packages are linked to parts of glibc that node itself does without.
	part_of_glibc "$1" rt dl util pthread m resolv
	mkdir -p "$1/usr/local/lib/node_modules"
	cp -a "$npm" "$1/usr/local/lib/node_modules/npm"
	ln -s ../lib/node_modules/npm/bin/npm-cli.js "$1/usr/local/bin/npm"
	ln -s ../lib/node_modules/npm/bin/npx-cli.js "$1/usr/local/bin/npx"
}

# Python's own files without what a server has no use for; site-packages stay here.
python_root() {
	local python prefix library
	python=$(python3 -c 'import sys; print(sys.base_exec_prefix + "/bin/python%d.%d" % sys.version_info[:2])')
	prefix=$(python3 -c 'import sys; print(sys.base_prefix)')
	library=$(python3 -c 'import os; print(os.path.dirname(os.__file__))')
	system_root "$1"
	program "$1" "$python" "$python"
	mkdir -p "$1$prefix/lib"
	tar -C "$(dirname "$library")" --exclude site-packages --exclude dist-packages --exclude __pycache__ --exclude test --exclude 'config-*' --exclude ensurepip \
		-cf - "$(basename "$library")" | tar -C "$1$prefix/lib" -xf -
	libraries "$1" "$library"/lib-dynload/*.so
	mkdir -p "$1/usr/local/bin"
	ln -sf "$python" "$1/usr/local/bin/python3"
}

# larder's own Dockerfile, with the binary that is here in place of its first stage.
larder_image() {
	local processor
	processor=$(uname -m | sed 's/x86_64/amd64/; s/aarch64/arm64/')
	mkdir -p "$WORK/built/out/$processor" "$WORK/nothing"
	cp "$STATIC" "$WORK/built/out/$processor/larder"
	docker buildx build --quiet --tag "$LARDER_IMAGE" --build-context "build=$WORK/built" --file "$ROOT/Dockerfile" "$WORK/nothing" >/dev/null
}

# What any of them needs: a shell and its programs, names of users, certificates, a folder for temporary files.
system_root() {
	local name
	mkdir -p "$1"/{bin,etc,root,tmp,usr/bin,usr/local/bin}
	chmod 1777 "$1/tmp"
	cp "$(command -v busybox)" "$1/bin/busybox"
	for name in $("$1/bin/busybox" --list); do [ "$name" = busybox ] || ln -s busybox "$1/bin/$name"; done
	ln -s ../../bin/busybox "$1/usr/bin/env"
	printf 'root:x:0:0:root:/root:/bin/sh\n' >"$1/etc/passwd"
	printf 'root:x:0:\n' >"$1/etc/group"
	printf '127.0.0.1 localhost\n' >"$1/etc/hosts"
	[ ! -e /etc/ssl/certs/ca-certificates.crt ] || install -D -m 644 /etc/ssl/certs/ca-certificates.crt "$1/etc/ssl/certs/ca-certificates.crt"
}

# program ROOT FILE AS: a program with the libraries that it is linked to.
program() {
	install -D "$2" "$1$3"
	libraries "$1" "$2"
}

# part_of_glibc ROOT NAME…: libNAME.so.N, from beside libc.
part_of_glibc() {
	local root=$1 libc name library
	shift
	libc=$(ldd "$(node -p process.execPath)" | sed -n 's/.*=> \(.*\)\/libc\.so\.6 .*/\1/p')
	for name in "$@"; do
		for library in "$libc/lib$name".so.[0-9]; do [ ! -e "$library" ] || install -D "$(realpath "$library")" "$root$library"; done
	done
}

# libraries ROOT FILE…: what ldd names for these files, at its place.
libraries() {
	local root=$1 library
	shift
	ldd "$@" 2>/dev/null | sed -n 's/^\t\(.* => \)\{0,1\}\(\/[^ ]*\) (0x.*/\2/p' | sort -u | while read -r library; do
		[ -e "$root$library" ] || install -D "$(realpath "$library")" "$root$library"
	done
}
