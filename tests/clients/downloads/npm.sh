#!/usr/bin/env bash
# Packages that download files when they are installed or first used, each as npm runs its script: what was recorded online is replayed by `larder run --offline` where there is
# no network, to the same files, and nobody sets a variable; what was not recorded is refused at once and named.
source "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
source "$ROOT/tests/clients/downloads.sh"

# Package, releases of node, seconds within which a refusal has ended, command. node 24 where a script asks with node's own fetch or https, or needs that node. Longer than 10 s
# takes what tries again by itself: @vscode/ripgrep after 2, 4, 8 and 16 s.
MATRIX='cypress-13 20 10 npm rebuild cypress-13
cypress-15 20 10 npm rebuild cypress-15
puppeteer 20 10 npm rebuild puppeteer
playwright 20 10 playwright install chromium-headless-shell
@prisma/engines 20 10 npm rebuild @prisma/engines
chromedriver 20 10 npm rebuild chromedriver
ffmpeg-static 20 10 npm rebuild ffmpeg-static
mongodb-memory-server 20 10 npm rebuild mongodb-memory-server
canvas 20 10 npm rebuild canvas
better-sqlite3 20,24 10 npm rebuild better-sqlite3
sqlite3 20 10 npm rebuild sqlite3
bcrypt 20 10 npm rebuild bcrypt
grpc-tools 20 10 npm rebuild grpc-tools
electron-41 20,24 10 npm rebuild electron-41
electron-45 24 10 node -e require("electron-45")
onnxruntime-node-1.21 20,24 10 npm rebuild onnxruntime-node-1.21
onnxruntime-node-1.30 20,24 10 npm rebuild onnxruntime-node-1.30
@sentry/cli 20 10 npm rebuild @sentry/cli
node-sass 20 10 npm run --ignore-scripts --prefix node_modules/node-sass install
sharp 20 10 npm rebuild sharp
@tensorflow/tfjs-node 20 10 npm rebuild @tensorflow/tfjs-node
geckodriver 20,24 10 geckodriver --version
@vscode/ripgrep 20 40 npm rebuild @vscode/ripgrep
re2 24 10 npm rebuild re2
node-gyp 20 10 node-gyp install'

# What is done to a package besides unpacking it.
prepare() {
	case $PACKAGE in
	playwright | node-gyp | geckodriver) ;;
	*) copy_package "$PACKAGE" ;;
	esac
	case $PACKAGE in
	electron-*) in_file node_modules/$PACKAGE/checksums.json "s|\(\"electron-v$VERSION-linux-[a-z0-9]*.zip\": \"\)[0-9a-f]*|\1$(stand_in sha256 "/electron-v$VERSION-linux-x64.zip")|" ;;
	onnxruntime-node-1.21) mkdir -p node_modules/$PACKAGE/bin/napi-v3/linux/x64 ;;
	@sentry/cli) in_file node_modules/$PACKAGE/checksums.txt "s|\(-Linux-.*=\).*|\1$(stand_in sha256 "/$VERSION/sentry-cli-Linux-x86_64")|" ;;
	sharp) in_file node_modules/$PACKAGE/package.json "s|\(\"linux-[a-z0-9]*\": \"sha512-\)[^\"]*|\1$(stand_in sha512-base64 /libvips-8-linux-x64.tar.br)|" ;;
	# Its script tries the addon out, which only the true one passes.
	re2) in_file node_modules/$PACKAGE/package.json 's|"verify-build": "[^"]*"|"verify-build": "true"|; s|"artifactHashes"|"none"|' ;;
	esac
}
in_file() { sed "$2" "$1" >"$1.new" && mv "$1.new" "$1"; }

[ "$(uname -sm)" = 'Linux x86_64' ] || { skip "recorded downloads: the packages' stand-ins are for Linux on x86_64" && finish; }
serve_downloads "downloads of npm's packages"
while read -r -u 3 PACKAGE releases seconds command; do
	VERSION=$(node -p 'require(process.argv[1]).version' "$PACKAGES/node_modules/$PACKAGE/package.json")
	for MAJOR in ${releases//,/ }; do replays "node $MAJOR, $PACKAGE $VERSION" "$seconds" prepare $command; done
done 3< <(chosen <<<"$MATRIX")
finish
