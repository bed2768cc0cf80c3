"""`make bench`: every benchmark against its peer, run in the same minutes; ratios go to benchmarks/RESULTS.md."""

from __future__ import annotations

import importlib
import os
import platform
import sys
from pathlib import Path

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
}


def main(names: list[str]) -> None:
    """Run the named benchmarks, or all; only a run of all is written down."""
    sys.path.insert(0, str(ROOT))
    sections = []
    for name in names or BENCHMARKS:
        print(f"== {name}: {BENCHMARKS[name]}", flush=True)
        results = [str(result) for result in importlib.import_module(f"benchmarks.{name}").run()]
        print("\n".join(results), flush=True)
        sections.append(f"## {BENCHMARKS[name]}\n\n```\n" + "\n".join(results) + "\n```\n")
    if not names:
        head = "# Benchmarks\n\nWritten by `make bench`. Ratios count; absolute times are those of one noisy machine.\n"
        write_text(ROOT / RESULTS, "\n".join([head, f"On {machine()}.\n", *sections]))
        print(f"written to {RESULTS}")


def machine() -> str:
    """What it was measured on."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        lines = [line.partition(":")[2].strip() for line in cpuinfo.read_text().splitlines() if "model name" in line]
        model = lines[0] if lines else model
    return f"{model}, {os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}"


if __name__ == "__main__":
    main(sys.argv[1:])
