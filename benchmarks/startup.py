"""How long `dataops --help` takes to start: a whole process against an empty one of the same Python, in turn."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

ROUNDS = 31
COMMANDS = {
    "python -c pass": [sys.executable, "-c", "pass"],
    "dataops --help": [str(Path(sys.executable).with_name("dataops")), "--help"],
}
# a user's machine keeps what it has compiled
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def run() -> Iterator[str]:
    """The median of 31 runs each."""
    times: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for turn in range(ROUNDS + 1):
        for name, command in COMMANDS.items():
            begun = time.perf_counter()
            subprocess.run(command, env=ENVIRONMENT, check=True, stdout=subprocess.DEVNULL)
            if turn:
                times[name].append(time.perf_counter() - begun)
    empty, ours = (statistics.median(found) for found in times.values())
    yield f"python -c pass   {1000 * empty:6.1f} ms"
    yield f"dataops --help   {1000 * ours:6.1f} ms  {ours / empty:.1f} times"


if __name__ == "__main__":
    for line in run():
        print(line)
