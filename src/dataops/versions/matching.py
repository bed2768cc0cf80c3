"""Which rows of one version are which of another: the same, moved to another part, corrected, added or removed.

Rows are compared by 64-bit hashes of their key, of their own columns and of derived ones, never one by one. Keys may be
missing or stand several times: then as many rows are paired as both sides have, the most similar ones first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from dataops.versions import hashing, tablefiles
from dataops.versions.hashing import Words
from dataops.versions.tablefiles import File

Places = npt.NDArray[np.intp]
Days = npt.NDArray[np.datetime64]
NAMED = 100_000  # pairs of rows that are looked at to say which columns differ
NEVER = np.datetime64("NaT", "D")
TEXT_DAY = r"^\d{4}-\d{2}-\d{2}"


@dataclass(frozen=True)
class Columns:
    """What is compared: columns that both sides have with the same type."""

    keys: tuple[str, ...]
    """What identifies a row; without any, rows are paired only where they are equal."""
    own: tuple[str, ...]
    derived: tuple[str, ...]
    time: str | None

    @property
    def all(self) -> list[str]:
        """Every column to be read."""
        return list(dict.fromkeys([*self.keys, *self.own, *self.derived, *([self.time] if self.time else [])]))


@dataclass(frozen=True)
class Rows:
    """The rows of some files, each array of shape (n,)."""

    files: tuple[File, ...]
    key: Words
    own: Words
    derived: Words
    part: Words
    """The part's name, hashed as well."""
    day: Days
    """NaT where there is none."""

    def parts(self, places: Places) -> list[str]:
        """The names of the parts of these rows, (n,)."""
        names = {int(hashing.seed("part", file.part)): file.part for file in self.files}
        return [names[int(part)] for part in self.part[places]]


@dataclass(frozen=True)
class Pairs:
    """Places of rows in the old and in the new side, (n,) each."""

    old: Places
    new: Places


@dataclass(frozen=True)
class Matched:
    """Where every row went."""

    same: Pairs
    moved: Pairs
    """Equal, in another part."""
    followed: Pairs
    """Equal but for derived columns."""
    corrected: Pairs
    """The same key, another value."""
    removed: Places
    """Of the old side; the first of several that a key has are paired."""
    added: Places


def load(files: Sequence[File], columns: Columns) -> Rows:
    """The rows of `files`, hashed.

    Raises:
        NoTable: a file is no table.
        DataOpsError: a Parquet file is damaged.
    """
    found: list[list[Words]] = [[], [], []]
    parts: list[Words] = []
    days: list[Days] = []
    wanted = columns.all
    for file in files:
        sparse = file.kind in tablefiles.SPARSE
        for batch in tablefiles.batches(file, wanted):
            values = dict(zip(batch.schema.names, batch.columns, strict=True))
            for group, names in zip(found, (columns.keys, columns.own, columns.derived), strict=True):
                chosen = [(name, values[name]) for name in names if name in values]
                group.append(hashing.rows(chosen, batch.num_rows, sparse=sparse)[0])
            parts.append(np.full(batch.num_rows, hashing.seed("part", file.part)))
            days.append(days_of(values.get(columns.time or ""), batch.num_rows))
    empty = np.empty(0, np.uint64)
    key, own, derived, part = (np.concatenate([empty, *group]) for group in (*found, parts))
    return Rows(tuple(files), key, own, derived, part, np.concatenate([np.empty(0, "datetime64[D]"), *days]))


def days_of(values: pa.Array | None, count: int) -> Days:
    """The day of each time, (n,); of text what begins like 2024-01-31, of anything else none."""
    if values is None:
        return np.full(count, NEVER)
    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    if pa.types.is_date(values.type) or pa.types.is_timestamp(values.type):
        return np.asarray(values.to_numpy(zero_copy_only=False)).astype("datetime64[D]")
    if pa.types.is_string(values.type) or pa.types.is_large_string(values.type):
        import pandas as pd

        texts = pd.Series(values.to_pandas()).astype("str").str.strip('"')
        days = pd.to_datetime(texts.where(texts.str.match(TEXT_DAY)).str[:10], format="%Y-%m-%d", errors="coerce")
        return days.to_numpy("datetime64[D]")
    return np.full(count, NEVER)


def match(old: Rows, new: Rows, *, keyed: bool) -> Matched:
    """Pair rows, the most similar first; without keys only equal ones."""
    a, b = np.arange(len(old.key)), np.arange(len(new.key))
    found = []
    for level in ("same", "moved", "followed", "corrected"):
        if level in ("followed", "corrected") and not keyed:
            i = j = np.empty(0, np.intp)
        else:
            i, j = pair(_identity(old, level)[a], _identity(new, level)[b])
        found.append(Pairs(a[i], b[j]))
        a, b = np.delete(a, i), np.delete(b, j)
    same, moved, followed, corrected = found
    return Matched(same, moved, followed, corrected, removed=a, added=b)


def _identity(rows: Rows, level: str) -> Words:
    """What has to be equal at a level."""
    total = rows.key * hashing.GOLDEN
    if level != "corrected":
        total += rows.own * hashing.SECOND
    if level in ("same", "moved"):
        total += rows.derived * hashing.NULL
    if level == "same":
        total += hashing.mixed(rows.part + hashing.NAN)
    return hashing.mixed(total)


def pair(old: Words, new: Words) -> tuple[Places, Places]:
    """Places of equal values, each place once; of a value that one side has more often the first ones."""
    codes = np.unique(np.concatenate([old, new]), return_inverse=True)[1]
    ranked = _with_rank(codes[: len(old)]), _with_rank(codes[len(old) :])
    _, i, j = np.intersect1d(ranked[0], ranked[1], assume_unique=True, return_indices=True)
    return i, j


def _with_rank(codes: Places) -> npt.NDArray[np.int64]:
    """Each code with its how-manieth occurrence, as one number."""
    order = np.argsort(codes, kind="stable")
    ordered = codes[order]
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]]) if len(codes) else np.empty(0, np.intp)
    ranks = np.empty(len(codes), np.int64)
    ranks[order] = np.arange(len(codes)) - np.repeat(starts, np.diff(np.r_[starts, len(codes)]))
    return codes.astype(np.int64) << 32 | ranks  # both are below 2**31


def differing(old: Rows, new: Rows, pairs: Pairs, names: Sequence[str]) -> list[str]:
    """The columns in which pairs of rows differ, those that differ most often first."""
    sides = [_picked(rows.files, names, places[:NAMED]) for rows, places in ((old, pairs.old), (new, pairs.new))]
    counts = {name: int((sides[0][name] != sides[1][name]).sum()) for name in names}
    return sorted((name for name in names if counts[name]), key=lambda name: -counts[name])


def _picked(files: Sequence[File], names: Sequence[str], places: Places) -> dict[str, Words]:
    """Values of these columns at these places of the files' rows, as 64 bits each."""
    found = {name: np.zeros(len(places), np.uint64) for name in names}
    order = np.argsort(places, kind="stable")
    ordered, start = places[order], 0
    for file in files:
        for batch in tablefiles.batches(file, names):
            first, last = np.searchsorted(ordered, [start, start + batch.num_rows])
            if last > first:
                rows = pa.array(ordered[first:last] - start)
                for name, values in zip(batch.schema.names, batch.columns, strict=True):
                    sparse = file.kind in tablefiles.SPARSE
                    found[name][order[first:last]] = hashing.column(values.take(rows), name, sparse=sparse)
            start += batch.num_rows
    return found
