"""data/exclusions.csv: rows to leave out, each with its reason; recorded by DVC, with the same care as the landing."""

from __future__ import annotations

import csv
import datetime as dt
import io
from pathlib import Path

from dataops import files, params
from dataops.checked import check
from dataops.errors import DataOpsError
from dataops.ingest import landing, recorded
from dataops.store import dvccommand
from dataops.tables.contract import Contract

FILE = Path("data/exclusions.csv")
JOURNAL = Path(".dataops/exclusions.md5")  # of a list that is being recorded
REASON, ADDED = "reason", "added"

Row = dict[str, str]


def ensure_exclusions(root: Path) -> None:
    """Have a list that fits the contract, recorded: `validate` depends on the file. No params.yaml: nothing to do.

    Raises:
        DataOpsError: as `check_exclusions`, or DVC refuses.
    """
    contract = _contract(root)
    if contract is None:
        return
    known = recorded.read(root, FILE)
    if known and not (root / FILE).exists() and known.md5 == _md5(_text(contract, [])):
        return  # a clone that has not pulled; nothing is lost
    _restore(root, known)
    header, rows = _read(root)
    if header != _header(contract):
        _refuse_rows(header, rows, contract)
        _record(root, _text(contract, []))
    elif not known:
        dvccommand.dvc(root, "add", FILE.as_posix())


def restore_exclusions(root: Path) -> None:
    """Have the recorded list in the work tree.

    Raises:
        DataOpsError: it was edited without being recorded, or can't be had.
    """
    _restore(root, recorded.read(root, FILE))


def check_exclusions(root: Path) -> None:
    """See early that `ensure_exclusions` will succeed; changes nothing.

    Raises:
        DataOpsError: the list has rows for other keys than the contract's.
    """
    contract = _contract(root)
    if contract is not None and (root / FILE).exists():
        _restore(root, recorded.read(root, FILE))
        header, rows = _read(root)
        if header != _header(contract):
            _refuse_rows(header, rows, contract)


def exclude(root: Path, values: Row, reason: str) -> Row:
    """Add one row to the list and record it; the row. Keys not in `values` stay empty: any.

    Raises:
        DataOpsError: a key that the contract doesn't have, a value that isn't of its type, no key or no reason at all,
            or the recorded list cannot be restored.
    """
    contract = _contract(root)
    if contract is None:
        raise DataOpsError("params.yaml is missing: its contract says what the keys are")
    if not values:
        raise DataOpsError("name at least one key, as store_id=3", f"keys: {', '.join(contract.index)}")
    if not reason.strip():
        raise DataOpsError("say why with --reason: the list is read by others")
    for name, value in values.items():
        _valid(contract, name, value)
    with landing.locked(root):
        ensure_exclusions(root)
        _restore(root, recorded.read(root, FILE))
        _, rows = _read(root)
        # a line break of whatever kind, pasted along, would end the row for some readers and not for others
        row = {name: values.get(name, "") for name in contract.index} | {REASON: " ".join(reason.split())}
        if any({**old, ADDED: ""} == {**row, ADDED: ""} for old in rows):
            raise DataOpsError("the list has this very row already")
        row[ADDED] = dt.datetime.now(dt.UTC).date().isoformat()
        _record(root, _text(contract, [*rows, row]))
    return row


def listed(root: Path) -> list[Row]:
    """What is excluded, oldest first.

    Raises:
        DataOpsError: the recorded list cannot be restored.
    """
    with landing.locked(root):
        _restore(root, recorded.read(root, FILE))
    return _read(root)[1]


def _contract(root: Path) -> Contract | None:
    path = root / params.PARAMS
    if not path.exists():
        return None
    return check(Contract, params.read(path).get("contract"), "params.yaml: contract")


def _header(contract: Contract) -> list[str]:
    return [*contract.index, REASON, ADDED]


def _text(contract: Contract, rows: list[Row]) -> str:
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, _header(contract), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def _md5(text: str) -> str:
    import hashlib

    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def _read(root: Path) -> tuple[list[str], list[Row]]:
    """Header and rows; nothing when there is no file.

    Raises:
        DataOpsError: it is no CSV, or a row has other fields than the header.
    """
    if not (root / FILE).exists():
        return [], []
    try:
        reader = csv.reader((root / FILE).read_text(encoding="utf-8-sig").splitlines(keepends=True), strict=True)
        records = [(reader.line_num, fields) for fields in reader if fields]
    except (csv.Error, UnicodeDecodeError) as error:
        raise DataOpsError(f"{FILE} is not readable as CSV: {error}", f"`dvc checkout --force {FILE}.dvc`") from None
    header = records[0][1] if records else []
    for line, fields in records[1:]:
        if len(fields) != len(header):
            raise DataOpsError(f"{FILE}, line {line}: {len(fields)} fields where the header has {len(header)}")
    return header, [dict(zip(header, fields, strict=True)) for _, fields in records[1:]]


def _record(root: Path, text: str) -> None:
    """Write the list and record it. The journal tells a list that was written, then killed, from one edited by hand."""
    files.write_text(root / JOURNAL, _md5(text))
    files.write_text(root / FILE, text)
    dvccommand.dvc(root, "add", FILE.as_posix())
    (root / JOURNAL).unlink()


def _refuse_rows(header: list[str], rows: list[Row], contract: Contract) -> None:
    if rows:
        raise DataOpsError(
            f"{FILE} has {len(rows)} rows under the columns {', '.join(header)}; the contract's are "
            + ", ".join(_header(contract)),
            f"edit its columns to fit and `dvc add {FILE}`, or delete it and {FILE}.dvc to begin an empty list",
        )


def _restore(root: Path, known: recorded.Recorded | None) -> None:
    """Have the recorded list in the work tree."""
    if known is None:
        return
    if not (root / FILE).exists():
        cache = recorded.Cache(root)
        cache.ensure(known)
        cache.copy(known.md5, root / FILE)
        return
    here, journal = recorded.md5(root / FILE), root / JOURNAL
    if here == known.md5:
        return
    if journal.exists() and journal.read_text() == here:
        dvccommand.dvc(root, "add", FILE.as_posix())
        journal.unlink()
        return
    raise DataOpsError(
        f"{FILE} is not as it was recorded",
        f"`dvc add {FILE}` keeps it; `dvc checkout --force {FILE}.dvc` brings the recorded one back",
    )


def _valid(contract: Contract, name: str, value: str) -> None:
    if name not in contract.index:
        raise DataOpsError(f"{name} is neither a key nor the time column", f"keys: {', '.join(contract.index)}")
    if value == "":
        raise DataOpsError(f"{name}= has no value", "leave the key out for any value")
    import pandas as pd

    from dataops.tables.cast import cast

    wanted = contract.columns[name].type
    if cast(pd.Series([value], dtype="str"), wanted)[1].any():
        raise DataOpsError(f"{value!r} is no {wanted} ({name})")
