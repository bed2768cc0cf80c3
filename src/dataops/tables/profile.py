"""A mergeable summary of every column: exact counts and moments, a t-digest for quantiles, the commonest categories.

Small enough for git, so that drift between any two versions can be computed without their data.
"""

from __future__ import annotations

import base64
from typing import Any

import datasketches
import numpy as np
import pandas as pd

from dataops.tables.contract import Contract
from dataops.tables.validation import column_report

DIGEST_K = 200  # t-digest compression: about 4 kB a column; deterministic, unlike KLL, whose compaction tosses coins
KEPT = 500  # categories counted one by one; the rest are summed

Profile = dict[str, Any]


def profile(frame: pd.DataFrame, contract: Contract) -> Profile:
    """The summary of `frame`'s contract columns, (n, columns); JSON-ready."""
    columns = {}
    for name, column in contract.columns.items():
        values = frame[name]
        if name == contract.time or column.type in ("date", "datetime"):
            columns[name] = _dates(values)
        elif name in contract.keys or column.type in ("string", "boolean"):
            columns[name] = _categories(values)
        else:
            columns[name] = _numbers(values)
    return {"format": 1, "rows": len(frame), "columns": columns}


def _dates(values: pd.Series) -> dict[str, Any]:
    seen = column_report(values.to_frame("x"))["x"]
    return {"kind": "time", "missing": seen["missing"], "first": seen.get("first"), "last": seen.get("last"),
            "distinct": seen["distinct"]}  # fmt: skip


def _categories(values: pd.Series) -> dict[str, Any]:
    counts = values.astype("str").where(values.notna()).value_counts()
    ordered = sorted(((int(n), str(value)) for value, n in counts.items()), key=lambda pair: (-pair[0], pair[1]))
    return {
        "kind": "categorical",
        "missing": int(values.isna().sum()),
        "distinct": len(ordered),
        "counts": {value: n for n, value in ordered[:KEPT]},
        "other": sum(n for n, _ in ordered[KEPT:]),
    }


def _numbers(values: pd.Series) -> dict[str, Any]:
    known = np.array(values.dropna(), dtype=np.float64)  # a copy: the digest takes only writable, contiguous arrays
    entry: dict[str, Any] = {"kind": "numeric", "missing": int(values.isna().sum()), "count": len(known)}
    if not len(known):
        return entry
    digest = datasketches.tdigest_double(DIGEST_K)
    digest.update(known)
    mean = float(known.mean())
    return entry | {
        "mean": mean,
        "m2": float(((known - mean) ** 2).sum()),  # sum of squared deviations, so that profiles merge exactly
        "min": float(known.min()),
        "max": float(known.max()),
        "digest": base64.b64encode(digest.serialize()).decode(),
    }


def digest_of(column: dict[str, Any]) -> Any:
    """The column's t-digest."""
    return datasketches.tdigest_double.deserialize(base64.b64decode(column["digest"]))


def standard_deviation(column: dict[str, Any]) -> float:
    """Sample standard deviation (n-1) out of a profile's column; 0 below two values."""
    return float(np.sqrt(column["m2"] / (column["count"] - 1))) if column.get("count", 0) > 1 else 0.0


def merge(left: Profile, right: Profile) -> Profile:
    """The profile of both tables' rows together. Moments by Chan, Golub & LeVeque (1979).

    Only columns that both have; categories beyond those kept stay in `other`.
    """
    shared = [name for name in left["columns"] if name in right["columns"]]
    return {
        "format": 1,
        "rows": left["rows"] + right["rows"],
        "columns": {name: _merge_column(left["columns"][name], right["columns"][name]) for name in shared},
    }


def _merge_column(a: dict[str, Any], b: dict[str, Any]) -> dict[str, Any]:
    missing = a["missing"] + b["missing"]
    if a["kind"] == "time":
        known = [x for x in (a, b) if x["first"]]
        ends = {"first": min(x["first"] for x in known), "last": max(x["last"] for x in known)} if known else {}
        return {"kind": "time", "missing": missing, "first": None, "last": None} | ends | {"distinct": None}
    if a["kind"] == "categorical":
        counts = pd.Series(a["counts"], dtype="int64").add(pd.Series(b["counts"], dtype="int64"), fill_value=0)
        ordered = sorted(((int(n), str(value)) for value, n in counts.items()), key=lambda pair: (-pair[0], pair[1]))
        return {
            "kind": "categorical",
            "missing": missing,
            "distinct": None if a["other"] or b["other"] else len(ordered),  # those in `other` may be the same
            "counts": {value: n for n, value in ordered[:KEPT]},
            "other": a["other"] + b["other"] + sum(n for n, _ in ordered[KEPT:]),
        }
    if not a["count"] or not b["count"]:
        return (a if a["count"] else b) | {"missing": missing}
    count = a["count"] + b["count"]
    delta = b["mean"] - a["mean"]
    digest = digest_of(a)
    digest.merge(digest_of(b))
    return {
        "kind": "numeric",
        "missing": missing,
        "count": count,
        "mean": a["mean"] + delta * b["count"] / count,
        "m2": a["m2"] + b["m2"] + delta**2 * a["count"] * b["count"] / count,
        "min": min(a["min"], b["min"]),
        "max": max(a["max"], b["max"]),
        "digest": base64.b64encode(digest.serialize()).decode(),
    }
