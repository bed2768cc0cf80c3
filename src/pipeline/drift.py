"""Has the data moved? Current profile against the pinned reference; without one, the test part against train."""

from __future__ import annotations

from functools import reduce
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from dataops.checked import check
from dataops.errors import DataOpsError, Refused, run
from dataops.files import write_json, write_text
from dataops.params import section
from dataops.report.drift_page import page
from dataops.report.drift_picture import draw
from dataops.report.drift_verdict import verdict
from dataops.reports import read_json
from dataops.tables import parquet
from dataops.tables.contract import Contract
from dataops.tables.drift import DAMAGED, Thresholds, compare, sound
from dataops.tables.profile import Profile, merge, profile
from dataops.versions.wording import clean

PROFILE = Path("reports/profile.json")
REFERENCE = Path("reports/drift_reference.json")
DATASET = Path("data/dataset")
REPORT = Path("reports/drift.json")
METRICS = Path("reports/metrics/drift.json")
PICTURE = Path("reports/drift.png")
PAGE = Path("reports/drift.html")


class Drift(Thresholds):
    """The section `drift` of params.yaml."""

    window: Literal["new", "all"] = "new"  # with a reference: only what came after it, or everything
    on_drift: Literal["warn", "fail"] = "warn"


def main() -> None:
    """Run the stage."""
    contract, params = section(Contract, "contract"), section(Drift, "drift")
    limits = check(Thresholds, {name: getattr(params, name) for name in Thresholds.model_fields}, "drift")
    parts, pinned = read_json(PROFILE).get("parts", {}), read_json(REFERENCE)
    try:
        for known in (parts["train"], parts["test"], *parts.values(), *filter(None, [pinned.get("profile")])):
            sound.check(known)
        reference, current, compared = sides(parts, pinned, contract, params)
        report: dict[str, Any] = {"compared": compared, **compare(reference, current, limits, target=contract.target)}
    except DAMAGED as error:
        reason = f"{REFERENCE} or {PROFILE} is damaged: {clean(f'{type(error).__name__} {error}')}"
        raise DataOpsError(reason, "`dataops drift pin VERSION` writes the first, `dvc repro` the second") from None
    if not current["rows"]:
        nothing = {"column": None, "reason": None, "text": "nothing came after the reference", "numbers": ["rows"]}
        report |= {"drifted": False, "columns_drifted": [], "recommendations": [nothing]}
    write_json(REPORT, report)
    write_json(METRICS, {"score": report["score"], "columns_drifted": len(report["columns_drifted"])})
    draw(report, limits.effect, PICTURE)
    write_text(PAGE, page(report))
    message = "\n".join(
        [clean(f"{verdict(report)} ({compared})"), *(f"  {clean(one['text'])}" for one in report["recommendations"])]
    )
    if report["drifted"] and params.on_drift == "fail":
        raise Refused(message, "`drift.on_drift: warn` lets the pipeline go on")
    print(message)


def sides(
    parts: dict[str, Profile], pinned: dict[str, Any], contract: Contract, params: Drift
) -> tuple[Profile, Profile, str]:
    """What to compare with what, and that in words."""
    if not pinned.get("profile"):
        return parts["train"], parts["test"], "test against train, as no reference is pinned"
    name = pinned.get("version") or "the pinned reference"
    if params.window == "all":
        return pinned["profile"], reduce(merge, parts.values()), f"everything against {name}"
    until = pinned["profile"]["columns"].get(contract.time, {}).get("last")
    if until is None:
        raise DataOpsError(f"{REFERENCE} has no {contract.time}: it is of another contract, or of no rows",
                           "`dataops drift pin VERSION` pins another; `drift.window: all` needs no time")  # fmt: skip
    paths = [path for part in parts for path in parquet.files(DATASET / part)]
    rows = parquet.read(sorted(paths, key=lambda path: path.name), list(contract.columns))
    fresh = rows[rows[contract.time] > pd.Timestamp(until)]
    told = until if contract.frequency == "h" else until.removesuffix("T00:00:00")
    return pinned["profile"], profile(fresh, contract), f"what came after {told} against {name}"


if __name__ == "__main__":
    run(main)
