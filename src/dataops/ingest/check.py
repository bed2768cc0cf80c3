"""What must hold before a file is recorded for good: it can be read, and it has the columns that `collect` asks for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dataops import params
from dataops.checked import check
from dataops.errors import DataOpsError
from dataops.tables import sources
from dataops.tables.sources import ReadOptions

READ_WHOLE = 64 << 20  # bytes as stored; larger files are checked by their header alone


@dataclass(frozen=True)
class Expected:
    """What params.yaml says about source files."""

    read: ReadOptions
    columns: list[str]  # the source's names; none when params.yaml doesn't say


def expected(root: Path) -> Expected:
    """From `collect` of params.yaml; nothing is expected when the file or the section is missing.

    Raises:
        DataOpsError: the file is malformed.
    """
    path = root / params.PARAMS
    if not path.exists():
        return Expected(ReadOptions(), [])
    collect: Any = params.read(path).get("collect") or {}
    if not isinstance(collect, dict):
        raise DataOpsError("params.yaml: collect: expected a section of keys")
    columns = collect.get("columns") or {}
    if not isinstance(columns, dict):
        raise DataOpsError("params.yaml: collect.columns: expected our names with the source's names")
    read = check(ReadOptions, collect.get("read") or {}, "params.yaml: collect.read")
    return Expected(read, [str(name) for name in columns.values() if name is not None])


def inspect(path: Path, name: str, options: ReadOptions) -> tuple[list[str], int | None]:
    """Columns and rows of a file; rows are None when counting them would cost.

    Raises:
        DataOpsError: it is empty or cannot be read; named `name`, as the user knows it.
    """
    try:
        columns = sources.source_columns(path, options)
        if path.stat().st_size > READ_WHOLE:
            return columns, None
        return columns, len(sources.read_source(path, options, columns[:1]))
    except DataOpsError as error:
        raise DataOpsError(error.message.replace(str(path), name), error.hint) from None


def columns_differ(columns: list[str], name: str, wanted: list[str]) -> DataOpsError | None:
    """The reason why a file cannot join the landing, if there is one."""
    error = sources.missing_columns(columns, wanted, name)
    if error is None:
        return None
    return DataOpsError(
        error.message.replace(" has no ", " lacks the ", 1) + " of collect.columns (params.yaml)",
        f"{error.hint}; correct collect.columns, run `dataops adopt FILE`, or take it as it is with --any-columns",
    )
