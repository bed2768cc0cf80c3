"""Long arrays a block at a time: one that a core's cache holds, and temporary arrays that are made again and again.

An array of millions comes from the system page by page, which can take longer than all that is done to it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np

BLOCK = 1 << 16  # rows
THREADS = min(4, os.cpu_count() or 1)


def blocks(size: int) -> Iterator[slice]:
    """The blocks of an array of this size, one after the other."""
    return (slice(start, min(start + BLOCK, size)) for start in range(0, size, BLOCK))


def in_threads(work: Callable[[slice], None], size: int) -> None:
    """Each block by itself, so that the number of threads changes no bit; an overflow is infinite and no news."""

    def one(part: slice) -> None:
        with np.errstate(over="ignore", invalid="ignore"):  # a thread's own
            work(part)

    parts = list(blocks(size))
    if len(parts) < 2:  # as a month has: starting threads would take longer
        list(map(one, parts))
    else:
        with ThreadPoolExecutor(THREADS) as threads:
            list(threads.map(one, parts))
