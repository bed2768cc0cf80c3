"""Rows to leave out by key, with the reason: opt-outs and known-bad records."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from dataops.errors import DataOpsError
from dataops.tables.cast import cast
from dataops.tables.contract import Contract

REASON = "reason"
FILE = "data/exclusions.csv"


def excluded(frame: pd.DataFrame, listed: pd.DataFrame, contract: Contract) -> pd.Series:
    """The reasons of the rows of `frame` that `listed` names, indexed by those rows.

    `listed` holds text: key and time columns, where an empty cell means any value, and `reason`.

    Raises:
        DataOpsError: a column that is no key, a row that names none, or a value that doesn't fit the key's type.
    """
    reasons = pd.Series([], index=frame.index[:0], dtype="str")
    if listed.empty:  # whatever its header says: `dataops adopt` may have changed the keys since
        return reasons
    named = [name for name in listed.columns if name not in (REASON, "added")]
    unknown = [name for name in named if name not in contract.index]
    if unknown:
        raise DataOpsError(
            f"{FILE}: {unknown[0]} is neither a key nor the time column",
            f"its columns are {', '.join(contract.index)}, reason; `dataops exclude` writes it",
        )
    if len(listed) and not named:
        raise DataOpsError(f"{FILE} names no key", f"its columns are {', '.join(contract.index)}, reason")
    for given, rows in _by_pattern(listed, named):
        wanted = {}
        for name in given:
            values, unreadable = cast(rows[name], contract.columns[name].type)
            if unreadable.any():
                line, text = next(iter(rows[name][unreadable].items()))
                raise DataOpsError(
                    f"{FILE}, line {int(str(line)) + 2}: {text!r} is no {contract.columns[name].type} ({name})"
                )
            wanted[name] = values
        listing = pd.DataFrame(wanted).assign(**{REASON: rows[REASON].fillna("")}).drop_duplicates(given)
        matched = frame[given].merge(listing, how="left", on=given)[REASON]
        found = pd.Series(matched.to_numpy(), index=frame.index, dtype="str").dropna()
        reasons = pd.concat([reasons, found[~found.index.isin(reasons.index)]])
    return reasons


def _by_pattern(listed: pd.DataFrame, named: list[str]) -> Iterator[tuple[list[str], pd.DataFrame]]:
    """Rows that give the same columns together, so that thousands of opt-outs are one join."""
    given = listed[named].notna()
    for pattern, rows in listed.groupby([given[name] for name in named], sort=True) if named else ():
        columns = [name for name, there in zip(named, pattern, strict=True) if there]
        if not columns:
            line = int(str(rows.index[0])) + 2
            raise DataOpsError(f"{FILE}, line {line}: names no key, which would exclude every row")
        yield columns, rows


def read_exclusions(path: Path) -> pd.DataFrame:
    """The list as text, empty cells null; a file without rows excludes nothing.

    Raises:
        DataOpsError: it is missing or unreadable, or has no reasons.
    """
    try:
        listed = pd.read_csv(path, dtype="str", keep_default_na=False, na_values=[""])
    except FileNotFoundError:
        raise DataOpsError(f"{path} is missing", "`dvc pull` in a clone; `dataops ingest` makes an empty one") from None
    except (ValueError, UnicodeDecodeError) as error:
        raise DataOpsError(f"{path} is not readable as CSV: {error}", "`dataops exclude` writes it") from None
    if REASON not in listed.columns:
        raise DataOpsError(f"{path} has no column {REASON}", "`dataops exclude` writes it")
    return listed
