"""JSON and JSON Lines: lists of records. Values keep their types; nested ones become their JSON text."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dataops.errors import DataOpsError
from dataops.tables import delimited
from dataops.tables.compressed import content

if TYPE_CHECKING:
    import pandas as pd

Record = dict[str, Any]


def read_list(path: Path, encoding: str, records: str | None) -> list[Record]:
    """The records of a JSON file; `records` leads to the list (`results`, `data.items`), None: the file is it.

    Raises:
        DataOpsError: not JSON, no list there, or the list holds something else than objects.
    """
    try:
        value = json.loads(delimited.decoded(content(path), path, encoding))
    except json.JSONDecodeError as error:
        raise DataOpsError(
            f"{path} is not JSON: {error.msg} (line {error.lineno}, column {error.colno})",
            "one record a line? such a file is named .jsonl",
        ) from None
    except (ValueError, RecursionError) as error:  # a number of thousands of digits, brackets without end
        raise DataOpsError(f"{path} is no JSON that can be read: {error}") from None
    return _objects(_found(value, path, records), path, "record")


def read_lines(path: Path, encoding: str) -> list[Record]:
    """The records of a JSON Lines file, one a line; empty lines are none.

    Raises:
        DataOpsError: a line is not a JSON object.
    """
    result = []
    for number, line in enumerate(delimited.decoded(content(path), path, encoding).split("\n"), 1):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except json.JSONDecodeError as error:
            raise DataOpsError(f"{path}, line {number}: not JSON: {error.msg} (column {error.colno})") from None
        except (ValueError, RecursionError) as error:
            raise DataOpsError(f"{path}, line {number}: no JSON that can be read: {error}") from None
        result.append(_objects([value], path, "line", number)[0])
    return result


def names(records: list[Record]) -> list[str]:
    """Every key that occurs, in order of first appearance."""
    return list(dict.fromkeys(key for record in records for key in record))


def frame(records: list[Record], columns: list[str]) -> pd.DataFrame:
    """`records` as a frame of `columns`; a key that a record lacks is missing."""
    import pandas as pd

    values = {name: _series([_flat(record.get(name)) for record in records]) for name in columns}
    return pd.DataFrame(values, columns=pd.Index(columns, dtype="str"), index=pd.RangeIndex(len(records)))


def nested(value: Any) -> str:
    """A list or object as its JSON text: the same text for the same value."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, default=str)


def _flat(value: Any) -> Any:
    return nested(value) if isinstance(value, list | dict) else value


def _series(values: list[Any]) -> pd.Series[Any]:
    """The narrowest type that changes no value: integers with gaps stay objects, as floats would round them."""
    import pandas as pd

    series = pd.Series(values, dtype=object)
    kind = pd.api.types.infer_dtype(series, skipna=True)
    if kind in ("string", "floating") or (kind in ("integer", "boolean") and not series.isna().any()):
        return series.infer_objects()
    return series


def _found(value: Any, path: Path, records: str | None) -> list[Any]:
    where = "the file"
    if records is not None:
        where = f"collect.read.records ({records})"
        for step in [records] if isinstance(value, dict) and records in value else records.split("."):
            if not isinstance(value, dict) or step not in value:
                known = ", ".join(list(value)[:10]) if isinstance(value, dict) else ""
                raise DataOpsError(
                    f"{path} has no {records}, which collect.read.records names", f"it has: {known}" if known else ""
                )
            value = value[step]
    if isinstance(value, list):
        return value
    lists = _lists(value)
    hint = f"set collect.read.records in params.yaml, as: {', '.join(lists)}" if lists else ""
    raise DataOpsError(f"{path}: {where} is not a list of records", hint)


def _lists(value: Any, deep: int = 3) -> list[str]:
    """Where lists stand below `value`, as `records` takes it: `results`, `data.items`."""
    if not isinstance(value, dict) or not deep:
        return []
    here = [key for key, item in value.items() if isinstance(item, list)]
    return here + [f"{key}.{below}" for key, item in value.items() for below in _lists(item, deep - 1)]


def _objects(values: list[Any], path: Path, what: str, first: int = 1) -> list[Record]:
    for number, value in enumerate(values, first):
        if not isinstance(value, dict):
            raise DataOpsError(
                f"{path}, {what} {number}: not an object of keys and values but {json.dumps(value)[:40]}"
            )
    return values
