"""The source `http` against a real server that fails as real ones do."""

from __future__ import annotations

import contextlib
import email.utils
import http.server
import itertools
import json
import logging
import socket
import struct
import threading
import time
import urllib.parse
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ingest_repo import call

from dataops.errors import DataOpsError
from dataops.ingest.batches import LANDING, batches
from dataops.ingest.client import _retry_after
from dataops.ingest.http import Http
from dataops.ingest.run import Options, ingest
from dataops.ingest.source import Context, Taken

KEY = "s3cr3t/K=y 42"
MOVIES = Path(__file__).parents[3] / "shared/data/movies/tmdb_movies.json"


def movies() -> list[dict[str, Any]]:
    if MOVIES.exists():
        return json.loads(MOVIES.read_text())
    return [{"id": number, "title": f"film {number}", "genre_ids": [1, 2]} for number in range(1000)]


class Server(http.server.ThreadingHTTPServer):
    """Pages of `records`; `behave` may answer a request itself and return True."""

    daemon_threads = True

    def __init__(self, records: list[Any], size: int = 20, behave: Callable[..., bool] | None = None) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.records, self.size, self.behave = records, size, behave
        self.requests: list[tuple[str, dict[str, str]]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/3/movie/popular"


class Handler(http.server.BaseHTTPRequestHandler):
    """One request."""

    protocol_version = "HTTP/1.1"
    server: Server

    def log_message(self, *_args: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        """A page, unless `behave` has other ideas."""
        self.server.requests.append((self.path, dict(self.headers)))
        query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(self.path).query))
        if self.server.behave and self.server.behave(self, query, len(self.server.requests)):
            return
        size, records = self.server.size, self.server.records
        page = int(query.get("page", 1))
        pages = -(-len(records) // size)
        part = records[(page - 1) * size : page * size]
        self.send({"page": page, "results": part, "total_pages": pages, "total_results": len(records)})

    def send(self, body: Any, status: int = 200, kind: str = "application/json", **headers: str) -> None:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(content)

    def reset(self) -> None:
        """Close so that the other side sees a connection reset."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
        self.close_connection = True

    def truncate(self) -> None:
        """Promise more than is sent."""
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", "1000")
        self.end_headers()
        self.wfile.write(b'{"page": 1, "results": [{"id"')
        self.wfile.flush()
        self.reset()

    def half(self) -> None:
        """Half an answer whose length nobody promised."""
        self.send_response(200)
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(b'{"page": 1, "results": [{"id"')
        self.close_connection = True


@contextlib.contextmanager
def served(records: list[Any], size: int = 20, behave: Callable[..., bool] | None = None) -> Iterator[Server]:
    server = Server(records, size, behave)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


def fetch(tmp_path: Path, url: str, **options: Any) -> Taken:
    work = tmp_path / "work"
    work.mkdir(exist_ok=True)
    fast = {"rate": 1000.0, "backoff": 0.01, "timeout": 5.0}
    return Http(url, **(fast | options)).take(Context(work, []))


def lines(taken: Taken) -> list[Any]:
    assert taken.files[0].path is not None
    return [json.loads(line) for line in taken.files[0].path.read_text().splitlines()]


def unreliable(handler: Handler, _query: dict[str, str], number: int) -> bool:
    """Every third request fails, each time in another way."""
    if number % 3:
        return False
    failures: list[Callable[[], None]] = [
        lambda: handler.send({}, 503),
        lambda: handler.send({}, 429, Retry_After="0"),
        lambda: handler.send({}, 429, Retry_After=email.utils.formatdate(usegmt=True)),
        handler.reset,
        handler.truncate,
        handler.half,
    ]
    failures[number // 3 % len(failures)]()
    return True


def test_all_movies_from_an_unreliable_server(repo, tmp_path, monkeypatch):
    """Every record arrives once and in order, is recorded, and is known when it is asked for again."""
    monkeypatch.setenv("TMDB_API_KEY", KEY)
    records = movies()
    with served(records, behave=unreliable) as server:
        source = Http(server.url, key_env="TMDB_API_KEY", rate=1000, backoff=0.01, name="movies")
        planned = ingest(repo, source, Options(dry_run=True))
        assert planned.rows == len(records)
        done = ingest(repo, source)
        assert done.rows == len(records)
        assert done.warnings[1:] == []  # the template's params.yaml expects a shop
        assert ingest(repo, source).batch is None
        assert KEY in dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(server.requests[0][0]).query)).values()
    batch = batches(repo / LANDING)[0]
    assert [file.name for file in batch.manifest.files] == ["movies.jsonl"]
    assert [json.loads(line) for line in batch.paths[0].read_text().splitlines()] == records
    for form in (KEY, urllib.parse.quote(KEY), urllib.parse.quote_plus(KEY)):
        assert form not in (batch.folder / "batch.json").read_text()
    assert batch.manifest.source.description == server.url
    call(repo, "git", "add", "-A")


def test_no_half_batch(repo, monkeypatch):
    """A server that gives up in the middle leaves nothing behind."""
    with (
        served(
            movies(), behave=lambda handler, query, _: query["page"] == "9" and (handler.send({}, 500) or True)
        ) as server,
        pytest.raises(DataOpsError, match=r"page 9: the server answers 500 .*after 3 tries"),
    ):
        ingest(repo, Http(server.url, retries=2, rate=1000, backoff=0.01))
    assert not (repo / "data/landing.dvc").exists()
    assert not (repo / LANDING).exists()
    assert not list((repo / ".dataops/tmp").iterdir())


def test_the_key_is_never_shown(tmp_path, monkeypatch, caplog):
    """Not in errors, not in logs at the finest level, not by a server that echoes it, not after a redirect."""
    monkeypatch.setenv("K", KEY)
    caplog.set_level(logging.DEBUG)
    echo = {"status_message": f"Invalid API key: {KEY} or {urllib.parse.quote_plus(KEY)}"}
    stolen: list[dict[str, str]] = []
    answers: list[Callable[[Handler], Any]] = [
        lambda handler: handler.send(echo, 401),
        lambda handler: handler.send(b"<html>sign in</html>", kind="text/html"),
        lambda handler: handler.send({}, 302, Location=f"http://evil.example/?api_key={urllib.parse.quote_plus(KEY)}"),
        lambda handler: handler.send({}, 500),
        lambda handler: handler.reset(),
    ]
    shown = ""
    for answer in answers:
        for way in ({"key_param": "api_key"}, {"key_header": "Authorization"}):
            with served([], behave=lambda handler, *_: answer(handler) or True) as server:  # noqa: B023
                with pytest.raises(DataOpsError) as caught:
                    fetch(tmp_path, server.url, key_env="K", retries=1, **way)
                stolen.append(server.requests[0][1])
            shown += f"{caught.value}\n"
    with pytest.raises(DataOpsError) as caught:
        fetch(tmp_path, "http://127.0.0.1:9/x?token=abcdefgh", key_env="K", retries=0)
    shown += f"{caught.value}\n{caplog.text}"
    assert "connection refused" in shown
    assert "Invalid API key: *** or ***" in shown
    assert "text/html, not JSON" in shown
    assert "redirected to http://evil.example/" in shown
    for secret in (KEY, urllib.parse.quote(KEY), urllib.parse.quote(KEY, ""), urllib.parse.quote_plus(KEY), "abcdefgh"):
        assert secret not in shown
    assert any(headers.get("Authorization") == KEY for headers in stolen)


def test_retry_after():
    """Seconds, a date, a date gone by, nonsense; none is waited for without end."""
    assert _retry_after("7") == 7
    assert 50 < _retry_after(email.utils.formatdate(time.time() + 60, usegmt=True)) <= 61
    assert _retry_after("Thu, 01 Jan 1970 00:00:00 GMT") == 0
    assert _retry_after("soon") is None
    assert _retry_after(None) is None


def test_waits_are_honoured_and_capped(tmp_path, monkeypatch):
    """Retry-After decides how long to wait, but not longer than two minutes."""
    waits: list[float] = []
    monkeypatch.setattr("dataops.ingest.client.time.sleep", waits.append)
    with served(
        [{"id": 1}], behave=lambda h, _, n: n < 3 and (h.send({}, 429, Retry_After=["9", "86400"][n - 1]) or True)
    ) as server:
        fetch(tmp_path, server.url)
    assert [wait for wait in waits if wait > 1] == [9, 120]


@pytest.mark.parametrize("late", [-0.01, 0, 0.04, 1])
def test_rate(tmp_path, monkeypatch, late):
    """At 20 a second two requests are never nearer than 50 ms, also after a sleep that took too short or too long."""
    now, sent = [100.0], []

    def sleep(seconds: float) -> None:
        now[0] += max(seconds + late, 0.001)

    monkeypatch.setattr("dataops.ingest.client.time", SimpleNamespace(monotonic=lambda: now[0], sleep=sleep))
    with served([{"id": n} for n in range(6)], 1, lambda *_: sent.append(now[0])) as server:
        fetch(tmp_path, server.url, rate=20.0)
    gaps = [after - before for before, after in itertools.pairwise(sent)]
    assert len(gaps) == 5
    assert min(gaps) > 0.0499
    assert max(gaps) < 0.0501 + max(late, 0.001)


def test_counts_are_compared(tmp_path):
    """A record on two pages is taken once; numbers that don't agree are a warning with both; --max-pages is none."""
    records = [{"id": n} for n in range(50)]
    with served([*records[:20], records[19], *records[20:]]) as server:
        taken = fetch(tmp_path, server.url)
        assert len(lines(taken)) == 50
        assert taken.warnings == ["1 records came twice and were taken once: did the list move while it was read?"]
        assert len(lines(fetch(tmp_path, server.url, max_pages=2))) == 39 + 1 - 1

    def lies(handler: Handler, query: dict[str, str], _number: int) -> bool:
        page = int(query["page"])
        handler.send({"page": page, "results": [{"id": page}], "total_pages": 2, "total_results": 30})
        return True

    with served([], behave=lies) as server:
        assert "says it has 30 records and sent 2" in fetch(tmp_path, server.url).warnings[0]


def test_other_shapes(tmp_path):
    """Other names for everything, a bare list, no number of pages, parameters."""

    def shaped(handler: Handler, query: dict[str, str], _number: int) -> bool:
        assert query["language"] == "en=us"
        page = int(query["p"])
        handler.send({"data": {"items": [{"b": page, "a": None}] if page < 4 else []}, "meta": {"last": 3}})
        return True

    with served([], behave=shaped) as server:
        options: dict[str, Any] = {"items": "data.items", "page_param": "p", "param": ["language=en=us"]}
        assert len(lines(fetch(tmp_path, server.url, total_pages="meta.last", **options))) == 3
        taken = fetch(tmp_path, server.url, total_pages="none", **options)
        assert taken.files[0].path.read_text().startswith('{"a": null, "b": 1}\n')
        assert len(lines(taken)) == 3
    with served([], behave=lambda h, q, _: h.send([{"id": 1}] if q["page"] == "1" else []) or True) as server:
        assert lines(fetch(tmp_path, server.url, items=".")) == [{"id": 1}]
        with pytest.raises(DataOpsError, match="the answer itself is a list"):
            fetch(tmp_path, server.url)


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ({"movies": [{"id": 1}]}, "no list results\n hint: --items movies"),
        ({"page": 1, "results": []}, "has no records"),
        ({"page": 7, "results": [{"id": 1}]}, "the answer is page 7"),
        ({"results": [{"id": 1}]}, "same as the page before"),
        ({"results": [1]}, "a record is not an object"),
        ({"results": [{"id": 1}], "total_pages": "many"}, "total_pages is no number"),
        (b"", "cut short"),
        (b"hello", "application/json, not JSON"),
    ],
)
def test_answers_that_are_wrong(tmp_path, answer, says):
    """Each is one line that says what to change."""
    with (
        served([], behave=lambda handler, *_: handler.send(answer) or True) as server,
        pytest.raises(DataOpsError) as caught,
    ):
        fetch(tmp_path, server.url, retries=1)
    assert says in str(caught.value)


def test_calls_that_are_wrong(tmp_path, monkeypatch):
    """The address, the key, the options."""
    monkeypatch.delenv("NO_KEY", raising=False)
    good = "http://127.0.0.1:9/x"
    for url, options, says in (
        ("ftp://x/y", {}, "begins with https"),
        ("file:///etc/passwd", {}, "begins with https"),
        ("http://user:password@127.0.0.1/x", {}, "holds a user or password"),
        (good, {"key_env": "NO_KEY"}, "NO_KEY is not set"),
        (good, {"key_param": "k"}, "--key-env"),
        (good, {"param": ["x"]}, "not K=V"),
        (good, {"rate": 0.0}, "--rate must be"),
        ("http://no-such-host.invalid/x", {"retries": 0}, ": "),
    ):
        with pytest.raises(DataOpsError) as caught:
            fetch(tmp_path, url, **options)
        assert says in str(caught.value)
        assert "password@" not in str(caught.value)
    slow = r"no answer within 0\.2 s .after one try"
    with served([], behave=lambda *_: time.sleep(2) or True) as server, pytest.raises(DataOpsError, match=slow):
        fetch(tmp_path, server.url, timeout=0.2, retries=0)
