"""The old upload's quality check and metadata, file by file: what the report beside an uploaded version says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dataops.errors import DataOpsError
from dataops.versions.wording import clean

if TYPE_CHECKING:
    import pandas as pd

SHOWN = 5


def judge(files: Mapping[str, Path], required: Sequence[str]) -> dict[str, Any]:
    """Read every table among `files` (name: path) and say what is wrong; `passed` where nothing is.

    The rules are the old tool's: an empty dataset, columns without any value, a missing required column, rows that
    stand twice in a file. What is no table has its size and SHA-256, and no rule.
    """
    from dataops.tables.sources import is_source
    from dataops.versions.rows import sha256_of

    problems: list[str] = []
    told: dict[str, Any] = {}
    for name, path in files.items():
        facts: dict[str, Any] = {"bytes": path.stat().st_size, "sha256": sha256_of(path)}
        if is_source(name):
            try:
                found, wrong = _table(path, required)
            except DataOpsError as error:
                found, wrong = {}, [f"can't be read: {clean(error.message.replace(str(path), 'it'))}"]
            facts |= found
            problems += [f"{clean(name)}: {one}" for one in wrong]
        told[name] = facts
    rows = [facts["rows"] for facts in told.values() if "rows" in facts]
    return {"passed": not problems, "problems": problems, "rows": sum(rows), "required": list(required), "files": told}


def required_columns(contract: Mapping[str, Any]) -> list[str]:
    """The keys, the time and the target of params.yaml's contract: the old tool's store_id, product_id, date, sales."""
    keys = contract.get("keys")
    named = [*(keys if isinstance(keys, list) else []), contract.get("time"), contract.get("target")]
    return [str(name) for name in named if name]


def _table(path: Path, required: Sequence[str]) -> tuple[dict[str, Any], list[str]]:
    """Rows, columns, missing values and duplicates of one table, and what is wrong with it."""
    from dataops.tables.cast import Written
    from dataops.tables.guess import column_type
    from dataops.tables.sources import ReadOptions, read_source

    frame = read_source(path, ReadOptions())
    twice = _duplicates(frame)
    missing = {str(name): int(count) for name, count in frame.isna().sum().items()}
    wrong = []
    if frame.empty:
        wrong.append("the dataset is empty")
    elif empty := [name for name, count in missing.items() if count == len(frame)]:
        wrong.append(f"columns without any value: {_some(empty)}")
    if lacking := [name for name in required if name not in frame.columns]:
        wrong.append(f"missing required columns: {_some(lacking)}")
    if twice:
        wrong.append(f"{twice:,} duplicate row{'s' * (twice != 1)}")
    facts = {
        "rows": len(frame),
        "columns": {
            str(name): column_type(frame.iloc[:, place], Written()) for place, name in enumerate(frame.columns)
        },
        "missing": missing,
        "duplicates": twice,
    }
    return facts, wrong


def _duplicates(frame: pd.DataFrame) -> int:
    try:
        return int(frame.duplicated().sum())
    except TypeError:  # lists and the like have no hash
        return int(frame.astype(str).duplicated().sum())


def _some(names: Sequence[str]) -> str:
    return ", ".join(map(clean, names[:SHOWN])) + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")
