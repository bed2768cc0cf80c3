"""A proxy in front of the training host that loses, replaces or refuses what passes through it."""

from __future__ import annotations

import contextlib
import http.client
import threading
import urllib.parse
from collections import Counter
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Fault = Callable[[str, int], "str | tuple[int, bytes] | None"]
PASSED = ("content-length", "transfer-encoding", "connection", "date", "server", "expect")


@contextlib.contextmanager
def proxied(url: str, fault: Fault) -> Iterator[str]:
    """Its address. `fault` is asked with each operation and how often that has come.

    It says "lost" (the request arrives, the answer doesn't), an answer of its own, or nothing.
    """
    target, seen = urllib.parse.urlsplit(url).netloc, Counter[str]()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            operation = self.headers.get("X-Amz-Target", "").rpartition(".")[2]
            seen[operation] += 1
            found = fault(operation, seen[operation])
            if isinstance(found, tuple):
                self.reply(found[0], {}, found[1])
                return
            there = http.client.HTTPConnection(target, timeout=60)
            headers = {name: value for name, value in self.headers.items() if name.lower() not in PASSED}
            there.request("POST", self.path, body, headers)
            answer = there.getresponse()
            content = answer.read()
            there.close()
            if found == "lost":
                self.close_connection = True
            else:
                self.reply(answer.status, dict(answer.getheaders()), content)

        def reply(self, status: int, headers: dict[str, str], content: bytes) -> None:
            self.send_response(status)
            for name, value in headers.items():
                if name.lower() not in PASSED:
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
