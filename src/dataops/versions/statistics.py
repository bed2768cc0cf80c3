"""Two profiles side by side: what every column was and is, and by how many percent that differs."""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce
from typing import TYPE_CHECKING, Any

from dataops.errors import DataOpsError

if TYPE_CHECKING:
    import pandas as pd

    from dataops.tables.contract import Contract
    from dataops.tables.profile import Profile

LISTED = 20  # new or vanished categories that are named
KINDS = {"i": "integer", "u": "integer", "f": "number", "M": "datetime", "b": "boolean"}


def merged(report: Mapping[str, Any]) -> Profile:
    """reports/profile.json as one profile of all parts.

    Raises:
        DataOpsError: it has another shape.
    """
    from dataops.tables.profile import merge

    try:
        whole: Profile = reduce(merge, report["parts"].values())
        compared(whole, whole)
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, RuntimeError, MemoryError) as error:
        raise DataOpsError(f"the profile can't be read: {type(error).__name__} {error}") from None
    return whole


def of_table(frame: pd.DataFrame) -> Profile:
    """The profile of a table that nobody made a contract for; text that is all numbers counts as numbers."""
    from dataops.tables.profile import profile

    contract = contract_of(frame)
    return profile(frame, contract)


def contract_of(frame: pd.DataFrame) -> Contract:
    """A contract of the columns' types alone; text in `frame` that is all numbers is made numbers."""
    import pandas as pd

    from dataops.tables.contract import Column, Contract

    columns: dict[str, Column] = {}
    for name in frame.columns:
        if frame[name].dtype.kind == "O" or pd.api.types.is_string_dtype(frame[name]):
            try:
                frame[name] = pd.to_numeric(frame[name])
            except (ValueError, TypeError):
                frame[name] = frame[name].astype("str").where(frame[name].notna())
        columns[name] = Column(type=KINDS.get(frame[name].dtype.kind, "string"))  # type: ignore[arg-type]
    return Contract.model_construct(time="", target="", keys=[], columns=columns)


def described_column(column: Mapping[str, Any]) -> dict[str, Any]:
    """A profile's column in numbers that people read."""
    import numpy as np

    from dataops.tables.drift import lines
    from dataops.tables.profile import standard_deviation

    found: dict[str, Any] = {"missing": int(column["missing"])}
    if column["kind"] == "numeric" and column["count"]:
        entry = dict(column)
        found |= {
            "mean": float(column["mean"]),
            "std": standard_deviation(entry),
            "min": float(column["min"]),
            "median": float(lines.of_profiles([entry]).quantiles(np.array([0.5]))[0, 0]),
            "max": float(column["max"]),
        }
    elif column["kind"] == "categorical":
        found["distinct"] = column["distinct"]
        if not isinstance(column["counts"], Mapping) or not isinstance(column["distinct"], int | None):
            raise ValueError("categories that nobody counted")
    elif column["kind"] == "time":
        found |= {"first": column["first"], "last": column["last"]}
    return found


def compared(old: Profile, new: Profile) -> dict[str, dict[str, Any]]:
    """Every column of either side; what only one has is null on the other."""
    names = [*old["columns"], *(name for name in new["columns"] if name not in old["columns"])]
    return {name: _column(old["columns"].get(name), new["columns"].get(name)) for name in names}


def _column(old: Mapping[str, Any] | None, new: Mapping[str, Any] | None) -> dict[str, Any]:
    a, b = (described_column(side) if side is not None else None for side in (old, new))
    kind = (new or old or {})["kind"]
    found: dict[str, Any] = {"kind": kind, "old": a, "new": b}
    if a is None or b is None or old is None or new is None or old["kind"] != kind:
        return found
    found["change_percent"] = {
        name: percent(a[name], b[name]) for name in a if name in b and _is_number(a[name], b[name])
    }
    if kind == "categorical":
        # what is missing among those counted one by one may be in the other side's rest
        fresh = [name for name in new["counts"] if name not in old["counts"]] if not old["other"] else []
        gone = [name for name in old["counts"] if name not in new["counts"]] if not new["other"] else []
        found |= {"appeared": sorted(fresh)[:LISTED], "vanished": sorted(gone)[:LISTED]}
    return found


def _is_number(*values: Any) -> bool:
    return all(isinstance(value, int | float) for value in values)


def percent(old: float, new: float) -> float | None:
    """The change in percent of the old value; None from nothing."""
    return 100 * (new - old) / abs(old) if old else None if new else 0.0


def ranges(profile: Profile, keys: list[str]) -> dict[str, Any]:
    """What the keys cover: the first and last time, the number of values of the others."""
    found: dict[str, Any] = {}
    for name in keys:
        column = profile["columns"].get(name)
        if column is None:
            continue
        described = described_column(column)
        found[name] = (
            {"first": described["first"], "last": described["last"]}
            if column["kind"] == "time"
            else {"distinct": described.get("distinct")}
        )
    return found
