"""Reading what people have: CSV, TSV, Parquet, JSON, JSON Lines and Excel files, each also compressed.

Values stay as they are written: text is text until the contract types it, so that `007` keeps its zeros and `1.234,5`
waits for `decimal`.
"""

from __future__ import annotations

import codecs
import collections
import difflib
import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field, field_validator

from dataops.checked import Checked
from dataops.errors import DataOpsError
from dataops.tables import compressed, delimited, documents

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow.parquet as pq

TEXT = {".csv": ",", ".tsv": "\t"}
LINES = (".jsonl", ".ndjson")
SHEETS = (".xlsx", ".xls", ".xlsb", ".ods")
FORMATS = (*TEXT, ".parquet", ".json", *LINES, *SHEETS)


class ReadOptions(Checked):
    """`collect.read` of params.yaml: how the source files are written; nothing is guessed.

    `decimal`, `thousands` and `date_format` are for whoever gives the text its type.
    """

    encoding: str = "utf-8"
    delimiter: str | None = None
    decimal: str = "."
    thousands: str | None = None
    date_format: str | None = None
    null_values: list[str] = Field(default=["", "NA", "N/A", "NaN", "nan", "null", "NULL", "None"])
    sheet: str | None = None
    records: str | None = None

    @field_validator("encoding")
    @classmethod
    def _known(cls, value: str) -> str:
        try:
            codecs.lookup(value)
        except LookupError:
            raise ValueError(f"{value!r} is no encoding that Python knows") from None
        return value

    @field_validator("date_format")
    @classmethod
    def _usable(cls, value: str | None) -> str | None:
        if value is not None:
            from dataops.tables import dates

            try:
                dates.check(value)
            except DataOpsError as error:
                raise ValueError(f"{error.message} ({error.hint})") from None
        return value

    @field_validator("delimiter")
    @classmethod
    def _one_character(cls, value: str | None) -> str | None:
        if value is not None and (len(value) != 1 or not value.isascii() or value in '"\r\n'):
            raise ValueError(f"must be one character, as ';' or '|' (found {value!r})")
        return value


def is_source(name: str) -> bool:
    """Whether a file of this name is one that `read_source` reads."""
    return kind(name) in FORMATS


def kind(name: str) -> str:
    """The format's suffix in lower case, without compression: `.csv` of `A.CSV.gz`."""
    return Path(name[: len(name) - len(compressed.suffix(name))]).suffix.lower()


def read_source(path: Path, options: ReadOptions, columns: list[str] | None = None) -> pd.DataFrame:
    """The table in `path`: `columns`, or all, in that order, under a plain index.

    CSV and TSV values are text; other formats keep their types. Text that equals one of `null_values` is missing.

    Raises:
        DataOpsError: the file is missing, empty, broken, of an unknown suffix, or lacks a column.
    """
    path = Path(path)
    form = _form(path)
    if form in TEXT:
        delimiter = options.delimiter or TEXT[form]
        names = _unique(delimited.columns(path, options.encoding, delimiter), path)
        chosen = [names.index(name) for name in _wanted(names, columns, path)]
        return delimited.read(path, options.encoding, delimiter, options.null_values, names, chosen)
    if form == ".parquet":
        return _blank(_read_parquet(path, columns), options.null_values)
    if form in SHEETS:
        frame = _read_sheet(path, options.sheet)
        return _blank(frame[_wanted(list(frame.columns), columns, path)], ["", *options.null_values])
    records = _records(path, form, options)
    wanted = _wanted(documents.names(records), columns, path) if records else columns or []
    return _blank(documents.frame(records, wanted), options.null_values)


def source_columns(path: Path, options: ReadOptions) -> list[str]:
    """The names of the columns: from the header or schema where there is one, else from all records.

    Raises:
        DataOpsError: as `read_source`, as far as it shows without reading everything.
    """
    path = Path(path)
    form = _form(path)
    if form in TEXT:
        return _unique(delimited.columns(path, options.encoding, options.delimiter or TEXT[form]), path)
    if form == ".parquet":
        return _unique(list(_parquet(path).schema_arrow.names), path)
    if form in SHEETS:
        return list(_read_sheet(path, options.sheet).columns)
    return documents.names(_records(path, form, options))


def missing_columns(have: list[str], wanted: list[str], where: object) -> DataOpsError | None:
    """The error that says which of `wanted` are not among `have`, with close matches; None when all are there."""
    missing = [name for name in wanted if name not in have]
    if not missing:
        return None
    folded = {name.strip().casefold(): name for name in have}
    guesses = []
    for name in missing:
        close = difflib.get_close_matches(name.strip().casefold(), list(folded), 1, 0.7)
        if close:
            guesses.append(f"{name} -> {folded[close[0]]}?")
    shown = ", ".join(have[:30]) + (f", … ({len(have)})" if len(have) > 30 else "")
    plural = "columns" if len(missing) > 1 else "column"
    return DataOpsError(
        f"{where} has no {plural} {', '.join(missing)}",
        "; ".join(filter(None, [", ".join(guesses), f"it has: {shown}" if have else "it has no columns"])),
    )


def _form(path: Path) -> str:
    form = kind(path.name)
    if path.is_dir():
        raise DataOpsError(f"{path} is a folder, not a file")
    if form not in FORMATS:
        raise DataOpsError(
            f"{path}: {form or 'a name without suffix'} is no format that can be read",
            f"known: {' '.join(FORMATS)}, each also with {' '.join(compressed.SUFFIXES)}",
        )
    return form


def _unique(names: list[str], path: Path) -> list[str]:
    double = [name for name, count in collections.Counter(names).items() if count > 1]
    if double:
        raise DataOpsError(f"{path}: the column {double[0] or '(without a name)'} occurs more than once in the header")
    return names


def _wanted(have: list[str], columns: list[str] | None, path: Path) -> list[str]:
    error = missing_columns(have, columns or [], path)
    if error:
        raise error
    return have if columns is None else columns


def _records(path: Path, form: str, options: ReadOptions) -> list[documents.Record]:
    if form in LINES:
        return documents.read_lines(path, options.encoding)
    return documents.read_list(path, options.encoding, options.records)


def _parquet(path: Path) -> pq.ParquetFile:
    import pyarrow as pa
    import pyarrow.parquet as pq

    data = compressed.content(path) if compressed.suffix(path.name) or not _has_bytes(path) else None
    try:
        return pq.ParquetFile(pa.BufferReader(data) if data is not None else path)
    except (ValueError, OSError) as error:
        raise _broken(path, "Parquet", error) from None


def _read_parquet(path: Path, columns: list[str] | None) -> pd.DataFrame:
    import pyarrow as pa

    file = _parquet(path)
    wanted = _wanted(_unique(list(file.schema_arrow.names), path), columns, path)
    try:
        table = file.read(wanted)
    except (ValueError, OSError) as error:
        raise _broken(path, "Parquet", error) from None
    for place, field in enumerate(table.schema):
        column = table.column(place)
        if pa.types.is_dictionary(field.type):
            table = table.set_column(place, field.name, column.cast(field.type.value_type))
        elif pa.types.is_nested(field.type):
            text = [None if value is None else documents.nested(value) for value in column.to_pylist()]
            table = table.set_column(place, field.name, pa.array(text, pa.string()))
    return delimited.frame(table.select(wanted))


def _read_sheet(path: Path, sheet: str | None) -> pd.DataFrame:
    """One sheet of an Excel file: its first row names the columns; rows and unnamed columns all empty are left out."""
    import pandas as pd

    data = io.BytesIO(compressed.content(path))
    try:
        with pd.ExcelFile(data, engine="calamine") as book:
            sheets = [str(name) for name in book.sheet_names]
            chosen = sheets[0] if sheet is None else sheet
            found = chosen in sheets
            cells = (
                pd.read_excel(book, sheet_name=chosen, header=None, dtype=object, na_filter=False) if found else None
            )
    except Exception as error:  # noqa: BLE001  calamine's errors share no base class
        raise _broken(path, "an Excel or OpenDocument sheet", error) from None
    if cells is None:
        raise DataOpsError(f"{path} has no sheet {sheet}", f"it has: {', '.join(sheets)}")
    if cells.empty:
        raise DataOpsError(f"{path}: the sheet {chosen} is empty")
    full = cells.map(lambda value: value is not None and value != "")
    names = [str(value) for value in cells.iloc[0]]
    keep = [place for place, name in enumerate(names) if name or full[place].any()]
    body = cells.iloc[1:, keep][full.iloc[1:].any(axis=1)].reset_index(drop=True)
    body.columns = pd.Index(_unique([names[place] for place in keep], path), dtype="str")
    return body.infer_objects()


def _blank(frame: pd.DataFrame, nulls: list[str]) -> pd.DataFrame:
    """`frame` with text that stands for nothing made missing; it only touches columns that can hold text."""
    for name in frame.columns:
        if frame[name].dtype == object or frame[name].dtype == "str":
            found = frame[name].isin(nulls)
            if found.any():
                frame = frame.assign(**{name: frame[name].mask(found)})
    return frame


def _has_bytes(path: Path) -> bool:
    try:
        return path.stat().st_size > 0
    except OSError:
        return False  # `content` says what is wrong


def _broken(path: Path, what: str, error: Any) -> DataOpsError:
    reason = (str(error).strip() or type(error).__name__).splitlines()[0]
    return DataOpsError(f"{path} is not {what}: {reason}", "copy or download the file again")
