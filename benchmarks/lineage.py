"""How long 10,000 versions take to trace and to ask for impact: whole processes, against git's own search.

python benchmarks/lineage.py [--versions 10000]

Whoever has no tool asks git which tags' dvc.lock has a hash, `git grep -lF HASH TAG … -- dvc.lock`: a part of what
`impact` answers, and the quickest that is known. `trace` has no such peer; its whole process stands beside `gto show`
of the first 1,000 versions, per version.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import sys
import tempfile
from pathlib import Path

from benchmarks.versions import FEW, MANY, REPEATS, Result, maker, median

INDEX = ".git/dataops"


def run(many: int = MANY, few: int = FEW) -> list[Result]:
    """The median of three runs each, within the same minutes."""
    python = sys.executable
    with tempfile.TemporaryDirectory(prefix="bench-lineage-") as folder:
        large, small = Path(folder, "large"), Path(folder, "small")
        made = maker()
        made.make(large, many)
        made.make(small, few)
        show = median([str(Path(python).with_name("gto")), "show", "--json"], small, 1)
        digest = made.digest_of("data/dataset", many // 2)
        version = f"dataset@{made.number(many // 2)}"
        tags = [f"refs/tags/dataset@{made.number(i)}" for i in range(many)]
        search = median(["git", "grep", "-lF", "-e", digest, *tags, "--", "dvc.lock"], large, REPEATS)
        lineage = [python, "-m", "dataops", "lineage"]
        trace = median([*lineage, "trace", version], large, REPEATS)
        cold = statistics.median(_cold([*lineage, "impact", version], large) for _ in range(REPEATS))
        warm = median([*lineage, "impact", version], large, REPEATS)
    return [
        Result(f"gto show --json, {few:,} versions", show, few),
        Result(f"dataops lineage trace, {many:,} versions", trace, many, trace / many / (show / few), "gto's"),
        Result(f"git grep HASH in {many:,} tags' dvc.lock", search, many),
        Result(f"dataops lineage impact, no index, {many:,}", cold, many, cold / search, "git's"),
        Result(f"dataops lineage impact again, {many:,}", warm, many, warm / search, "git's"),
    ]


def _cold(command: list[str], folder: Path) -> float:
    """Without an index, as at the first question."""
    shutil.rmtree(folder / INDEX, ignore_errors=True)
    return median(command, folder, 1)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--versions", type=int, default=MANY, metavar="N", help="(10000)")
    for result in run(parser.parse_args().versions):
        print(result)
