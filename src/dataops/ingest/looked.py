"""What `adopt` looks at: the rows of somebody's files, how they are written, which columns could play which part."""

from __future__ import annotations

import calendar
import re
import shlex
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from dataops.errors import DataOpsError
from dataops.ingest.landing import workplace
from dataops.ingest.local import Files
from dataops.ingest.source import Context
from dataops.tables.cast import PLAIN, cast
from dataops.tables.dates import EPOCH
from dataops.tables.guess import absent, date_format
from dataops.tables.infer import CATEGORIES, Roles
from dataops.tables.sources import TEXT, ReadOptions, kind, read_source, source_columns

ROWS = 2_000_000  # beyond this many, later files are not looked at
DATE = re.compile(r"\d{4}-\d{1,2}(-\d{1,2})?|\d{1,2}[/.]\d{1,2}[/.]\d{2,4}|(19|20)\d\d([ -]?(Q|M|W)?\d{1,2})?")
MONTH = re.compile(f"({'|'.join(f'{name}|{name[:3]}' for name in calendar.month_name[1:])})", re.IGNORECASE)
NAMELESS = "(the one without a name)"  # as pandas writes an index; `--time date=` gives it a name
WIDE = 6  # columns that are called as dates are, from which on the table is taken for one that has a column a period


@dataclass(frozen=True)
class Looked:
    """Rows as read, how they were read, and what there is to tell of it."""

    table: pd.DataFrame
    options: ReadOptions
    files: int
    left: int  # files that were not looked at
    notes: list[str]


def look(root: Path, paths: list[str], options: ReadOptions, here: Path) -> Looked:
    """The newest files' rows, up to ROWS of them. Archives are expanded for the time of reading.

    The delimiter and marks for missing values are found here, where `options` don't fit.

    Raises:
        DataOpsError: the files can't be read.
    """
    given = options
    with workplace(root) as work:
        taken = Files(paths, here).take(Context(work, []))
        tables: list[pd.DataFrame] = []
        for file in reversed(taken.files):  # by name the newest are usually last
            if file.path is not None and sum(map(len, tables)) < ROWS:
                if not tables:
                    options = _delimited(file.path, options)
                tables.append(read_source(file.path, options))
    table = pd.concat(tables[::-1], ignore_index=True)
    marks = absent(table)
    notes = []
    if marks:
        table = table.mask(table.isin(marks))
        options = options.model_copy(update={"null_values": [*options.null_values, *marks]})
        notes.append(f"taken for missing values: {', '.join(map(repr, marks))} (`collect.read.null_values`)")
    if options.delimiter != given.delimiter:
        notes.append(f"the delimiter is {options.delimiter!r}")
    return Looked(table, options, len(tables), len(taken.files) - len(tables), notes)


def _delimited(path: Path, options: ReadOptions) -> ReadOptions:
    """`options` with the delimiter that the header shows, where it would be one column otherwise."""
    if kind(path.name) not in TEXT:
        return options
    (only, *more) = source_columns(path, options) or [""]
    marks = [mark for mark in (";", "\t", "|", ",") if not more and mark in only]
    return options.model_copy(update={"delimiter": max(marks, key=only.count)}) if marks else options


def wide(names: list[str], target: str | None = None) -> DataOpsError | None:
    """What to say of a table with a column a date, or a month; of `target`, where it is one of these columns."""
    dates = [name for name in names if DATE.fullmatch(name) or MONTH.fullmatch(name)]
    if len(dates) < WIDE or target not in (None, *dates):
        return None
    return DataOpsError(
        f"{len(dates)} columns are called as dates are ({dates[0]}, {dates[1]}, …): one row a date is needed",
        "pandas' melt turns such a table: `frame.melt(id_vars=[…], var_name='date', value_name='value')`",
    )


def asked(table: pd.DataFrame, paths: list[str], roles: Roles) -> DataOpsError:
    """What to say when time or target are not named: the columns that could be, and a call that would do."""
    names = [str(name) for name in table.columns]
    if error := wide(names):
        return error
    head = table.head(1000)
    times = sorted((name for name in names if _is_time(head[name])), key=lambda name: -head[name].nunique())
    numbers = [name for name in names if name not in times and _is_number(head[name])]
    if not (times and numbers):
        return DataOpsError(
            f"no column of {', '.join(names[:12])} reads as a {'number' if times else 'time'}",
            "--time names when a row happened, --target what is forecast; a file without them can be versioned and "
            "compared all the same: `dataops track`",
        )
    time = next(iter(roles.time.values()), times[0])
    named = [name for name in numbers if name] or numbers
    keys = _keys(table, [name for name in names if name and name not in times], time) if time in names else []
    found = [("times", times), ("numbers", numbers), ("series by", keys)]
    told = "; ".join(
        f"{what}: {', '.join(name or NAMELESS for name in some[:12])}{', …' if some[12:] else ''}"
        for what, some in found
        if some
    )
    target = next(iter(roles.target.values()), named[0] if len(named) == 1 else "COLUMN")
    keyed = ["--keys", keys[0]] if keys else []
    call = ["dataops", "adopt", *paths, "--time", time or "date=", "--target", target, *keyed]
    return DataOpsError(f"which column is the time, which the target? {told}", f"as `{shlex.join(call)}`")


def _keys(table: pd.DataFrame, names: list[str], time: str) -> list[str]:
    """Columns that tell series apart: of those with few values the ones that make a time occur once, else the texts."""
    if not table[time].duplicated().any():
        return []
    few = [name for name in names if 1 < table[name].nunique() <= min(CATEGORIES, len(table) / 3)]
    telling = [name for name in few if not table.duplicated([time, name]).any()]
    return telling or [name for name in few if not _is_number(table[name].head(1000))]


def _is_time(values: pd.Series) -> bool:
    if values.isna().all():
        return False
    try:
        style = date_format(values, None, "")
    except DataOpsError as error:
        return "two ways" in error.message
    return not pd.api.types.is_numeric_dtype(values.dtype) or style in EPOCH


def _is_number(values: pd.Series) -> bool:
    known = values.dropna()
    if pd.api.types.is_bool_dtype(values.dtype) or known.empty:
        return False
    return not bool(cast(known, "number", PLAIN)[1].any()) or bool(
        known.astype("str").str.fullmatch(r"\s*[+-]?[\d.,]*\d\s*").all()
    )
