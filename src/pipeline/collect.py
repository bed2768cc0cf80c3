"""landing -> data/raw: every batch that was ingested, as one typed, partitioned table.

A pure function of the landing: columns are mapped and typed as params.yaml says, rows of one key and time are
aggregated if asked, and a later batch's rows supersede an earlier one's.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from dataops.checked import Checked
from dataops.errors import DataOpsError, Refused, run
from dataops.files import new_folder, write_json
from dataops.ingest.batches import Batch, batches
from dataops.memo import Memo, as_before
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
EXAMPLES = 20  # of values that can't be read


class Collect(Checked):
    """The section `collect` of params.yaml."""

    columns: dict[str, str]
    read: ReadOptions = ReadOptions()
    unreadable: Literal["fail", "null"] = "fail"
    drop_duplicates: bool = False
    aggregate: dict[str, Literal["sum", "mean", "min", "max", "first", "last"]] | None = None
    later_batch: Literal["supersede", "add"] = "supersede"


def main() -> None:
    """Run the stage. A month whose batches are the same as in an earlier run is taken from there."""
    contract, params = section(Contract, "contract"), section(Collect, "collect")
    check_params(contract, params)
    found = batches(LANDING)
    if not found:
        raise DataOpsError("data/landing holds no batch", "`dvc pull` in a clone, or `dataops ingest SOURCE`")
    memo = Memo.of("collect", [LANDING])
    reader = Reader(found, contract, params, memo)
    counts = [reader.count(number) for number in range(len(found))]
    if params.unreadable == "fail" and any(count["unreadable"] for count in counts):
        raise Refused(unreadable_table(counts), "state how values are written in `collect.read` or fix the file; "
                      "`collect.unreadable: null` counts them and lets `validate` judge")  # fmt: skip
    with new_folder(RAW) as folder:
        superseded, kept = write(folder, reader, counts, memo)
        if [batch.folder for batch in batches(LANDING)] != [batch.folder for batch in found]:
            # DVC records the landing as it is when this stage ends: it would be said to hold what was never read
            raise Refused("data/landing changed while it was read", "run `dvc repro` again when the ingest has ended")
    memo.save()
    report = summary(found, counts, superseded, contract)
    write_json(REPORT, report)
    write_json(METRICS, {name: report[name] for name in ("rows", "files", "landing_mb", "raw_mb")})
    later = f", {superseded:,} superseded by later batches" if superseded else ""
    told = f"collected {report['rows_read']:,} rows of {report['files']} files -> {report['rows']:,} rows in {RAW}"
    print(told + later + as_before(kept, report["raw_files"]))


class Reader:
    """The batches: what is in each, known from an earlier run or read, and the rows of those that are asked for."""

    def __init__(self, found: list[Batch], contract: Contract, params: Collect, memo: Memo) -> None:
        self.found, self.contract, self.params, self.memo = found, contract, params, memo
        self.keys = [memo.key("batch", [[str(path), memo.digest(path)] for path in batch.paths]) for batch in found]
        self._rows: dict[int, pd.DataFrame] = {}

    def count(self, number: int) -> dict[str, Any]:
        """What was counted in a batch."""
        count = self.memo.get(self.keys[number])
        if count is None:
            self._rows[number], count = read_batch(self.found[number], number, self.contract, self.params)
            self.memo.put(self.keys[number], count)
        return count

    def rows(self, partitions: list[int], numbers: Iterable[int]) -> pd.DataFrame:
        """Of some batches, in their order, the rows of some partitions, typed; kept until they are asked for."""
        found = []
        for number in sorted(numbers):
            table = self._rows.pop(number, None)
            if table is None:
                table = read_batch(self.found[number], number, self.contract, self.params)[0]
            asked = np.isin(partition_of(table, self.contract, self.params), partitions)
            found.append(table if asked.all() else table[asked])
        return pd.concat(found, ignore_index=True)


def write(folder: Path, reader: Reader, counts: list[dict[str, Any]], memo: Memo) -> tuple[int, int]:
    """Fill `folder` with the partitions of all batches; how many rows were superseded, and how many files were kept."""
    contract, params = reader.contract, reader.params
    form, partition = parquet.schema(contract), contract.partition
    holders: dict[int, list[int]] = {}  # a partition: the batches that have rows of it
    for batch, count in enumerate(counts):
        for number in count["partitions"]:
            holders.setdefault(number, []).append(batch)
    names = {number: f"{parquet.label(number, partition)}.parquet" for number in holders}
    keys = {names[number]: memo.key(number, [reader.keys[batch] for batch in held]) for number, held in holders.items()}
    known = memo.restored(keys, folder)
    missing = [number for number in holders if names[number] not in known]
    gone = {name: int(entry["superseded"]) for name, entry in known.items()}
    if missing:
        needed = {batch for number in missing for batch in holders[number]}
        rows = reader.rows(missing, needed)
        read = np.unique(partition_of(rows, contract, params), return_counts=True)
        rows, _ = resolve(rows, contract, params)
        numbers = parquet.numbers(rows[contract.time], partition)
        parquet.write_parts(rows, numbers, folder, form, contract.index, partition)
        for number, count in zip(*(found.tolist() for found in read), strict=True):
            path = folder / names[number]
            gone[path.name] = 0 if params.later_batch == "add" else count - parquet.rows(path)
            memo.put_file(keys[path.name], path, superseded=gone[path.name])
    if not holders:
        parquet.write_file(parquet.to_frame(form.empty_table()), folder / parquet.EMPTY, form)
    return sum(gone.values()), len(known)


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


def read_batch(batch: Batch, number: int, contract: Contract, params: Collect) -> tuple[pd.DataFrame, dict[str, Any]]:
    """One batch, typed, with what was counted on the way, JSON: values that can't be read, the first of them."""
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
    unreadable = 0
    examples: list[dict[str, Any]] = []
    for ours, theirs in params.columns.items():
        typed[ours], bad = cast(rows[theirs], contract.columns[ours].type, written)
        unreadable += int(bad.sum())
        first = np.flatnonzero(bad)[: EXAMPLES - len(examples)]
        for line, value, file in zip(rows.index[first], rows[theirs].iloc[first], files[first], strict=True):
            place = {"file": str(batch.paths[file]), "line": int(line), "column": ours}
            examples.append({**place, "value": str(value)[:60], "type": contract.columns[ours].type})
    del rows
    table = pd.DataFrame(typed).reset_index(drop=True)
    counts: dict[str, Any] = {
        "rows": read,
        "duplicates": int(duplicates.sum()),
        "negative_target": int((table[contract.target] < 0).sum()),
        "missing": {name: int(values.isna().sum()) for name, values in table.items()},
        "unreadable": unreadable,
        "examples": examples,
    }
    if params.aggregate and params.later_batch == "supersede":  # to `add`, all batches are aggregated at once
        table = aggregate(table, contract, params.aggregate)
    counts["partitions"] = np.unique(partition_of(table, contract, params)).tolist()
    return table.assign(**{BATCH: number}), counts


def partition_of(table: pd.DataFrame, contract: Contract, params: Collect) -> npt.NDArray[np.int64]:
    """The number of the partition that each row comes into, shape (n,)."""
    times = table[contract.time]
    if params.later_batch == "add":  # its rows aren't aggregated yet: a week that begins in January is January's
        times = floor(times, contract.frequency).where(table[contract.index].notna().all(axis=1), times)
    return parquet.numbers(times, contract.partition)


def aggregate(table: pd.DataFrame, contract: Contract, how: dict[str, Any]) -> pd.DataFrame:
    """Rows of one key and time step made one; times become the start of their step.

    The sum of nothing but nulls is null: a value nobody could read is no zero. Rows without a key or time stay apart,
    so that `validate` finds each of them.
    """
    apart = table[contract.index].isna().any(axis=1)
    table, unknown = table[~apart], table.loc[apart, list(contract.columns)]
    table = table.assign(**{contract.time: floor(table[contract.time], contract.frequency)})
    # pandas adds floats in another order where the table is sorted and has all values of a column: not so with masks
    floats = [name for name in how if table[name].dtype == "float64"]
    groups = table.astype(dict.fromkeys(floats, "Float64")).groupby(contract.index, sort=True)
    result = groups.agg(how)
    for name in [name for name, function in how.items() if function == "sum"]:
        result[name] = groups[name].sum(min_count=1)
    result = result.astype(dict.fromkeys(floats, "float64")).reset_index()[list(contract.columns)]
    return pd.concat([result, unknown], ignore_index=True) if len(unknown) else result


def resolve(rows: pd.DataFrame, contract: Contract, params: Collect) -> tuple[pd.DataFrame, int]:
    """All batches as one table, and how many rows a later batch superseded."""
    if params.aggregate and params.later_batch == "add":
        return aggregate(rows, contract, params.aggregate), 0
    if rows[BATCH].nunique() < 2:
        return rows.drop(columns=BATCH), 0
    twice = rows[repeated(combined([rows[name] for name in contract.index]))]
    newest = twice.groupby(contract.index, sort=False)[BATCH].transform("max")  # null where a key or time is
    older = twice.index[twice[BATCH] < newest]
    return rows.drop(columns=BATCH).drop(index=older), len(older)


def unreadable_table(counts: list[dict[str, Any]]) -> str:
    """The first few values that can't be read, as lines a person can act on."""
    lines = [f"{sum(count['unreadable'] for count in counts):,} values are not of their column's type"]
    examples = [value for count in counts for value in count["examples"]]
    lines += [f"  {v['file']}, row {v['line']}: {v['column']} = {v['value']!r} is no {v['type']}" for v in examples[:5]]
    return "\n".join(lines)


def summary(found: list[Batch], counts: list[dict[str, Any]], superseded: int, contract: Contract) -> dict[str, Any]:
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
        "unreadable_values": sum(count["unreadable"] for count in counts),
        "unreadable_examples": [value for count in counts for value in count["examples"]][:EXAMPLES],
        "superseded_rows": superseded,
        "rows": sum(parquet.rows(path) for path in stored),
        "raw_files": len(stored),
        "raw_mb": round(sum(file.stat().st_size for file in stored) / 1e6, 3),
        "last_ingested_at": max(batch.manifest.ingested_at for batch in found),
    }


if __name__ == "__main__":
    run(main)
