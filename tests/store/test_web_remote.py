"""A remote on a web server: what is shown of its address, and what a refusal means."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from dataops.errors import DataOpsError
from dataops.store.choose import for_config
from dataops.store.objects import Object
from dataops.store.web import WebStore

CONTENT = b"what DVC 2 pushed"
DIGEST = hashlib.md5(CONTENT, usedforsecurity=False).hexdigest()


class Bucket(BaseHTTPRequestHandler):
    """As S3 to somebody who may read, but not list: what isn't there is forbidden."""

    def do_GET(self) -> None:
        """One object, in the layout of DVC 3."""
        found = self.path == f"/files/md5/{DIGEST[:2]}/{DIGEST[2:]}" and self.headers["Authorization"]
        self.send_response(200 if found else 403)
        self.send_header("Content-Length", str(len(CONTENT) if found else 0))
        self.end_headers()
        self.wfile.write(CONTENT if found else b"")

    def log_message(self, *_: object) -> None:
        """Silence."""


@pytest.fixture
def web() -> Iterator[WebStore]:
    """The store, with a password in its URL."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Bucket)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield WebStore(f"http://me:hunter2@127.0.0.1:{server.server_port}")
    finally:
        server.shutdown()


def test_forbidden_may_mean_missing(web: WebStore) -> None:
    """The other layout is tried too; an object that is in neither is a refusal."""
    obj = Object(DIGEST, "md5-dos2unix")
    head = web.head(obj)
    assert head is not None
    assert head.size == len(CONTENT)
    assert b"".join(WebStore(web._base).read(obj)) == CONTENT
    for ask in (web.head, web.read):
        with pytest.raises(DataOpsError, match=r"refuses access \(403\)"):
            ask(Object("0" * 32))


def test_no_password_is_shown(web: WebStore) -> None:
    """It is used, and shown nowhere."""
    assert "hunter2" not in web.uri(Object(DIGEST)) + web.url
    with pytest.raises(DataOpsError) as error:
        web.read(Object("0" * 32))
    assert "hunter2" not in str(error.value)


def test_no_default_remote() -> None:
    """Those that could be named are."""
    store = for_config("['remote \"b\"']\n    url = s3://x\n['remote \"a\"']\n    url = ssh://u:hunter2@h/x\n")
    with pytest.raises(DataOpsError, match="no default remote") as error:
        store.head(Object(DIGEST))
    assert error.value.hint == "--remote names one: a, b"
    with pytest.raises(DataOpsError, match=r"kind ssh:// are not read directly"):
        for_config("['remote \"a\"']\n    url = ssh://u:hunter2@h/x\n", "a").head(Object(DIGEST))
