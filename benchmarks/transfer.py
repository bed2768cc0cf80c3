"""How long 200 MB take from the remote, verified: in one file and in 40, against `dvc pull` and boto3 with 8 threads.

python benchmarks/transfer.py [--megabytes 200]

Everything on the embedded S3 server of this machine. The commands are whole processes with a cold cache; boto3 and the
function run in this process, signed in already, as both would be in a program of one's own. boto3 verifies nothing.
"""

from __future__ import annotations

import argparse
import contextlib
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

MEGABYTES, FILES, THREADS = 200, 40, 8
REPEATS = 3
TEMPLATE = Path(__file__).parents[1]
GIT = ("git", "-c", "user.name=bench", "-c", "user.email=bench@example.org")


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
    """Both shapes; the median of three runs each, the peers' taken in turn so that a busy machine hits all alike."""
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
    """One folder by all four ways."""
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

    def function() -> None:
        transfer.fetch(wanted(listing.objects), store, None, out, threads=THREADS, expected=listing.size)

    def command() -> None:
        _call(root, sys.executable, "-m", "dataops", "get", "HEAD", "--path", shape, "--out", str(out))

    def dvc() -> None:
        _dvc(root, "pull", "-q", shape)

    ways: dict[str, Callable[[], None]] = {"dvc": dvc, "boto3": boto3, "function": function, "command": command}
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(REPEATS + 1):
        for name, way in ways.items():
            for folder in (root / ".dvc/cache", root / ".dvc/tmp", root / shape, out):
                shutil.rmtree(folder, ignore_errors=True)
            started = time.perf_counter()
            way()
            if turn:  # in the first one the server reads from its disk
                seconds[name].append(time.perf_counter() - started)
    took = {name: statistics.median(times) for name, times in seconds.items()}
    return [
        Result(f"dvc pull, {many}", took["dvc"], megabytes),
        Result(f"boto3 with {THREADS} threads, {many}", took["boto3"], megabytes),
        Result(f"dataops get, {many}", took["command"], megabytes, took["dvc"] / took["command"], "dvc pull"),
        Result(f"its transfer alone, {many}", took["function"], megabytes, took["boto3"] / took["function"], "boto3"),
    ]


def _dvc(root: Path, *words: str) -> None:
    _call(root, sys.executable, "-m", "dvc", *words)


def _call(root: Path, *words: str) -> None:
    subprocess.run(words, cwd=root, check=True, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=int, default=MEGABYTES, metavar="N", help="(200)")
    for result in run(parser.parse_args().megabytes):
        print(result)
