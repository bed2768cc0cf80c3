"""evidently's DataDriftPreset beside exact drift, 2 x 1M rows x 9 numbers; by hand, as it takes minutes.

python -m benchmarks.evidently

evidently and pandas 3 do not import together, so it is installed into an environment of its own, which is thrown away.
"""

from __future__ import annotations

import datetime as dt
import subprocess
import tempfile
import time
import venv
from pathlib import Path

from benchmarks.drift import LIMITS, MILLION, in_turn, table
from dataops.tables.drift import compare_frames

PEER = """\
import time
import numpy as np, pandas as pd, evidently
from evidently import DataDefinition, Dataset, Report
from evidently.presets import DataDriftPreset

def table(seed, shift):
    rng = np.random.default_rng(seed)
    return pd.DataFrame({f"c{i}": rng.normal(shift, 1, 1_000_000) for i in range(9)})

a, b = table(1, 0.0), table(2, 0.1)
begun = time.perf_counter()
Report([DataDriftPreset()]).run(Dataset.from_pandas(b), Dataset.from_pandas(a)).dict()
print(time.perf_counter() - begun, evidently.__version__, pd.__version__)
"""


def main() -> None:
    """Install, run, compare, print."""
    with tempfile.TemporaryDirectory(prefix="bench-evidently-") as folder:
        venv.create(folder, with_pip=True)
        python = str(Path(folder, "bin", "python"))
        subprocess.run([python, "-m", "pip", "install", "-q", "evidently", "pandas<3"], check=True)
        peer = subprocess.run([python, "-c", PEER], check=True, capture_output=True, text=True).stdout.split()
    a, b = table(MILLION, 9, 1), table(MILLION, 9, 2, 0.1)
    ours = in_turn([lambda: compare_frames(a, b, LIMITS)], 5)[0]
    theirs = float(peer[-3])
    print(f"{dt.date.today()}, evidently {peer[-2]}, pandas {peer[-1]}")
    print(f"DataDriftPreset  2 x 1M rows x 9 columns  {theirs:7.2f} s")
    print(f"exact drift      2 x 1M rows x 9 columns  {ours:7.2f} s  1/{theirs / ours:.0f}")


if __name__ == "__main__":
    begun = time.perf_counter()
    main()
    print(f"in {time.perf_counter() - begun:.0f} s")
