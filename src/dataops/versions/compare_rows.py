"""The data of two versions, fetched and compared row by row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from dataops.store.cache import Cache
from dataops.store.objects import Progress
from dataops.store.transfer import into_cache
from dataops.versions import changes, rows, statistics, tablefiles
from dataops.versions.changes import Bring
from dataops.versions.sources import Sources
from dataops.versions.tablefiles import File, NoTable

if TYPE_CHECKING:
    from dataops.versions.context import Context
    from dataops.versions.sides import Side


@dataclass(frozen=True)
class Read:
    """What the data say."""

    change: dict[str, Any]
    described: list[dict[str, Any]]
    profiles: list[Any]


def read(context: Context, sides: tuple[Side, Side], cache: Cache, remote: str | None, progress: Progress) -> Read:
    """Bring both sides into the cache and read them.

    Raises:
        DataOpsError: an object can't be had, or is damaged.
    """
    from dataops.versions.sides import objects

    store = Sources(context, remote)
    found = [objects(context, side, store) for side in sides]
    everything = {obj.digest: obj for one in found for obj in one.values()}
    into_cache(list(everything.values()), store, cache, progress=progress)
    local = [{path: cache.path(obj) for path, obj in one.items()} for one in found]
    described = [
        rows.describe(files, side.output.digest.endswith(".dir")) for files, side in zip(local, sides, strict=True)
    ]
    classified = []
    for side, one, files, what in zip(sides, found, local, described, strict=True):
        known = set(what.schema or {})
        fits = bool(known) and set(side.keys) <= known
        time = side.contract.get("time")
        classified.append(
            changes.Side(
                {path: obj.digest for path, obj in one.items()},
                _bring(files),
                (side.keys or None) if fits else None,
                str(time) if time in known else None,
                list(side.contract.get("columns") or {}) or None if fits else None,
                what,
                str(side.contract.get("frequency") or "D"),
            )
        )
    change = changes.classify(classified[0], classified[1])
    facts = [
        {"rows": what.rows, "bytes": what.bytes, "files": what.files, "sha256": what.sha256,
         "row_hash": what.row_hash, "schema": what.schema}
        for what in described
    ]  # fmt: skip
    return Read(
        {"kind": change.kind, "reason": change.reason, "from": "data", "facts": change.facts},
        [{name: value for name, value in one.items() if value is not None} for one in facts],
        [_profile(files) if what.rows is not None else None for files, what in zip(local, described, strict=True)],
    )


def _bring(files: Mapping[str, Path]) -> Bring:
    return lambda paths: {path: files[path] for path in paths}


def _profile(files: Mapping[str, Path]) -> Any:
    """The statistics of a table; None where it can't be read as one."""
    from dataops.tables.parquet import to_frame

    kind = tablefiles.table_kind(files)
    try:
        batches = [
            batch
            for path in sorted(files)
            if tablefiles.kind(path) == kind
            for batch in tablefiles.batches(File(path, files[path], str(kind)))
        ]
        table = pa.concat_tables([pa.Table.from_batches([batch]) for batch in batches], promote_options="permissive")
    except (NoTable, pa.ArrowException):
        return None
    return statistics.of_table(to_frame(table))
