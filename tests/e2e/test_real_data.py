"""The product on data that nobody here made: adopt, ingest, repro, no code edited. `make test-data` runs it."""

from __future__ import annotations

import http.server
import json
import os
import tarfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlparse

import pandas as pd
import pytest
from checkout import ROOT, Repo

pytestmark = [pytest.mark.realdata, pytest.mark.timeout(1500)]
DATA = ROOT.parent / "shared" / "data"


def real(name: str) -> Path:
    """A real file, or a skip that says which one is missing."""
    path = DATA / name
    if not path.exists():
        pytest.skip(f"{name} is not beside the repository")
    return path


def report(repo: Repo, name: str) -> dict[str, Any]:
    """One of the reports."""
    return json.loads((repo.path / "reports" / f"{name}.json").read_text())


def test_store_item_demand(planted: Callable[[str], Repo]) -> None:
    """913,000 rows, horizon 90: sMAPE of October to December 2017 is at most 12.5; seasonal naive has 17.9."""
    source = str(real("retail/store_item_demand.csv.xz"))
    repo = planted("store_item")
    repo.run(
        "dataops", "adopt", source, "--time", "date", "--target", "sales", "--keys", "store,item", "--horizon", "90"
    )
    repo.run("dataops", "ingest", source)
    repo.run("dvc", "repro")
    evaluation = report(repo, "evaluation")
    tested = sorted(path.stem for path in (repo.path / "data/dataset/test").iterdir())
    assert tested == ["2017-10", "2017-11", "2017-12"]
    assert evaluation["rows"] == 46_000
    assert evaluation["model"]["smape"] <= 12.5
    assert 17.8 < evaluation["naive"]["smape"] < 18.0
    assert evaluation["model"]["mase"] < 0.8
    assert report(repo, "validation")["rows"] == {"raw": 913_000, "excluded": 0, "invalid": 0, "valid": 913_000}


def test_online_retail_in_three_batches(planted: Callable[[str], Repo], tmp_path: Path) -> None:
    """305 files of invoices by day: what was found is what pandas counts in the files."""
    with tarfile.open(real("retail/uci_online_retail_by_day.tar.xz")) as archive:
        archive.extractall(tmp_path, filter="data")
    files = sorted(tmp_path.rglob("*.csv"))
    rows = pd.concat([pd.read_csv(file, dtype={"StockCode": "str", "InvoiceNo": "str"}) for file in files])
    days = pd.to_datetime(rows["InvoiceDate"]).dt.floor("D")
    net = rows.groupby(["Country", rows["StockCode"].str.strip(), days])["Quantity"].sum()

    repo = planted("online_retail")
    folder = str(files[0].parent)
    roles = [
        "--time",
        "date=InvoiceDate",
        "--target",
        "sales=Quantity",
        "--keys",
        "store_id=Country,product_id=StockCode",
    ]
    repo.run("dataops", "adopt", folder, *roles)
    for pattern in ("2010-*.csv", "2011-0*.csv", "*.csv"):
        repo.run("dataops", "ingest", f"{folder}/{pattern}")
    repo.run("dvc", "repro")

    collection, validation = report(repo, "collection"), report(repo, "validation")
    assert collection["batches"] == 3
    assert collection["files"] == len(files) == 305
    assert collection["rows_read"] == len(rows) == 541_909
    assert collection["duplicate_rows"] == int(rows.duplicated().sum())
    assert collection["negative_target_rows"] == int((rows["Quantity"] < 0).sum())
    assert collection["rows"] == len(net)
    assert validation["broken_rules"] == {"sales >= 0": int((net < 0).sum())}
    assert validation["rows"]["valid"] == int((net >= 0).sum())
    assert validation["calendar"]["missing_steps"] == (days.max() - days.min()).days + 1 - days.nunique()
    assert validation["series"] == net.groupby(level=[0, 1]).ngroups
    assert report(repo, "evaluation")["beats_naive"] is True


class Api(http.server.BaseHTTPRequestHandler):
    """TMDB's way to page; every third request fails, and after `dies_at` requests nothing answers any more."""

    movies: list[dict[str, Any]] = []
    asked = 0
    dies_at = 10**9

    def do_GET(self) -> None:
        """One page, an error, or silence."""
        cls = type(self)
        cls.asked += 1
        if cls.asked >= cls.dies_at:
            self.connection.close()
            return
        if cls.asked % 3 == 0:
            self.send_response(503 if cls.asked % 2 else 429)
            self.send_header("Retry-After", "0")
            self.end_headers()
            return
        query = parse_qs(urlparse(self.path).query)
        if query.get("api_key") != ["sekret-key"]:
            self.send_response(401)
            self.end_headers()
            return
        page = int(query.get("page", ["1"])[0])
        body = {"page": page, "results": self.movies[(page - 1) * 20 : page * 20],
                "total_pages": -(-len(self.movies) // 20), "total_results": len(self.movies)}  # fmt: skip
        content = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def test_movies_from_a_flaky_api(planted: Callable[[str], Repo]) -> None:
    """Every third request fails; once the server dies midway: no half batch, then all 1,000 movies, and a model."""
    Api.movies = json.loads(real("movies/tmdb_movies.json").read_text())
    repo = planted("movies")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Api)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}/3/movie/popular"
    fetch = ("dataops", "ingest", "http", url, "--key-env", "TMDB_API_KEY", "--rate", "200", "--name", "movies")
    try:
        Api.dies_at = 30
        failed = repo.run(*fetch, "--retries", "2", status=2, TMDB_API_KEY="sekret-key")
        assert "nothing was recorded" in failed.stderr
        assert "sekret-key" not in failed.stderr + failed.stdout
        assert not (repo.path / "data/landing").exists()
        Api.asked, Api.dies_at = 0, 10**9
        repo.run(*fetch, TMDB_API_KEY="sekret-key")
    finally:
        server.shutdown()
    (landed,) = (repo.path / "data/landing").rglob("movies.jsonl")
    got = [json.loads(line) for line in landed.read_text().splitlines()]
    assert sorted(movie["id"] for movie in got) == sorted(movie["id"] for movie in Api.movies)
    for path in (repo.path / "data").rglob("*"):
        assert path.is_dir() or b"sekret-key" not in path.read_bytes()
    relative = os.path.relpath(landed, repo.path)
    repo.run("dataops", "adopt", relative, "--time", "release_date", "--target", "popularity")
    repo.run("dvc", "repro")
    assert report(repo, "collection")["rows_read"] == 1000
