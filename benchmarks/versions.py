"""How long 10,000 versions take to list: whole processes of `dataops`, and `gto show` on the first 1,000 of them.

python benchmarks/versions.py [--versions 10000]
"""

from __future__ import annotations

import argparse
import importlib.util
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

MAKER = Path(__file__).parents[1] / "scripts" / "many_versions.py"
MANY, FEW = 10_000, 1_000
REPEATS = 3


@dataclass(frozen=True)
class Result:
    """One line of the report."""

    name: str
    seconds: float
    versions: int
    ratio: float | None = None
    """Time a version, as a multiple of the peer's; below 1 is quicker."""
    peer: str = "gto's"

    def __str__(self) -> str:
        told = f"{self.name:42} {self.seconds:8.2f} s  {1e6 * self.seconds / self.versions:9.1f} µs a version"
        if self.ratio is None:
            return told
        times = f"{self.ratio:.1f} times" if self.ratio > 0.5 else f"1/{1 / self.ratio:,.0f} of"
        return f"{told}  {times} {self.peer}"


def run(many: int = MANY, few: int = FEW) -> list[Result]:
    """Make both repositories and take the median of three runs each, all within the same minute or two."""
    python = sys.executable
    gto = str(Path(python).with_name("gto"))
    with tempfile.TemporaryDirectory(prefix="bench-versions-") as folder:
        large, small = Path(folder, "large"), Path(folder, "small")
        made = maker()
        made.make(large, many)
        made.make(small, few)
        base = median([gto, "show", "--json"], small, 1)
        commands = (["versions", "--json"], ["show", "latest"])
        timed = [(command, median([python, "-m", "dataops", *command], large, REPEATS)) for command in commands]
    per_version = base / few
    results = [Result(f"gto show --json, {few:,} versions", base, few)]
    for command, seconds in timed:
        name = f"dataops {' '.join(command)}, {many:,} versions"
        results.append(Result(name, seconds, many, seconds / many / per_version))
    return results


def maker() -> ModuleType:
    """The script that makes such repositories."""
    specification = importlib.util.spec_from_file_location("many_versions", MAKER)
    assert specification is not None
    assert specification.loader is not None
    made = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(made)
    return made


def median(command: list[str], folder: Path, repeats: int) -> float:
    """Seconds of a whole process, its start included."""
    taken = []
    for _ in range(repeats):
        started = time.perf_counter()
        subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
        taken.append(time.perf_counter() - started)
    return statistics.median(taken)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--versions", type=int, default=MANY, metavar="N", help="(10000)")
    for result in run(parser.parse_args().versions):
        print(result)
