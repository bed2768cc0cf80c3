"""How many rows of one CSV or JSON file meet every condition: it has neither types nor statistics, so it is read."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from dataops.errors import DataOpsError
from dataops.lineage.recordlevel.conditions import Condition, UnfitError
from dataops.lineage.recordlevel.partitions import Found, count, every
from dataops.lineage.recordlevel.values import as_column

if TYPE_CHECKING:
    import pyarrow as pa

DOCUMENTS = (".json", ".json.gz")


def ask(content: Path, name: str, asked: Sequence[Condition], types: Mapping[str, str]) -> Found:
    """What the file says; `name` tells its kind, `types` are the contract's.

    Raises:
        DataOpsError: it is no table, or damaged.
    """
    import pyarrow as pa

    from dataops.tables.parquet import ARROW
    from dataops.versions.tablefiles import NoTable

    kinds = {str(name): kind for name, kind in ARROW.items()}
    to = {one.column: types.get(one.column, "") for one in asked}
    size = content.stat().st_size
    rows, columns = 0, dict[str, None]()
    try:
        typed = [one.typed(kinds.get(to[one.column], pa.string())) for one in asked]
        for batch in _batches(content, name):
            columns.update(dict.fromkeys(batch.schema.names))
            if all(one.column in batch.schema.names for one in asked):
                values = [as_column(batch.column(one.column), to[one.column]) for one in asked]
                pairs = zip(typed, values, strict=True)
                rows += count(every([one.mask(pa.chunked_array([array])) for one, array in pairs]))
    except UnfitError as unfit:
        return Found(unfit=str(unfit), size=size)
    except (NoTable, pa.ArrowException, ValueError, RecursionError, OSError, EOFError, zlib.error) as error:
        reason = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
        raise DataOpsError(f"no table that can be read: {reason}") from None
    missing = tuple(one.column for one in asked if columns and one.column not in columns)
    return Found(rows, "nothing" if missing else "values", tuple(columns), missing, size=size)


def is_document(name: str) -> bool:
    """Whether it is one JSON value: a list of records, or no table at all."""
    return name.lower().endswith(DOCUMENTS)


def _batches(content: Path, name: str) -> Iterator[pa.RecordBatch]:
    """The rows as texts."""
    from dataops.versions import tablefiles

    if is_document(name):
        yield _document(content, packed=name.lower().endswith(".gz"))
        return
    kind = tablefiles.kind(name) or ""
    for batch in tablefiles.batches(tablefiles.File(name, content, kind)):
        yield _unquoted(batch) if kind == "JSON Lines" else batch


def _document(content: Path, *, packed: bool) -> pa.RecordBatch:
    """The records of a JSON list.

    Raises:
        NoTable: it is none.
    """
    import pyarrow as pa

    from dataops.versions.tablefiles import NoTable

    text = content.read_bytes()
    found = json.loads(gzip.decompress(text) if packed else text)
    if not isinstance(found, list) or not all(isinstance(record, dict) for record in found):
        raise NoTable("it is no list of records")
    names = dict.fromkeys(str(name) for record in found for name in record)
    return pa.record_batch(
        {name: pa.array([_text(record.get(name)) for record in found], pa.string()) for name in names}
    )


def _unquoted(batch: pa.RecordBatch) -> pa.RecordBatch:
    """JSON texts as their values are written elsewhere: strings without their quotes."""
    import pyarrow as pa

    columns = [
        pa.array([_text(json.loads(text)) if text and text.startswith('"') else text for text in column.to_pylist()],
                 pa.string())
        for column in batch.columns
    ]  # fmt: skip
    return pa.record_batch(columns, names=batch.schema.names)


def _text(value: object) -> str | None:
    return value if isinstance(value, str) or value is None else json.dumps(value, sort_keys=True, ensure_ascii=False)
