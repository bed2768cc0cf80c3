"""Categories in a profile: the commonest counted one by one, the rest summed, and how many there are (HyperLogLog)."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from typing import Any

import datasketches
import pandas as pd

from dataops.tables.profile import sketches
from dataops.tables.profile.sketches import LG_K

KEPT = 500  # categories counted one by one; the rest are summed
Column = dict[str, Any]


def summary(values: pd.Series, kept: int | None = KEPT) -> Column:
    """The profile of a column of categories, (n,), compared as text. `kept`: None keeps all."""
    missing = int(values.isna().sum())
    known = values.dropna() if missing else values
    found = (known if _hashable(known) else known.astype("str")).value_counts(sort=False)
    counts: dict[str, int] = {}
    for value, n in zip(found.index.tolist(), found.to_numpy().tolist(), strict=True):
        if n:  # a categorical type also names those that no row has
            counts[str(value)] = counts.get(str(value), 0) + n
    entry = _entry(counts, missing, kept) | {
        "distinct": len(counts),
        "singles": sum(n == 1 for n in counts.values()),
    }
    if entry["other"]:
        entry["sketch"] = _text(_sketch(counts))
    return entry


def merged(a: Column, b: Column) -> Column:
    """Of both columns' rows; categories beyond those kept stay in `other`, whichever they are."""
    counts = dict(a["counts"])
    for name, n in b["counts"].items():
        counts[name] = counts.get(name, 0) + n
    entry = _entry(counts, a["missing"] + b["missing"], KEPT)
    entry["other"] += a["other"] + b["other"]
    if not a["other"] and not b["other"]:
        entry |= {"distinct": len(counts), "singles": sum(n == 1 for n in counts.values())}
    else:
        entry |= {"distinct": None, "singles": None}  # those in `other` may be the same
    if entry["other"] and all("sketch" in side or not side["other"] for side in (a, b)):
        union = datasketches.hll_union(LG_K)
        for side in (a, b):
            union.update(sketches.read(side["sketch"]) if "sketch" in side else _sketch(side["counts"]))
        entry["sketch"] = _text(union.get_result(datasketches.tgt_hll_type.HLL_4))
    return entry


def distinct(column: Column) -> float | None:
    """How many categories there are, within 2.3% (a standard error) where profiles were merged; None: nobody knows."""
    if column["distinct"] is not None:
        return float(column["distinct"])
    return float(sketches.read(column["sketch"]).get_estimate()) if "sketch" in column else None


def _hashable(values: pd.Series) -> bool:
    return values.dtype != object or all(getattr(kind, "__hash__", None) for kind in set(map(type, values)))


def _entry(counts: dict[str, int], missing: int, kept: int | None) -> Column:
    ordered = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    few = ordered if kept is None else ordered[:kept]
    return {
        "kind": "categorical",
        "missing": missing,
        "counts": dict(few),
        "other": sum(n for _, n in ordered[len(few) :]),
    }


def _sketch(names: Iterable[str]) -> Any:
    sketch = datasketches.hll_sketch(LG_K)
    for name in names:
        sketch.update(name)
    return sketch


def _text(sketch: Any) -> str:
    return base64.b64encode(sketch.serialize_compact()).decode()
