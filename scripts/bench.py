"""`make bench`: every benchmark against its peer, run in the same minutes; ratios go to benchmarks/RESULTS.md.

python scripts/bench.py [--write] [NAME …]
"""

from __future__ import annotations

import importlib
import os
import platform
import re
import sys
from collections.abc import Iterable
from pathlib import Path

from dataops.errors import DataOpsError, run
from dataops.files import write_text

ROOT = Path(__file__).parents[1]
RESULTS = Path("benchmarks/RESULTS.md")
BENCHMARKS = {
    "versions": "Listing versions, per version, against `gto show --json`",
    "lineage": "Lineage of 10,000 versions, per version, against `gto show --json` and `git grep`",
    "record": "Which of 24 monthly versions on the embedded S3 hold one customer, against `dataops.load` of each",
    "check": "What a pre-commit hook costs: `dataops check` against `dvc git-hook pre-commit` and `dvc data status`",
    "drift": "Drift, exact against `numpy.sort`, scipy and pandas, and from profiles against exact",
    "profile": "A profile of 10M rows against `numpy.sum`",
    "transfer": "Getting 200 MB from the embedded S3, verified, against `dvc pull` and boto3 with 8 threads",
    "rows": "913,000 rows: the contract's check against Great Expectations, features against polars and pandas",
    "stages": "The stages on 913,000 rows: time, peak memory, an appended month, growth",
    "startup": "`dataops --help` against an empty Python",
}
HEAD = "# Benchmarks\n\nWritten by `make bench`. Ratios count; absolute times are those of one noisy machine.\n"


def main(arguments: list[str]) -> None:
    """Run the named benchmarks, or all. All are written down; of those named, their sections with `--write`."""
    names = [name for name in arguments if name != "--write"]
    unknown = [name for name in names if name not in BENCHMARKS]
    if unknown:
        raise DataOpsError(f"there is no benchmark {unknown[0]}", f"there are: {', '.join(BENCHMARKS)}")
    sys.path.insert(0, str(ROOT))
    found = {}
    for name in names or BENCHMARKS:
        print(f"== {name}: {BENCHMARKS[name]}", flush=True)
        results = []
        for result in measured(name):
            results.append(str(result))
            print(result, flush=True)
        found[BENCHMARKS[name]] = "\n".join(["", f"On {machine()}:", "", "```", *results, "```", ""])
    if not names or "--write" in arguments:
        path = ROOT / RESULTS
        before = sections(path.read_text(encoding="utf-8")) if names and path.exists() else {}
        write_text(path, page(before | found))
        print(f"written to {RESULTS}")


def measured(name: str) -> Iterable[object]:
    """The lines of one benchmark."""
    lines: Iterable[object] = importlib.import_module(f"benchmarks.{name}").run()
    return lines


def sections(text: str) -> dict[str, str]:
    """The sections of a page by their titles."""
    _, *parts = re.split(r"^## (.*)\n", text, flags=re.MULTILINE)
    return dict(zip(parts[::2], (part.rstrip("\n") + "\n" for part in parts[1::2]), strict=True))


def page(found: dict[str, str]) -> str:
    """The sections in the order above; one of a benchmark that is no more is left out."""
    parts = [f"## {title}\n{found[title]}" for title in BENCHMARKS.values() if title in found]
    return "\n".join([HEAD, *parts])


def machine() -> str:
    """What it is measured on; sections can be from several."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        lines = [line.partition(":")[2].strip() for line in cpuinfo.read_text().splitlines() if "model name" in line]
        model = lines[0] if lines else model
    return f"{model}, {os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}"


if __name__ == "__main__":
    run(lambda: main(sys.argv[1:]))
