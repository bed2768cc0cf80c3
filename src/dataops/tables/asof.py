"""The feature store's read: what was known of an entity at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from dataops.tables.contract import Contract
from dataops.tables.parquet import files, read


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

    Raises:
        DataOpsError: the store holds no data.
    """
    moment = pd.Timestamp(as_of)
    wanted = None if columns is None else list(dict.fromkeys([*contract.index, *columns]))
    entities = entities or {}
    whole = set(entities) == set(contract.keys)
    found: list[pd.DataFrame] = []
    for path in reversed(files(store / "history")):
        if path.stem[:4].isdigit() and pd.Timestamp(path.stem) > moment:
            continue
        rows = read([path], wanted)
        rows = rows[rows[contract.time] <= moment]
        for key, value in entities.items():
            rows = rows[rows[key] == value]
        found.append(rows)
        if whole and len(rows):
            break
    rows = pd.concat(found, ignore_index=True).sort_values(contract.index, kind="stable")
    if not contract.keys:
        return rows.tail(1).reset_index(drop=True)
    return rows.drop_duplicates(contract.keys, keep="last").reset_index(drop=True)
