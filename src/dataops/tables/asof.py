"""The feature store's read: what was known of an entity at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from dataops.errors import DataOpsError
from dataops.tables.contract import Contract
from dataops.tables.parquet import file_schema, files, read


def _moment(as_of: str | pd.Timestamp) -> pd.Timestamp:
    try:
        moment = pd.Timestamp(as_of)
    except ValueError:
        raise DataOpsError(f"{as_of!r} is no time", "write 2024-01-31 or 2024-01-31T06:00:00Z") from None
    return moment.tz_convert("UTC").tz_localize(None) if moment.tzinfo else moment


def read_as_of(
    store: Path,
    as_of: str | pd.Timestamp,
    contract: Contract,
    entities: Mapping[str, Any] | None = None,
    columns: Sequence[str] | None = None,
) -> pd.DataFrame:
    """The newest row of each entity whose event time is at or before `as_of`, (entities, columns).

    Only partitions that can matter are read, newest first, until every entity asked for has its row; without
    `entities` all of them are read up to `as_of`. `entities` maps keys to the one value wanted.

    A time with an offset is converted to UTC.

    Raises:
        DataOpsError: the store holds no data, `as_of` is no time, or a key or column isn't there.
    """
    moment, entities, paths = _moment(as_of), entities or {}, files(store / "history")
    wanted = None if columns is None else list(dict.fromkeys([*contract.index, *columns]))
    have = file_schema(paths[0]).names
    unknown = [name for name in entities if name not in contract.keys] + [n for n in wanted or () if n not in have]
    if unknown:
        raise DataOpsError(f"the feature store has no {unknown[0]}", f"keys: {', '.join(contract.keys)}; all: {have}")
    whole = set(entities) == set(contract.keys)
    found = [read(paths[:1], wanted).iloc[:0]]  # nothing is older than `as_of`: an empty frame with these columns
    for path in reversed(paths):
        if path.stem[:4].isdigit() and pd.Timestamp(path.stem) > moment:
            continue
        rows = read([path], wanted)
        rows = rows[rows[contract.time] <= moment]
        for key, value in entities.items():
            rows = rows[rows[key] == value]
        found.append(rows)
        if whole and len(rows):
            break
    rows = pd.concat([rows for rows in found if len(rows)] or found[:1], ignore_index=True)
    rows = rows.sort_values(contract.index, kind="stable")
    if not contract.keys:
        return rows.tail(1).reset_index(drop=True)
    return rows.drop_duplicates(contract.keys, keep="last").reset_index(drop=True)
