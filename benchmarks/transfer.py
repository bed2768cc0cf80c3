"""How long 200 MB take from the remote, verified: in one file and in 40, against `dvc pull` and boto3 with 8 threads.

python benchmarks/transfer.py [--megabytes 200]

Everything on the embedded S3 server of this machine. The commands are whole processes with a cold cache, and so is the
script, which is the least that boto3 can be; boto3 and the function run in this process, signed in already, as both
would be in a program of one's own. boto3 verifies nothing. Every process may keep its bytecode, as it may wherever
PYTHONDONTWRITEBYTECODE isn't set: the first turn, which doesn't count, compiles.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dataops.store.s3objects import S3Store

MEGABYTES, FILES, THREADS = 200, 40, 8
REPEATS = 5
TEMPLATE = Path(__file__).parents[1]
GIT = ("git", "-c", "user.name=bench", "-c", "user.email=bench@example.org")

SCRIPT = """\
import json, sys
from concurrent.futures import ThreadPoolExecutor
import boto3
from boto3.s3.transfer import TransferConfig
told = json.load(sys.stdin)
client = boto3.client("s3", **told["client"])
several = TransferConfig(max_concurrency=told["threads"])
with ThreadPoolExecutor(told["threads"]) as pool:
    jobs = [pool.submit(client.download_file, told["bucket"], *one, Config=several) for one in told["files"]]
    for job in jobs:
        job.result()
"""


@dataclass(frozen=True)
class Result:
    """One line of the report."""

    name: str
    seconds: float
    megabytes: int
    ratio: float | None = None
    """How many times quicker than the peer."""
    peer: str = ""

    def __str__(self) -> str:
        told = f"{self.name:44} {self.seconds:7.2f} s  {self.megabytes / self.seconds:7.0f} MB/s"
        return told if self.ratio is None else f"{told}  {self.ratio:.2f} times {self.peer}"


def run(megabytes: int = MEGABYTES) -> list[Result]:
    """Both shapes; the medians of five runs each, taken in turn so that a busy machine hits all alike.

    A ratio is the median of the five within a turn.
    """
    from dataops.store import embedded

    with tempfile.TemporaryDirectory(prefix="bench-transfer-") as folder:
        root = _repository(Path(folder) / "repo", megabytes)
        try:
            results = []
            for shape, many in (("one", f"{megabytes} MB in one file"), ("many", f"{FILES} x {megabytes // FILES} MB")):
                results += _shape(root, shape, many, megabytes)
        finally:
            embedded.down(root)
    return results


def _repository(root: Path, megabytes: int) -> Path:
    """The template's configuration, its server, and two folders of random bytes on the remote and nowhere else."""
    from dataops.store import embedded

    (root / ".dvc").mkdir(parents=True)
    for name in (".dvc/config", ".dvc/.gitignore", ".gitignore", ".dvcignore"):
        shutil.copy(TEMPLATE / name, root / name)
    _call(root, "git", "init", "-q", "-b", "main")
    embedded.up(root)
    rng = random.Random(7)  # noqa: S311  no secret
    size = megabytes * 1_000_000
    for shape, count in (("one", 1), ("many", FILES)):
        (root / shape).mkdir()
        for number in range(count):
            (root / shape / f"{number:02}.bin").write_bytes(rng.randbytes(size // count))
    _dvc(root, "add", "-q", "one", "many")
    _call(root, "git", "add", "-A")
    _call(root, *GIT, "commit", "-qm", "data")
    _dvc(root, "push", "-q")
    shutil.rmtree(root / ".dvc/cache")
    return root


def _shape(root: Path, shape: str, many: str, megabytes: int) -> list[Result]:
    """One folder by all five ways."""
    from boto3.s3.transfer import TransferConfig

    from dataops.store import choose as stores
    from dataops.store import transfer
    from dataops.store.s3objects import S3Store
    from dataops.versions import context
    from dataops.versions.get import choose, wanted

    with contextlib.chdir(root):
        there = context.here()
        listing = choose(there, "HEAD", path=shape).listing
    store = stores.for_root(root)
    if not isinstance(store, S3Store):
        raise TypeError(f"{store.url} is no S3 remote")
    out = root.parent / "out"
    several = TransferConfig(max_concurrency=THREADS)

    def boto3() -> None:
        out.mkdir()
        with ThreadPoolExecutor(THREADS) as pool:
            jobs = [
                pool.submit(store.client.download_file, store.bucket, store.key(obj), str(out / name), Config=several)
                for name, obj in listing.objects.items()
            ]
            for job in jobs:
                job.result()

    def script() -> None:
        out.mkdir()
        files = [(store.key(obj), str(out / name)) for name, obj in listing.objects.items()]
        _call(root, sys.executable, "-c", SCRIPT, told=_told(store, files))

    def function() -> None:
        transfer.fetch(wanted(listing.objects), store, None, out, threads=THREADS, expected=listing.size)

    def command() -> None:
        _call(root, sys.executable, "-m", "dataops", "get", "HEAD", "--path", shape, "--out", str(out))

    def dvc() -> None:
        _dvc(root, "pull", "-q", shape)

    ways: dict[str, Callable[[], None]] = {
        "dvc": dvc,
        "command": command,
        "script": script,
        "boto3": boto3,
        "function": function,
    }
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(REPEATS + 1):
        for name, way in ways.items():
            for folder in (root / ".dvc/cache", root / ".dvc/tmp", root / shape, out):
                shutil.rmtree(folder, ignore_errors=True)
            started = time.perf_counter()
            way()
            if turn:  # in the first one the server reads from its disk
                seconds[name].append(time.perf_counter() - started)
    return _results(seconds, many, megabytes)


def _results(seconds: Mapping[str, Sequence[float]], many: str, megabytes: int) -> list[Result]:
    """The report's lines of one folder."""
    took = {name: statistics.median(times) for name, times in seconds.items()}

    def against(peer: str, name: str) -> float:
        return statistics.median(a / b for a, b in zip(seconds[peer], seconds[name], strict=True))

    return [
        Result(f"dvc pull, {many}", took["dvc"], megabytes),
        Result(f"a script of boto3, {many}", took["script"], megabytes, against("dvc", "script"), "dvc pull"),
        Result(f"dataops get, {many}", took["command"], megabytes, against("dvc", "command"), "dvc pull"),
        Result(f"boto3 with {THREADS} threads, {many}", took["boto3"], megabytes),
        Result(f"its transfer alone, {many}", took["function"], megabytes, against("boto3", "function"), "boto3"),
    ]


def _told(store: S3Store, files: list[tuple[str, str]]) -> str:
    """What the script is to fetch, and how."""
    remote = store.remote
    client = {
        "endpoint_url": remote.endpoint_url,
        "region_name": remote.region,
        "aws_access_key_id": remote.access_key_id,
        "aws_secret_access_key": remote.secret_access_key,
    }
    return json.dumps({"client": client, "threads": THREADS, "bucket": store.bucket, "files": files})


def _dvc(root: Path, *words: str) -> None:
    _call(root, sys.executable, "-m", "dvc", *words)


def _call(root: Path, *words: str, told: str = "") -> None:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    subprocess.run(words, cwd=root, env=environment, input=told, text=True, check=True, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=int, default=MEGABYTES, metavar="N", help="(200)")
    for result in run(parser.parse_args().megabytes):
        print(result)
