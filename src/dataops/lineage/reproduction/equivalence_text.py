"""Texts, CSV and JSON side by side: equal but for numbers, which may differ a little."""

from __future__ import annotations

import csv
import itertools
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from dataops.lineage.reproduction.tally import NUMBER, Tally, UnlikeError

LARGEST_JSON = 256 << 20
LONGEST_LINE = 64 << 20
# of LightGBM's text: how long each tree's text is, how many threads wrote it, and what it rounds to six digits (one
# unit of which is more than the tolerance); no prediction is made of any of them
LIGHTGBM = re.compile(r"tree_sizes=|split_gain=|internal_value=|internal_weight=|\[num_threads: ")
SEPARATORS = ",;\t|"


def json_(old: Path, new: Path, tally: Tally) -> None:
    """Keys and texts equal, numbers within the tolerance; the order of keys is nothing."""
    both = []
    for path in (old, new):
        if path.stat().st_size > LARGEST_JSON:
            raise UnlikeError(f"JSON of more than {LARGEST_JSON >> 20} MiB: not looked into")
        try:
            both.append(json.loads(path.read_bytes()))
        except (ValueError, RecursionError):
            text(old, new, tally)
            return
    try:
        _values(both[0], both[1], "", tally)
    except RecursionError:
        raise UnlikeError("JSON nested too deeply: not looked into") from None


def _values(old: Any, new: Any, place: str, tally: Tally) -> None:
    if isinstance(old, dict) and isinstance(new, dict):
        for key in sorted({*old, *new}):
            inner = f"{place}.{key}" if place else key
            if key in old and key in new:
                _values(old[key], new[key], inner, tally)
            else:
                tally.other(inner)
    elif isinstance(old, list) and isinstance(new, list):
        if len(old) != len(new):
            tally.other(place)
            tally.notes.append(f"{place or 'the list'} has {len(new):,} items, had {len(old):,}")
        for one, other in zip(old, new, strict=False):
            _values(one, other, place, tally)
    elif (
        _is_number(old) and _is_number(new) and float in (type(old), type(new)) and max(map(_digits, (old, new))) < 300
    ):
        tally.numbers(float(old), float(new), place)
    elif type(old) is type(new) and old == new:
        tally.same()
    else:
        tally.other(place)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _digits(value: Any) -> int:
    """Of an integer that may be too large for a float."""
    return value.bit_length() // 3 if isinstance(value, int) else 0


def table(old: Path, new: Path, tally: Tally) -> None:
    """CSV and TSV: the same columns and rows in the same order, field by field."""
    try:
        with old.open(newline="", encoding="utf-8") as one, new.open(newline="", encoding="utf-8") as other:
            first = one.readline(LONGEST_LINE)
            one.seek(0)
            separator = max(SEPARATORS, key=first.count)
            rows = csv.reader(one, delimiter=separator), csv.reader(other, delimiter=separator)
            names, came = next(rows[0], []), next(rows[1], [])
            if [NUMBER.fullmatch(name) for name in names].count(None) < len(names):
                _row(names, came, [], tally)  # there is no header
                names = []
            elif names != came:
                raise UnlikeError(_columns(names, came))
            _rows(rows[0], rows[1], names, tally)
    except (UnicodeDecodeError, csv.Error):
        raise UnlikeError("its bytes differ, and it can't be read as a table") from None


def _rows(old: Iterator[list[str]], new: Iterator[list[str]], names: list[str], tally: Tally) -> None:
    counts = [0, 0]
    for one, other in itertools.zip_longest(old, new):
        counts = [counts[0] + (one is not None), counts[1] + (other is not None)]
        if one is None or other is None:
            continue
        if one == other:
            tally.same(len(one))
        else:
            _row(one, other, names, tally)
    if counts[0] != counts[1]:
        tally.other("", abs(counts[0] - counts[1]) * max(1, len(names)))
        tally.notes.append(f"{counts[1]:,} rows, were {counts[0]:,}")


def _row(old: list[str], new: list[str], names: list[str], tally: Tally) -> None:
    for place, (one, other) in enumerate(itertools.zip_longest(old, new)):
        name = names[place] if place < len(names) else f"column {place + 1}"
        if one is None or other is None:
            tally.other(name)
        else:
            tally.text(one, other, name)


def _columns(old: list[str], new: list[str]) -> str:
    went, came = [name for name in old if name not in new], [name for name in new if name not in old]
    if not went and not came:
        return "its columns are in another order"
    return ", ".join([*(f"no column {name}" for name in went[:3]), *(f"column {name} is new" for name in came[:3])])


def text(old: Path, new: Path, tally: Tally) -> None:
    """Line by line; what stands between numbers is equal."""
    try:
        with old.open(encoding="utf-8", newline="\n") as one, new.open(encoding="utf-8", newline="\n") as other:
            counts = _lines(_pairs(one, other), tally)
    except UnicodeDecodeError:
        sizes = [path.stat().st_size for path in (old, new)]
        told = "its bytes differ" if sizes[0] == sizes[1] else f"{sizes[1]:,} bytes, were {sizes[0]:,}"
        raise UnlikeError(told) from None
    if counts[0] != counts[1]:
        tally.other("", abs(counts[0] - counts[1]))
        tally.notes.append(f"{counts[1]:,} lines, were {counts[0]:,}")


def _pairs(one: Any, other: Any) -> Iterator[tuple[str, str]]:
    """The next line of each; "" where there is none any more."""
    while True:
        pair = one.readline(LONGEST_LINE), other.readline(LONGEST_LINE)
        if pair == ("", ""):
            return
        yield pair


def _lines(pairs: Iterator[tuple[str, str]], tally: Tally) -> list[int]:
    """Compare them; how many each has."""
    counts, lightgbm = [0, 0], False
    for old, new in pairs:
        if "\0" in old or "\0" in new:
            raise UnlikeError("its bytes differ")
        lightgbm = lightgbm or (counts == [0, 0] and old == new == "tree\n")
        counts = [counts[0] + bool(old), counts[1] + bool(new)]
        if old and new and not (lightgbm and LIGHTGBM.match(old) and LIGHTGBM.match(new)):
            _line(old, new, f"line {counts[0]}", tally)
    return counts


def _line(old: str, new: str, place: str, tally: Tally) -> None:
    if old == new:
        tally.same()
        return
    parts = NUMBER.split(old), NUMBER.split(new)
    if parts[0] != parts[1]:
        tally.other(place)
        return
    for one, other in zip(NUMBER.findall(old), NUMBER.findall(new), strict=True):
        tally.text(one, other, place)
