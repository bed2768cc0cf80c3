"""landing -> data/raw: every batch that was ingested, as one typed, partitioned table.

A pure function of the landing: columns are mapped and typed as params.yaml says, rows of one key and time are
aggregated if asked, and a later batch's rows supersede an earlier one's.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd

from dataops.checked import Checked
from dataops.errors import DataOpsError, Refused, run
from dataops.files import write_json
from dataops.ingest.batches import Batch, batches
from dataops.params import section
from dataops.tables import parquet
from dataops.tables.cast import Written, cast
from dataops.tables.contract import Contract
from dataops.tables.identity import combined, repeated
from dataops.tables.period import floor
from dataops.tables.sources import ReadOptions, read_source

LANDING = Path("data/landing")
RAW = Path("data/raw")
REPORT = Path("reports/collection.json")
METRICS = Path("reports/metrics/collect.json")
BATCH = "_batch"


class Collect(Checked):
    """The section `collect` of params.yaml."""

    columns: dict[str, str]
    read: ReadOptions = ReadOptions()
    unreadable: Literal["fail", "null"] = "fail"
    drop_duplicates: bool = False
    aggregate: dict[str, Literal["sum", "mean", "min", "max", "first", "last"]] | None = None
    later_batch: Literal["supersede", "add"] = "supersede"


def main() -> None:
    """Run the stage."""
    contract, params = section(Contract, "contract"), section(Collect, "collect")
    check_params(contract, params)
    found = batches(LANDING)
    if not found:
        raise DataOpsError("data/landing holds no batch", "`dvc pull` in a clone, or `dataops ingest SOURCE`")
    unreadable: list[dict[str, Any]] = []
    tables = [read_batch(batch, number, contract, params, unreadable) for number, batch in enumerate(found)]
    if unreadable and params.unreadable == "fail":
        raise Refused(unreadable_table(unreadable), "state how values are written in `collect.read` or fix the file; "
                      "`collect.unreadable: null` counts them and lets `validate` judge")  # fmt: skip
    rows = pd.concat([table for table, _ in tables], ignore_index=True)
    raw, superseded = resolve(rows, contract, params)
    if [batch.folder for batch in batches(LANDING)] != [batch.folder for batch in found]:
        # DVC records the landing as it is when this stage ends: it would be said to hold what was never read
        raise Refused("data/landing changed while it was read", "run `dvc repro` again when the ingest has ended")
    parquet.write(raw, RAW, parquet.schema(contract), contract.index, contract.time, contract.partition)
    counts = [count for _, count in tables]
    report = summary(found, counts, unreadable, superseded, raw, contract)
    write_json(REPORT, report)
    write_json(METRICS, {name: report[name] for name in ("rows", "files", "landing_mb", "raw_mb")})
    later = f", {superseded:,} superseded by later batches" if superseded else ""
    print(f"collected {report['rows_read']:,} rows of {report['files']} files -> {len(raw):,} rows in {RAW}{later}")


def check_params(contract: Contract, params: Collect) -> None:
    """Refuse what can't work before anything is read."""
    if set(params.columns) != set(contract.columns):
        odd = sorted(set(params.columns) ^ set(contract.columns))
        raise DataOpsError(f"params.yaml: {odd[0]} is in only one of contract.columns and collect.columns")
    if params.read.decimal not in (".", ",") or params.read.thousands in ("", params.read.decimal):
        raise DataOpsError(
            f"params.yaml: collect.read: decimal {params.read.decimal!r} and thousands {params.read.thousands!r} "
            "can't tell numbers apart", 'decimal is "." or ","; thousands is another mark, or null'
        )  # fmt: skip
    if params.aggregate is None:
        if params.later_batch == "add":
            raise DataOpsError("params.yaml: collect.later_batch: add needs collect.aggregate")
        return
    needed = {contract.target, *contract.others}
    if set(params.aggregate) != needed:
        odd = sorted(set(params.aggregate) ^ needed)
        raise DataOpsError(
            f"params.yaml: collect.aggregate must say how each of {', '.join(sorted(needed))} is aggregated",
            f"look at {odd[0]}",
        )
    fits = {"sum": ("integer", "number"), "mean": ("number",)}
    for name, how in params.aggregate.items():
        kind = contract.columns[name].type
        if kind not in fits.get(how, (kind,)):
            raise DataOpsError(
                f"params.yaml: collect.aggregate: {name}: the {how} of type {kind} is not of that type",
                f"contract.columns: {name} may be a number"
                if kind == "integer"
                else "max, min, first or last keeps it",
            )


def read_batch(
    batch: Batch, number: int, contract: Contract, params: Collect, unreadable: list[dict[str, Any]]
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """One batch, typed, with what was counted on the way; values that can't be read are added to `unreadable`."""
    source = list(dict.fromkeys(params.columns.values()))
    compare = params.drop_duplicates or params.aggregate is not None  # else `validate` finds repeated keys
    tables = []
    for file in batch.paths:
        table = read_source(file, params.read, None if compare else source)
        missing = [name for name in source if name not in table.columns]
        if missing:
            raise DataOpsError(
                f"{file}: no column {missing[0]!r}; it has {', '.join(map(repr, table.columns[:12]))}",
                "collect.columns in params.yaml maps our names to the source's",
            )
        table.index = pd.RangeIndex(2, len(table) + 2)  # about the line in the file, the header being 1
        tables.append(table)
    files = np.repeat(np.arange(len(tables), dtype=np.int32), [len(table) for table in tables])
    rows = pd.concat(tables)
    del tables
    read = len(rows)
    duplicates = rows.duplicated().to_numpy() if compare else np.zeros(0, dtype=bool)
    if params.drop_duplicates:
        rows, files = rows[~duplicates], files[~duplicates]
    written = Written(params.read.decimal, params.read.thousands, params.read.date_format)
    typed: dict[str, pd.Series] = {}
    for ours, theirs in params.columns.items():
        typed[ours], bad = cast(rows[theirs], contract.columns[ours].type, written)
        for (line, value), file in zip(rows[theirs][bad].items(), files[bad.to_numpy()], strict=True):
            unreadable.append({"file": str(batch.paths[file]), "line": line, "column": ours, "value": str(value)[:60],
                               "type": contract.columns[ours].type})  # fmt: skip
    del rows
    table = pd.DataFrame(typed).reset_index(drop=True)
    counts: dict[str, Any] = {"rows": read, "duplicates": int(duplicates.sum()),
              "negative_target": int((table[contract.target] < 0).sum()),
              "missing": {name: int(values.isna().sum()) for name, values in table.items()}}  # fmt: skip
    if params.aggregate and params.later_batch == "supersede":  # to `add`, all batches are aggregated at once
        table = aggregate(table, contract, params.aggregate)
    return table.assign(**{BATCH: number}), counts


def aggregate(table: pd.DataFrame, contract: Contract, how: dict[str, Any]) -> pd.DataFrame:
    """Rows of one key and time step made one; times become the start of their step.

    The sum of nothing but nulls is null: a value nobody could read is no zero. Rows without a key or time stay apart,
    so that `validate` finds each of them.
    """
    apart = table[contract.index].isna().any(axis=1)
    table, unknown = table[~apart], table.loc[apart, list(contract.columns)]
    table = table.assign(**{contract.time: floor(table[contract.time], contract.frequency)})
    groups = table.groupby(contract.index, sort=True)
    result = groups.agg(how)
    for name in [name for name, function in how.items() if function == "sum"]:
        result[name] = groups[name].sum(min_count=1)
    result = result.reset_index()[list(contract.columns)]
    return pd.concat([result, unknown], ignore_index=True) if len(unknown) else result


def resolve(rows: pd.DataFrame, contract: Contract, params: Collect) -> tuple[pd.DataFrame, int]:
    """All batches as one table, and how many rows a later batch superseded."""
    if params.aggregate and params.later_batch == "add":
        return aggregate(rows, contract, params.aggregate), 0
    if rows[BATCH].nunique() > 1:
        twice = rows[repeated(combined([rows[name] for name in contract.index]))]
        newest = twice.groupby(contract.index, sort=False)[BATCH].transform("max")  # null where a key or time is
        older = twice.index[twice[BATCH] < newest]
        return rows.drop(columns=BATCH).drop(index=older), len(older)
    return rows.drop(columns=BATCH), 0


def unreadable_table(unreadable: list[dict[str, Any]]) -> str:
    """The first few values that can't be read, as lines a person can act on."""
    lines = [f"{len(unreadable):,} values are not of their column's type"]
    lines += [
        f"  {v['file']}, row {v['line']}: {v['column']} = {v['value']!r} is no {v['type']}" for v in unreadable[:5]
    ]
    return "\n".join(lines)


def summary(
    found: list[Batch],
    counts: list[dict[str, Any]],
    unreadable: list[dict[str, Any]],
    superseded: int,
    raw: pd.DataFrame,
    contract: Contract,
) -> dict[str, Any]:
    """The report: what came in, what became of it, and when it was last added to."""
    landing = [file for batch in found for file in batch.paths]
    stored = parquet.files(RAW)
    return {
        "batches": len(found),
        "files": len(landing),
        "landing_mb": round(sum(file.stat().st_size for file in landing) / 1e6, 3),
        "rows_read": sum(count["rows"] for count in counts),
        "values_read": sum(count["rows"] for count in counts) * len(contract.columns),
        "duplicate_rows": sum(count["duplicates"] for count in counts),
        "negative_target_rows": sum(count["negative_target"] for count in counts),
        "missing_values": {name: sum(count["missing"][name] for count in counts) for name in contract.columns},
        "unreadable_values": len(unreadable),
        "unreadable_examples": unreadable[:20],
        "superseded_rows": superseded,
        "rows": len(raw),
        "raw_files": len(stored),
        "raw_mb": round(sum(file.stat().st_size for file in stored) / 1e6, 3),
        "last_ingested_at": max(batch.manifest.ingested_at for batch in found),
    }


if __name__ == "__main__":
    run(main)
