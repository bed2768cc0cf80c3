"""HyperLogLog sketches of a profile. One out of somebody's commit is looked at before the library reads it.

DataSketches believes what a sketch says of itself: a few other bytes, and it writes beside its memory or never ends.
Layout: `HllArray-internal.hpp`, a header of 40 bytes; registers, a byte each (HLL_8) or half of one above `least`
(HLL_4); then, of HLL_4, those of 15 and more as pairs of 26 bits of the slot and 6 of the register.
"""

from __future__ import annotations

import base64
from typing import Any

import datasketches
import numpy as np
import numpy.typing as npt

LG_K = 11  # 2.3% (one standard error, 1.04 / sqrt(2^11)), 1 kB merged, 2 kB else
HEADER = np.dtype(
    [
        ("fixed", "S3"),
        ("lg_k", "u1"),
        ("", "u1"),
        ("flags", "u1"),
        ("least", "u1"),
        ("mode", "u1"),
        ("counted", "<f8"),
        ("sums", "<f8", 2),
        ("at_least", "<u4"),
        ("beyond", "<u4"),
    ]
)
FIXED = bytes([10, 1, 7])  # words of the header, version, family
FOURS, EIGHTS = 2, 10  # modes
COMPACT, MERGED = 8, 24  # flags
MOST = 50  # of a register: 2^50 values a slot
BEYOND = 15


def read(text: str) -> Any:
    """The sketch.

    Raises:
        ValueError: it is none, or one that contradicts itself.
    """
    content = base64.b64decode(text, validate=True)
    if not _sound(content):
        raise ValueError("it is no sketch of distinct values")
    return datasketches.hll_sketch.deserialize(content)


def _sound(content: bytes) -> bool:
    if len(content) < HEADER.itemsize + (1 << LG_K) // 2:
        return False
    head = np.frombuffer(content, HEADER, 1)[0]
    known = head["fixed"] == FIXED and head["lg_k"] == LG_K and head["flags"] in (COMPACT, MERGED)
    if not known or head["mode"] not in (FOURS, EIGHTS):
        return False
    least, body = int(head["least"]), np.frombuffer(content, np.uint8, offset=HEADER.itemsize)
    registers = _eights(body, head) if head["mode"] == EIGHTS else _fours(body, head, least)
    if registers is None or registers.max() > MOST or (registers == least).sum() != head["at_least"]:
        return False
    # the library sums up the larger ones apart, and so both without an error
    sums = [np.exp2(-some.astype(float)).sum() for some in (registers[registers < 32], registers[registers >= 32])]
    return bool((head["sums"] == sums).all() and 0 <= head["counted"] < 2.0 ** (MOST + LG_K))


def _eights(body: npt.NDArray[np.uint8], head: Any) -> npt.NDArray[Any] | None:
    return body if len(body) == 1 << LG_K and not head["least"] and not head["beyond"] else None


def _fours(body: npt.NDArray[np.uint8], head: Any, least: int) -> npt.NDArray[Any] | None:
    size = (1 << LG_K) // 2
    if len(body) != size + 4 * int(head["beyond"]):
        return None
    halves = np.column_stack((body[:size] & 15, body[:size] >> 4)).ravel()
    pairs = body[size:].view("<u4")
    slots, registers = pairs & ((1 << 26) - 1), halves.astype(np.int64) + least
    if not np.array_equal(np.sort(slots), np.flatnonzero(halves == BEYOND)):
        return None
    registers[slots] = pairs >> 26
    return registers if (registers[slots] >= least + BEYOND).all() else None
