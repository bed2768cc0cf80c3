"""Which of 24 monthly versions hold one customer: `dataops lineage record` against `dataops.load` of every version.

python benchmarks/record.py [--versions 24]

The data lie on the embedded S3 server of this machine, and nothing is in the cache when a run begins. Both are whole
processes. `dataops.load` fetches each distinct file once into the cache and reads the key column alone, so that it is
the best that a loop over versions can do. Both must count the same rows.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dataops.store.objects import Store

VERSIONS, BEFORE, ROWS, COLUMNS = 24, 12, 20_000, 20
REPEATS = 3
KEY, VALUE = "customer_id", "C00017"
TEMPLATE = Path(__file__).parents[1]
GIT = ("git", "-c", "user.name=bench", "-c", "user.email=bench@example.org")
LOOP = f"""\
import sys, dataops
rows = 0
for number in range(int(sys.argv[1])):
    found = dataops.load(f"dataset@v1.{{number}}.0", columns=["{KEY}"], filters=[("{KEY}", "==", "{VALUE}")])
    rows += len(found)
print(rows)
"""
PIPELINE = """\
stages:
  split:
    cmd: split
    outs: [data/dataset]
artifacts:
  dataset: {path: data/dataset, type: dataset}
"""


@dataclass(frozen=True)
class Result:
    """One line of the report."""

    name: str
    seconds: float
    read: int
    """Bytes over the network."""
    total: int
    """Bytes of all versions."""
    ratio: float | None = None
    """How many times quicker than the peer."""

    def __str__(self) -> str:
        told = f"{self.name:44} {self.seconds:7.2f} s  {self.read / 1e6:8.2f} MB of {self.total / 1e6:,.0f} MB"
        return told if self.ratio is None else f"{told}  {self.ratio:.1f} times the loop, 1/{self.total // self.read:,}"


def run(versions: int = VERSIONS) -> list[Result]:
    """The median of three runs each, taken in turn so that a busy machine hits both alike."""
    from dataops.store import embedded

    with tempfile.TemporaryDirectory(prefix="bench-record-") as folder:
        root = Path(folder) / "repo"
        try:
            total, distinct = _repository(root, versions)
            seconds: dict[str, list[float]] = {"loop": [], "record": []}
            for turn in range(REPEATS + 1):
                for name, command in (("loop", _loop(versions)), ("record", _record())):
                    shutil.rmtree(root / ".dvc/cache", ignore_errors=True)
                    started = time.perf_counter()
                    said = subprocess.run(command, cwd=root, check=True, capture_output=True, text=True).stdout
                    if turn:  # in the first one the server reads from its disk
                        seconds[name].append(time.perf_counter() - started)
                    if name == "loop":
                        rows = int(said)
                    else:
                        answer = json.loads(said)
            if rows != sum(one["rows"] for one in answer["versions"]) or not rows:
                raise AssertionError("they don't agree")
        finally:
            embedded.down(root)
    took = {name: statistics.median(times) for name, times in seconds.items()}
    return [
        Result(f"dataops.load, {versions} versions in turn", took["loop"], distinct, total),
        Result(
            f"dataops lineage record, {versions} versions",
            took["record"],
            answer["read"]["remote"],
            total,
            took["loop"] / took["record"],
        ),
    ]


def _loop(versions: int) -> list[str]:
    return [sys.executable, "-c", LOOP, str(versions)]


def _record() -> list[str]:
    return [sys.executable, "-m", "dataops", "lineage", "record", f"{KEY}={VALUE}", "--json"]


def _repository(root: Path, versions: int) -> tuple[int, int]:
    """The template's configuration and server, and that many versions, a month more each, on the remote and nowhere
    else; returns the bytes of all versions, and of their distinct files.
    """
    from dataops.store import choose, embedded, manifest

    (root / ".dvc").mkdir(parents=True)
    for name in (".dvc/config", ".dvc/.gitignore", ".gitignore", ".dvcignore"):
        shutil.copy(TEMPLATE / name, root / name)
    _call(root, "git", "init", "-q", "-b", "main")
    embedded.up(root)
    store = choose.for_root(root)
    (root / "dvc.yaml").write_text(PIPELINE)
    digests: dict[str, str] = {}
    sizes: dict[str, int] = {}
    total = 0
    for number in range(BEFORE + versions):
        name = f"train/{2022 + number // 12}-{number % 12 + 1:02}.parquet"
        content = _month(number)
        digests[name], sizes[name] = _put(root, store, content), len(content)
        if number < BEFORE:
            continue
        listed = _put(root, store, manifest.dump(digests), manifest.SUFFIX)
        total += sum(sizes.values())
        _release(root, number - BEFORE, listed, sizes)
    return total, sum(sizes.values())


def _month(number: int) -> bytes:
    """A month of rows: 500 customers, and features that nothing compresses."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    rng = np.random.default_rng(number)
    customers = np.sort(rng.integers(0, 500, ROWS))
    columns = {KEY: pa.array([f"C{customer:05}" for customer in customers])}
    columns |= {f"feature_{at}": pa.array(rng.random(ROWS)) for at in range(COLUMNS)}
    out = io.BytesIO()
    pq.write_table(pa.table(columns), out, compression="zstd")
    return out.getvalue()


def _put(root: Path, store: Store, content: bytes, suffix: str = "") -> str:
    """Onto the remote; returns the digest."""
    from dataops.store.objects import Object

    digest = hashlib.md5(content, usedforsecurity=False).hexdigest() + suffix
    scratch = root / ".dvc/scratch"
    scratch.write_bytes(content)
    store.put(Object(digest), scratch)
    scratch.unlink()
    return digest


def _release(root: Path, number: int, digest: str, sizes: Mapping[str, int]) -> None:
    """As `gto register` makes a version."""
    (root / "dvc.lock").write_text(
        "schema: '2.0'\nstages:\n  split:\n    cmd: split\n    outs:\n"
        f"    - path: data/dataset\n      hash: md5\n      md5: {digest}\n"
        f"      size: {sum(sizes.values())}\n      nfiles: {len(sizes)}\n"
    )
    _call(root, "git", "add", "-A")
    _call(root, *GIT, "commit", "-qm", f"month {number}")
    _call(root, *GIT, "tag", "-am", f"month {number}", f"dataset@v1.{number}.0")


def _call(root: Path, *words: str) -> None:
    subprocess.run(words, cwd=root, check=True, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--versions", type=int, default=VERSIONS, metavar="N", help="(24)")
    for result in run(parser.parse_args().versions):
        print(result)
