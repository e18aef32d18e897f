#!/usr/bin/env bash
# The power goes at any moment, on a filesystem of its own (ext4 in a file) that is shut down without writing what it holds in memory. After that the store
# opens, has no wrong byte, and goes on; and a view has right bytes or is not there.
#
# Six losses of each kind; LARDER_TEST_LONG=1 makes them 40.
#
# In a mount namespace of its own: another one that is made meanwhile (a container) would keep the filesystem, shut down as it is, and it could not be mounted anew.
if [ -z "${OWN_MOUNTS:-}" ] && [ "$(id -u)" = 0 ] && unshare -m true 2>/dev/null; then
	OWN_MOUNTS=yes exec unshare -m bash "${BASH_SOURCE[0]}"
fi
source "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
PATH=$PATH:/usr/sbin:/sbin
need node "power loss"
need python3 "power loss"
need mkfs.ext4 "power loss"
[ "$(id -u)" = 0 ] || { skip "power loss: only root may mount a filesystem" && finish; }

DISK=$WORK/disk IMAGE=$WORK/image PROJECT=$WORK/project
LOSSES=6
[ -z "${LARDER_TEST_LONG:-}" ] || LOSSES=40
mkdir -p "$DISK" "$PROJECT"

new_disk() { rm -f "$IMAGE" && truncate -s 96M "$IMAGE" && mkfs.ext4 -q "$IMAGE" && mount -o loop "$IMAGE" "$DISK"; }
new_disk 2>"$WORK/mount" || { skip "power loss: no filesystem in a file can be mounted here: $(tail -n 1 "$WORK/mount")" && finish; }
umount "$DISK"

# power_goes: nothing that is only in memory reaches the disk any more (EXT4_IOC_SHUTDOWN, without a flush of the journal). Another program's fsync before it has committed
# the journal's transaction, so that names are there whose bytes are not.
power_goes() {
	python3 - "$DISK" <<-'PYTHON'
		import fcntl, os, struct, sys
		disk = sys.argv[1]
		other = os.open(disk + "/other", os.O_CREAT | os.O_WRONLY)
		os.write(other, b"x")
		os.fsync(other)
		os.close(other)
		top = os.open(disk, os.O_RDONLY)
		fcntl.ioctl(top, 0x8004587D, struct.pack("I", 2))
	PYTHON
}
power_returns() { umount "$DISK" && mount -o loop "$IMAGE" "$DISK"; }

# Forty packages, each of whose bodies takes some milliseconds.
node - "$PROJECT" "$WORK" <<'SERVER' &
const [fs, crypto, http] = ["fs", "crypto", "http"].map(require);
const [project, work] = process.argv.slice(2);
const bodies = new Map();
const packages = { "": { name: "app", version: "1.0.0" } };
for (let number = 0; number < 40; number++) {
	const body = crypto.randomBytes(20_000 + 3_000 * number);
	const path = `/p${number}/-/p${number}-1.0.0.tgz`;
	bodies.set(path, body);
	const integrity = `sha512-${crypto.createHash("sha512").update(body).digest("base64")}`;
	packages[`node_modules/p${number}`] = { version: "1.0.0", resolved: `https://registry.example${path}`, integrity };
	fs.mkdirSync(`${work}/right`, { recursive: true });
	fs.writeFileSync(`${work}/right/p${number}-1.0.0.tgz`, body);
}
fs.writeFileSync(`${project}/package-lock.json`, JSON.stringify({ name: "app", lockfileVersion: 3, packages }));
http.createServer(async (request, answer) => {
	const body = bodies.get(request.url);
	if (!body) return answer.writeHead(404).end();
	answer.writeHead(200, { "content-length": body.length });
	for (let at = 0; at < body.length; at += 20_000) {
		answer.write(body.subarray(at, at + 20_000));
		await new Promise((resolve) => setTimeout(resolve, 5));
	}
	answer.end();
}).listen(0, "127.0.0.1", function () { fs.writeFileSync(`${work}/port`, `${this.address().port}`); });
setTimeout(() => process.exit(), 1_200_000);
SERVER
server=$!
trap 'kill $server 2>/dev/null || true; umount "$DISK" 2>/dev/null || true; rm -rf "$WORK"' EXIT
for _ in $(seq 100); do [ -s "$WORK/port" ] || sleep 0.1; done
export npm_config_registry=http://127.0.0.1:$(cat "$WORK/port")/ npm_config_fetch_retries=0

larder() { "$LARDER" --store "$DISK/store" "$@"; }

# right_or_gone FOLDER: whether a view has exactly the right bytes, or is not there.
right_or_gone() {
	[ -d "$1" ] || return 0
	diff -rq --exclude='.larder-view*' "$1" "$WORK/right" >"$WORK/diff" 2>&1
}

lost=0
for loss in $(seq "$LOSSES"); do
	new_disk
	# At a moment between the first second and after the end.
	larder fetch --quiet --jobs 8 "$PROJECT" >/dev/null 2>&1 &
	fetch=$!
	sleep "$(printf '0.%02d' $((5 + loss * 37 % 95)))"
	power_goes
	wait "$fetch" || true
	power_returns
	if [ -e "$DISK/store/meta.json" ]; then
		code=$(run "$WORK/verify" larder verify)
		# What a lost write damaged is set aside here; nothing may be left of it after that.
		[ "$code" = 0 ] || [ "$code" = 4 ] || { say "        verify: exit code $code" && show "$WORK/verify" && lost=$((lost + 1)); }
	fi
	code=$(run "$WORK/fetch" larder fetch "$PROJECT")
	[ "$code" = 0 ] || { say "        loss $loss: the next fetch ends with $code" && show "$WORK/fetch" && lost=$((lost + 1)); }
	code=$(run "$WORK/verify" larder verify)
	[ "$code" = 0 ] || { say "        loss $loss: verify ends with $code after the next fetch" && show "$WORK/verify" && lost=$((lost + 1)); }
	larder view tarballs "$WORK/view" "$PROJECT" --offline >/dev/null 2>&1 && right_or_gone "$WORK/view" || { say "        loss $loss: wrong bytes" && lost=$((lost + 1)); }
	rm -rf "$WORK/view"
	umount "$DISK"
done
equals "stores that were not whole after one of $LOSSES power losses in a fetch" 0 "$lost"

lost=0
for loss in $(seq "$LOSSES"); do
	new_disk
	# A store with nothing in it yet, and the power goes at once.
	"$LARDER" --store "$DISK/store" fetch --offline "$PROJECT" >/dev/null 2>&1 || true
	power_goes
	power_returns
	code=$(run "$WORK/fetch" larder fetch "$PROJECT")
	[ "$code" = 0 ] || { say "        loss $loss: the next fetch ends with $code" && show "$WORK/fetch" && lost=$((lost + 1)); }
	umount "$DISK"
done
equals "new stores that could not be used after one of $LOSSES power losses" 0 "$lost"

# A view on another filesystem than the store is a copy.
"$LARDER" --store "$WORK/store" fetch --quiet "$PROJECT" >/dev/null
lost=0
for loss in $(seq "$LOSSES"); do
	new_disk
	"$LARDER" --store "$WORK/store" view tarballs "$DISK/view" "$PROJECT" --offline >/dev/null
	power_goes
	power_returns
	right_or_gone "$DISK/view" || { say "        loss $loss: $(head -n 1 "$WORK/diff")" && lost=$((lost + 1)); }
	umount "$DISK"
done
equals "views with wrong bytes after one of $LOSSES power losses" 0 "$lost"
finish
