"""A profile of ten million rows against one pass over memory (`numpy.sum` of each column); and how it grows."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import partial

from benchmarks.drift import MILLION, SIZES, contract_of, in_turn, slope, table
from dataops.tables.profile import profile

COLUMNS = 10


def run() -> Iterator[str]:
    """The lines of the report."""
    frame = table(10 * MILLION, COLUMNS, 1)
    contract = contract_of(frame)
    ours, one = in_turn([lambda: profile(frame, contract), lambda: [frame[name].to_numpy().sum() for name in frame]], 7)
    what = f"10M rows x {COLUMNS} columns"
    yield f"numpy.sum of each column                {what:30} {one:7.3f} s"
    yield f"profile, {os.cpu_count()} threads                      {what:30} {ours:7.3f} s  {ours / one:.1f} times"
    del frame
    times = []
    for size in SIZES:
        frame = table(size * MILLION, 3, 1)
        times.append(in_turn([partial(profile, frame, contract_of(frame))], 5)[0])
        yield f"profile                                 {f'{size}M rows x 3 columns':30} {times[-1]:7.3f} s"
    yield f"  slope in log-log                      {'':30} {slope(SIZES, times):7.2f}"


if __name__ == "__main__":
    for line in run():
        print(line, flush=True)
