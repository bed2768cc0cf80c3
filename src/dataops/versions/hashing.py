"""A hash of rows: the same however they are encoded, another as soon as a value is.

Each value becomes 64 bits, mixed with its column's name; a row's values make two words of 64 bits, and the words of
all rows are added up (MSet-Add-Hash: Clarke et al., Incremental Multiset Hash Functions, 2003). So the order of rows,
columns and files is nothing, and files can be hashed one by one. The result is written into tags, so nothing here may
ever change it. Another way to hash would be another FORMAT.

It finds accidents, with a chance of about 2**-64 to miss one. It is no cryptographic hash: whoever wants to can make
other rows with the same one. SHA-256 is there for that.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

FORMAT = "rows1"
Words = npt.NDArray[np.uint64]

GOLDEN = np.uint64(0x9E3779B97F4A7C15)
NULL = np.uint64(0xA0761D6478BD642F)
NAN = np.uint64(0x7FF8000000000000)
SECOND = np.uint64(0xD6E8FEB86659FD93)
WORD = (1 << 64) - 1
MICROSECONDS = {"day": 86_400_000_000, "s": 1_000_000, "ms": 1_000, "us": 1}


def mixed(words: Words) -> Words:
    """SplitMix64's finaliser (Steele, Lea & Flood 2014), a bijection of 64 bits. Overwrites `words`."""
    other = words >> np.uint64(30)
    words ^= other
    words *= np.uint64(0xBF58476D1CE4E5B9)
    np.right_shift(words, np.uint64(27), out=other)
    words ^= other
    words *= np.uint64(0x94D049BB133111EB)
    np.right_shift(words, np.uint64(31), out=other)
    words ^= other
    return words


def seed(kind: str, name: str) -> np.uint64:
    """64 bits that stand for the name of a column or a part."""
    return np.uint64(_digest(f"{kind}\0{name}".encode("utf-8", "surrogatepass")))


def _digest(content: bytes) -> int:
    return int.from_bytes(hashlib.sha256(content).digest()[:8], "little")


def column(values: pa.Array, name: str, *, sparse: bool = False) -> Words:
    """Each value of a column, mixed with the column's name; shape (n,).

    `sparse`: a null counts nothing, as in formats where a missing key and a null are the same.
    """
    words, nulls = canonical(values)
    if nulls is not None:
        words[nulls] = NULL
    words += seed("column", name)
    words = mixed(words)
    if nulls is not None and sparse:
        words[nulls] = 0
    return words


def rows(columns: Iterable[tuple[str, pa.Array]], count: int, part: str = "", *, sparse: bool = False) -> list[Words]:
    """Two words for each of `count` rows, [(n,), (n,)]; the order of the columns is nothing."""
    first, second = (np.full(count, seed(lane, part)) for lane in ("part", "part2"))
    for name, values in columns:
        words = column(values, name, sparse=sparse)
        first += words
        words ^= words >> np.uint64(32)
        words *= SECOND
        second += words
    second += GOLDEN
    return [mixed(first), mixed(second)]


class Multiset:
    """The sum over rows, as far as they have been added."""

    def __init__(self) -> None:
        self.count = 0
        self.sums = [0, 0]

    def add(self, words: list[Words]) -> None:
        """More rows, as `rows` gives them."""
        self.count += len(words[0])
        for lane, one in enumerate(words):
            self.sums[lane] = (self.sums[lane] + int(np.add.reduce(one, dtype=np.uint64))) & WORD

    def merge(self, other: Multiset) -> None:
        """The rows of another."""
        self.count += other.count
        self.sums = [(a + b) & WORD for a, b in zip(self.sums, other.sums, strict=True)]

    def __str__(self) -> str:
        """`rows1:` and 32 hexadecimal digits."""
        return f"{FORMAT}:" + "".join(f"{total:016x}" for total in self.sums)


def canonical(values: pa.Array) -> tuple[Words, npt.NDArray[np.bool_] | None]:
    """Each value as 64 bits, shape (n,), and where the nulls are (None: nowhere). What stands at a null is nothing.

    Integers as int64, so that their width is nothing; floats as float64 with one zero and one NaN; times as
    microseconds; all else by SHA-256 of its text or bytes.
    """
    kind = values.type
    if isinstance(values, pa.ExtensionArray):
        return canonical(values.storage)
    nulls = values.is_null().to_numpy(zero_copy_only=False) if values.null_count else None
    if pa.types.is_null(kind):
        return np.zeros(len(values), np.uint64), nulls
    if pa.types.is_dictionary(kind):
        return _taken(values.indices, *canonical(values.dictionary), nulls)
    if pa.types.is_integer(kind):
        whole = values.fill_null(0).to_numpy(zero_copy_only=False)
        wide = np.uint64 if pa.types.is_unsigned_integer(kind) else np.int64
        words: Words = whole.astype(wide).view(np.uint64)
        return words, nulls
    if pa.types.is_floating(kind):
        return _floats(values), nulls
    if pa.types.is_boolean(kind):
        return values.fill_null(False).to_numpy(zero_copy_only=False).astype(np.uint64), nulls
    if pa.types.is_temporal(kind) and not pa.types.is_interval(kind):
        return _times(values), nulls
    return _texts(values, nulls)


def _taken(
    indices: pa.Array, words: Words, inner: npt.NDArray[np.bool_] | None, nulls: npt.NDArray[np.bool_] | None
) -> tuple[Words, npt.NDArray[np.bool_] | None]:
    """The values of a dictionary at `indices`; a null is one in the indices or in the dictionary."""
    places = indices.fill_null(0).to_numpy(zero_copy_only=False)
    if not len(words):
        return np.zeros(len(places), np.uint64), nulls
    if inner is not None:
        nulls = inner[places] | (nulls if nulls is not None else False)
    return words[places], nulls


def _floats(values: pa.Array) -> Words:
    numbers = values.cast(pa.float32()) if pa.types.is_float16(values.type) else values
    found = numbers.fill_null(0).to_numpy(zero_copy_only=False).astype(np.float64) + 0.0  # -0.0 + 0.0 is 0.0
    words: Words = found.view(np.uint64)
    words[np.isnan(found)] = NAN
    return words


def _times(values: pa.Array) -> Words:
    """Microseconds since midnight or 1970 (UTC where there is a zone); nanoseconds that are none are mixed in."""
    kind = values.type
    narrow = pa.types.is_date32(kind) or pa.types.is_time32(kind)
    whole = values.cast(pa.int32() if narrow else pa.int64()).fill_null(0).to_numpy(zero_copy_only=False)
    whole = whole.astype(np.int64)
    unit = "day" if pa.types.is_date32(kind) else "ms" if pa.types.is_date64(kind) else kind.unit
    rest = whole % 1000
    words: Words = (whole // 1000 if unit == "ns" else whole).view(np.uint64)
    if unit != "ns":
        words = words * np.uint64(MICROSECONDS[unit])  # overflows to another number, never to one in use
    elif rest.any():
        words = words ^ np.where(rest > 0, mixed(rest.view(np.uint64) + GOLDEN), np.uint64(0))
    return words


def _texts(values: pa.Array, nulls: npt.NDArray[np.bool_] | None) -> tuple[Words, npt.NDArray[np.bool_] | None]:
    """By SHA-256 of each distinct value: text as UTF-8, bytes as they are, decimals and nested ones as JSON text."""
    kind = values.type
    if kind in (pa.string_view(), pa.binary_view()):
        values = values.cast(pa.large_string() if kind == pa.string_view() else pa.large_binary())
    elif not _is_bytes(kind):
        texts = [None if value is None else _json(value) for value in values.to_pylist()]
        values = pa.array(texts, pa.large_string())
    encoded = pc.dictionary_encode(values)
    distinct = encoded.dictionary.cast(pa.large_binary()).to_pylist()
    words = np.array([_digest(value) for value in distinct], np.uint64)
    return _taken(encoded.indices, words, None, nulls)


def _is_bytes(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_string(kind)
        or pa.types.is_large_string(kind)
        or pa.types.is_binary(kind)
        or pa.types.is_large_binary(kind)
    )


def _json(value: Any) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False, default=str)
