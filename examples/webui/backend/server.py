"""Serves the built front end and /api/version. Needs nothing but Python's standard library."""

import argparse
import functools
import http.server
import json
import os
import pathlib
import signal
import sys

DIST = pathlib.Path(__file__).resolve().parent.parent / "dist"


class Handler(http.server.SimpleHTTPRequestHandler):
    """Files of the front end, and the API beside them."""

    protocol_version = "HTTP/1.1"
    extensions_map = http.server.SimpleHTTPRequestHandler.extensions_map | {
        ".js": "text/javascript",
        ".mjs": "text/javascript",
        ".wasm": "application/wasm",
    }

    def do_GET(self) -> None:
        if self.path.split("?", 1)[0] == "/api/version":
            self.send_version()
        else:
            super().do_GET()

    def send_version(self) -> None:
        body = json.dumps({"version": os.environ.get("BUILD_HASH") or "development"}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8080)
    parser.add_argument("--dist", type=pathlib.Path, default=DIST)
    options = parser.parse_args()
    # As a container's first process, Python would be deaf to `docker stop`.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    handler = functools.partial(Handler, directory=str(options.dist))
    with http.server.ThreadingHTTPServer((options.host, options.port), handler) as server:
        print(f"http://{options.host}:{server.server_port}/", flush=True)
        server.serve_forever()


if __name__ == "__main__":
    main()
