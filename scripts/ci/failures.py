"""Why a stage failed: in the words of its own report where it has one, else of the log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ci import look, stale
from ci.told import Failure
from dataops.errors import NO, WRONG, DataOpsError
from dataops.repo import worktree
from dataops.repo.recorded import Snapshot

DRIFT = "reports/drift.json"
QUARANTINE = Path("data/quarantine")
SHOWN = 10  # rules
EXAMPLES = 3  # rows of each


def explain(root: Path, names: Sequence[str], words: Sequence[str]) -> tuple[Failure, Mapping[str, Any] | None]:
    """What went wrong in these stages; and the drift report, where it is the reason."""
    snapshot = worktree.snapshot(root)
    found = look.failed_report(root, snapshot, snapshot.artifact(look.DATASET))
    if found is not None:
        return _invalid(root, snapshot, *found), None
    drift = look.new_report(root, snapshot, DRIFT)
    if drift is not None and drift.get("drifted") is True:
        columns = ", ".join(map(str, drift.get("columns_drifted") or ())) or "the schema"
        hint = "look at the table; `drift.on_drift: warn` goes on, and retrains"
        return Failure(_stage(snapshot, DRIFT), f"drift in {columns}, and drift.on_drift is fail", hint), drift
    hint = "its last words are below; `dvc repro` shows the same on your machine"
    return Failure(_first(names), "a stage failed", hint, WRONG, words=list(words)), None


def _invalid(root: Path, snapshot: Snapshot, path: str, report: Mapping[str, Any]) -> Failure:
    """The data break their contract."""
    problems = [str(one) for one in report.get("problems") or ()] or [f"{path} says no"]
    rules = report.get("broken_rules")
    counts = sorted(rules.items(), key=lambda item: -item[1]) if isinstance(rules, Mapping) else []
    rows: list[tuple[str, ...]] = [("rule", "rows", "for example")]
    rows += [(str(rule), f"{count:,}", _example(root, str(rule))) for rule, count in counts[:SHOWN]]
    hint = f"the rows are in {QUARANTINE} of a run on your machine; correct the source, or change the contract"
    stage = _stage(snapshot, path)
    return Failure(stage, "; ".join(problems), hint, NO, rows if len(rows) > 1 else [])


def _example(root: Path, rule: str) -> str:
    """Where the first rows lie that break the rule, by key and time; nothing where there is no quarantine to ask."""
    from dataops.tables import parquet

    try:
        contract = worktree.Folder(root, []).content("params.yaml") or b""
        index = _index(contract)
        rows = parquet.read(root / QUARANTINE)
        named = [name for name in index if name in rows.columns]
        bad = rows[rows["rule"].str.split("; ").map(lambda broken: rule in broken)]
    except (DataOpsError, OSError, KeyError, AttributeError):
        return ""
    first = bad[named].head(EXAMPLES).astype("str").to_dict("records")
    lines = [", ".join(f"{name} {value.removesuffix(' 00:00:00')}" for name, value in row.items()) for row in first]
    return "; ".join(lines)


def _index(text: bytes) -> list[str]:
    from dataops import yamls

    contract = yamls.load(text, "params.yaml").get("contract") or {}
    return [*(contract.get("keys") or ()), *filter(None, [contract.get("time")])]


def _stage(snapshot: Snapshot, path: str) -> str:
    stage = snapshot.stage_of(path)
    return stale.short(stage.address if stage else snapshot.unrecorded.get(path, path))


def _first(names: Sequence[str]) -> str:
    return names[0] if names else "dvc"
