"""data/raw -> data/validated and data/quarantine: the contract of params.yaml, and the gate.

Excluded rows leave; bad rows go to quarantine with the rule they broke. Too many of them, a column without a value or
no rows at all stop the pipeline, and the report is written all the same.
"""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
from pydantic import Field

from dataops.checked import Checked
from dataops.errors import Refused, run
from dataops.files import new_folder, write_json
from dataops.memo import Memo
from dataops.params import section
from dataops.reports import read_json
from dataops.tables import parquet, validation
from dataops.tables.contract import Contract
from dataops.tables.exclusions import excluded, read_exclusions
from dataops.tables.features import series_ids
from dataops.tables.identity import identity, repeats

RAW = Path("data/raw")
EXCLUSIONS = Path("data/exclusions.csv")
COLLECTION = Path("reports/collection.json")
VALIDATED = Path("data/validated")
QUARANTINE = Path("data/quarantine")
REPORT = Path("reports/validation.json")
METRICS = Path("reports/metrics/validate.json")


class Validate(Checked):
    """The section `validate` of params.yaml."""

    max_invalid: float = Field(default=0.01, ge=0, le=1)  # share of rows that may go to quarantine
    max_age_days: float | None = None  # newest row to last ingest


def main() -> None:
    """Run the stage."""
    contract, params = section(Contract, "contract"), section(Validate, "validate")
    collection = read_json(COLLECTION)
    paths = parquet.files(RAW)
    tables = parquet.tables(paths)
    pieces = [(path.name, len(table), table.schema) for path, table in zip(paths, tables, strict=True)]
    raw = parquet.to_frame(pa.concat_tables(tables))
    del tables
    reasons = excluded(raw, read_exclusions(EXCLUSIONS), contract)
    rows = raw.drop(index=reasons.index).reset_index(drop=True) if len(reasons) else raw
    with ThreadPoolExecutor(1) as beside:
        described = beside.submit(describe, rows, contract)
        numbers = identity(rows, contract)
        rules = validation.broken_rules(rows, contract, numbers)
    bad = rows.loc[rules.index].assign(**{validation.RULE: rules})

    report = judge(rows[contract.time], rules, repeats(numbers), described.result(), params, collection)
    report["rows"] = {
        "raw": len(raw),
        "excluded": len(reasons),
        "invalid": len(bad),
        "valid": len(rows) - len(bad),
    }
    report["excluded_because"] = reasons.value_counts().sort_index().to_dict()
    report["problems"] = problems(rows, len(bad), contract, params, report)
    report["passed"] = not report["problems"]
    write_json(REPORT, report)
    write_json(METRICS, {**report["quality"], "valid": report["rows"]["valid"], "invalid": len(bad)})
    rule = parquet.schema(contract, {validation.RULE: pa.string()})
    parquet.write(bad, QUARANTINE, rule, contract.index, contract.time, "none")
    if report["problems"]:
        raise Refused(table(report), hint(report))
    good = np.ones(len(raw), dtype=bool)
    good[reasons.index] = False
    good[np.flatnonzero(good)[rules.index]] = False
    write(raw, good, pieces, contract)
    print(
        f"validated {report['rows']['valid']:,} rows; {len(bad):,} in quarantine, "
        f"{report['rows']['excluded']:,} excluded"
    )


def write(
    raw: pd.DataFrame, good: npt.NDArray[np.bool_], pieces: list[tuple[str, int, pa.Schema]], contract: Contract
) -> None:
    """Fill data/validated with the good rows of `raw`, (n, columns); `pieces`: files of data/raw, rows, schemas.

    A file without a bad row stays as it is: the one writer sorted it already, and gave it the same schema.
    """
    form, times, by = parquet.schema(contract), raw[contract.time], contract.partition
    names, sizes, schemas = zip(*pieces, strict=True)
    ours = all(schema.equals(form, check_metadata=True) for schema in schemas)
    if not ours or not parquet.are_partitions(names, sizes, times, by):
        parquet.write(raw[good], VALIDATED, form, contract.index, contract.time, by)
        return
    parts = {name: slice(end - size, end) for name, size, end in zip(names, sizes, np.cumsum(sizes), strict=True)}
    some = {name: part for name, part in parts.items() if good[part].any() and not good[part].all()}
    with new_folder(VALIDATED) as folder:
        for name in [name for name, part in parts.items() if good[part].all()]:
            shutil.copyfile(RAW / name, folder / name)
        if some:
            memo = Memo.of("validate", [RAW, EXCLUSIONS, COLLECTION])
            left = {name: np.flatnonzero(~good[part]).tolist() for name, part in some.items()}
            keys = {name: memo.key(name, memo.digest(RAW / name), left[name]) for name in some}
            for name in some.keys() - memo.restored(keys, folder):
                parquet.write_file(raw.iloc[some[name]][good[some[name]]], folder / name, form)
                memo.put_file(keys[name], folder / name)
            memo.save()


def describe(rows: pd.DataFrame, contract: Contract) -> dict[str, Any]:
    """What is said of the rows whatever rules they break, by its name in the report; quality as far as it is known."""
    series = series_ids(rows, contract.keys)
    return {
        "completeness": validation.completeness(rows, contract),
        "accuracy": validation.accuracy(rows[contract.target], series),
        "calendar": validation.calendar(rows[contract.time], contract.frequency),
        "series": int(series.max(initial=0)) + 1 if len(rows) or not contract.keys else 0,
        "columns": validation.column_report(rows),
    }


def judge(
    times: pd.Series,
    rules: pd.Series,
    twice: int,
    described: dict[str, Any],
    params: Validate,
    collection: dict[str, Any],
) -> dict[str, Any]:
    """Counts, columns, the six dimensions of quality and what was broken how often, of rows of these times, (n,)."""
    newest = (times.drop(index=rules.index) if len(rules) else times).max()  # a bad row may say any date
    ingested = pd.Timestamp(collection["last_ingested_at"]).tz_localize(None)
    age = 0.0 if pd.isna(newest) else (ingested - newest).total_seconds() / 86400
    unreadable, values = collection["unreadable_values"], collection["values_read"]
    return {
        "passed": False,
        "problems": [],
        "rows": {},
        "quality": {
            "completeness": described["completeness"],
            "validity": validation.validity(rules, len(times)),
            "consistency": validation.consistency(unreadable, values),
            "uniqueness": validation.uniqueness(twice, len(times)),
            "accuracy": described["accuracy"],
            "timeliness": validation.timeliness(age, params.max_age_days),
        },
        "age_days": round(age, 3),
        "calendar": described["calendar"],
        "series": described["series"],
        "duplicate_keys": twice,
        "broken_rules": rules.str.split("; ").explode().value_counts().sort_index().to_dict() if len(rules) else {},
        "columns": described["columns"],
        "excluded_because": {},
    }


def problems(rows: pd.DataFrame, bad: int, contract: Contract, params: Validate, report: dict[str, Any]) -> list[str]:
    """What stops the pipeline, one line each."""
    if rows.empty:
        return ["the dataset is empty"]
    found = [f"{name} has no value at all" for name in contract.columns if rows[name].isna().all()]
    share = bad / len(rows)
    if share > params.max_invalid:
        found.append(f"{bad:,} of {len(rows):,} rows are invalid ({share:.2%}, allowed {params.max_invalid:.2%})")
    elif bad == len(rows):
        found.append("no row is valid")
    age = report["age_days"]
    if params.max_age_days is not None and age > params.max_age_days:
        found.append(f"the newest row is {age:.1f} days older than the last ingest (allowed {params.max_age_days:g})")
    if params.max_age_days is not None and age < -1:
        found.append(f"the newest row lies {-age:.1f} days after the last ingest, which nobody can know yet")
    return found


def hint(report: dict[str, Any]) -> str:
    """What to do about the first problem."""
    if report["problems"][0].startswith("the newest row is"):
        return "`dataops ingest … --received DATE` says when it came in; `validate.max_age_days: null` turns this off"
    return f"the rows are in {QUARANTINE}, the whole report in {REPORT}; fix the source, or change `contract`"


def table(report: dict[str, Any]) -> str:
    """The problems, then how many rows broke which rule."""
    lines = ["validation failed: " + "; ".join(report["problems"])]
    lines += [f"  {count:>10,}  {rule}" for rule, count in report["broken_rules"].items()]
    return "\n".join(lines)


if __name__ == "__main__":
    run(main)
