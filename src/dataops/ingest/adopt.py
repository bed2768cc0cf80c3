"""Point the template at somebody's own data: infer the contract from a file and write it into params.yaml."""

from __future__ import annotations

import io
import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import yaml
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.scalarstring import DoubleQuotedScalarString

from dataops.checked import check
from dataops.errors import DataOpsError
from dataops.files import write_text
from dataops.ingest.looked import asked, look, wide
from dataops.params import PARAMS, read
from dataops.tables.contract import Contract, Frequency
from dataops.tables.infer import Inferred, Roles, infer
from dataops.tables.period import SEASON, YEAR
from dataops.tables.sources import ReadOptions

HORIZON: dict[Frequency, int] = {"h": 24, "D": 28, "W": 4, "M": 3}
DAYS: dict[Frequency, float] = {"h": 1 / 24, "D": 1, "W": 7, "M": 30.4}  # of one step
HELD_OUT = 0.02  # share of rows that a part should have at least
MOST = 0.4  # share of rows that whole months may take from training; else days are held out
STEPS: dict[Frequency, str] = {"h": "hours", "D": "days", "W": "weeks", "M": "months"}
ROWS = 60  # below which a model has nothing to learn from
SPARSE = 0.4  # share of steps with a row below which lags and windows are mostly empty
LEAF = 20  # rows in a leaf of the model's trees, at least; fewer where there are few rows


@dataclass(frozen=True)
class Adopted:
    """What was inferred, and what params.yaml says now (or would)."""

    inferred: Inferred
    rows: int
    files: int
    params: dict[str, Any]
    text: str


def adopt(
    root: Path,
    paths: list[str],
    roles: Roles,
    options: ReadOptions,
    *,
    horizon: int | None = None,
    known_ahead: list[str] | None = None,
    here: Path = Path(),
    dry_run: bool = False,
) -> Adopted:
    """Infer the contract from `paths` and write it, with everything that follows from it, into params.yaml.

    Raises:
        DataOpsError: the files can't be read, or a column is not what its part needs.
    """
    read(root / PARAMS)  # one clear line where it is missing or broken, before anything else is done
    seen = look(root, paths, options, here)
    table, options = seen.table, seen.options
    if not (roles.time and roles.target):
        raise asked(table, paths, roles)
    if error := wide([str(name) for name in table.columns], next(iter(roles.target.values()))):
        raise error
    inferred = infer(table, roles)
    inferred.notes[:0] = seen.notes
    _warn_of_short_history(inferred, _horizon(inferred) if horizon is None else horizon)
    if seen.left:
        inferred.notes.append(f"{seen.left} files were not looked at: {len(table):,} rows were enough")
    if inferred.aggregate:
        inferred.notes.append(
            "`collect.later_batch: supersede`: a later batch replaces whole steps of a key; `add` adds its rows to them"
        )
    changes = sections(inferred, roles, options, horizon, known_ahead or [])
    check(Contract, changes["contract"], "the contract that was inferred")
    text = rewritten((root / PARAMS).read_text(encoding="utf-8"), changes)
    if not dry_run:
        write_text(root / PARAMS, text)
        params = read(root / PARAMS)
    else:
        params = YAML(typ="safe").load(text)
    return Adopted(inferred, len(table), seen.files, {name: params[name] for name in changes}, text)


def _horizon(found: Inferred) -> int:
    """Steps: the usual ones, fewer where the history is short, and the next row at least."""
    usual = min(HORIZON[found.frequency], max(1, found.span // 5))
    return math.ceil(usual / found.spacing) * found.spacing


def _warn_of_short_history(found: Inferred, ahead: int) -> None:
    rows, unit = sum(found.months), STEPS[found.frequency]
    if rows < ROWS:
        aggregated = ", once aggregated," if found.aggregate else ""
        found.notes.append(f"{rows} rows{aggregated} are too few to learn from: expect no better than seasonal naive")
    if found.spacing > 1:
        found.notes.append(f"a series has a row every {found.spacing} {unit}: lags and windows are multiples of that")
    elif rows < SPARSE * found.series * found.typical:
        every = found.series * found.typical / rows
        found.notes.append(f"a series has a row every {every:.0f} {unit} or so: lags that miss them stay empty")
    if found.typical < 4 * ahead:
        found.notes.append(
            f"most series are {found.typical} steps long, short for a horizon of {ahead}: lags and windows will be "
            "mostly empty; `--horizon N` sets a shorter one"
        )


def sections(
    found: Inferred, roles: Roles, options: ReadOptions, horizon: int | None, known_ahead: list[str]
) -> dict[str, dict[str, Any]]:
    """The keys of params.yaml that the data decide, by section."""
    target, keys = next(iter(roles.target)), list(roles.keys)
    ahead = _horizon(found) if horizon is None else horizon
    if found.span < 3:
        raise DataOpsError(
            f"{found.first} to {found.last}, counted in {STEPS[found.frequency]}, is too few for a forecast",
            "the finest step is an hour; give more files at once",
        )
    if ahead < 1 or ahead >= found.span:
        raise DataOpsError(f"a horizon of {ahead} steps doesn't fit data of {found.span}", "--horizon N, in steps")
    names = {column.name for column in found.columns}
    unknown = [name for name in known_ahead if name not in names - {*keys, target, *roles.time}]
    if unknown:
        raise DataOpsError(
            f"--known-ahead: {unknown[0]} is no column of the contract besides keys, time and target",
            f"there are: {', '.join(sorted(names - {*keys, target, *roles.time})) or 'none'}",
        )
    features, naive = _features(found, ahead)
    last = pd.Timestamp(found.last)
    first = last - pd.Timedelta(days=(ahead - 1) * DAYS[found.frequency])  # of the steps that one forecast covers
    partition, counts = "month", found.months
    touched = 12 * (last.year - first.year) + last.month - first.month + 1
    part = _held_out(counts, math.ceil(touched / found.spacing) if found.frequency == "M" else touched)
    if len(counts) < 3 or (found.frequency in "hD" and sum(counts[: 2 * part]) > MOST * sum(counts)):
        partition, counts = "day", found.days
        part = _held_out(counts, (last.normalize() - first.normalize()).days + 1)
    if len(counts) < 3:
        raise DataOpsError(f"{len(counts)} days of data can't be split into train, validation and test")
    written = found.written
    level = f"mean_{max(features['means'])}" if features["means"] and found.typical > ahead else ""
    return {
        "contract": {
            "time": next(iter(roles.time)),
            "target": target,
            "keys": keys,
            "frequency": found.frequency,
            "partition": partition,
            "columns": {column.name: column.entry() for column in found.columns},
        },
        "collect": {
            "columns": {column.name: column.source for column in found.columns},
            "read": {**options.model_dump(), **written._asdict()},
            "aggregate": found.aggregate,
            "later_batch": "supersede",
        },
        "validate": {
            "max_invalid": min(1.0, max(0.01, math.ceil(found.invalid * 150) / 100)),
            "max_age_days": None,
        },
        "featurize": {"horizon": ahead, **features, "known_ahead": known_ahead, "holidays": ["01-01", "12-25"]},
        "split": {"validation": part, "test": part},
        "train": {
            "level": level,
            "objective": _objective(found, target),
            "min_data_in_leaf": min(LEAF, max(3, sum(found.months) // 30)),
        },
        "evaluate": {"naive_lag": naive},
    }


def _held_out(months: list[int], touched: int) -> int:
    """Months (or days; rows of each, newest first) to hold out.

    As many as the horizon touches, more where they are nearly empty; at most a third.
    """
    wanted = touched
    while sum(months[:wanted]) < HELD_OUT * sum(months) and wanted < len(months):
        wanted += 1
    return max(1, min(wanted, (len(months) - 1) // 3))


def _objective(found: Inferred, target: str) -> str:
    column = next(column for column in found.columns if column.name == target)
    return "tweedie" if column.min is not None else "l2"


def _features(found: Inferred, horizon: int) -> tuple[dict[str, list[int]], int]:
    """Lags and windows in whole seasons, old enough for the horizon, short enough for the data; and the naive lag."""
    season, year, gap = SEASON[found.frequency], YEAR[found.frequency], found.spacing
    again = math.lcm(season, gap)  # steps to the next row of the same season
    first = math.ceil(horizon / again) * again
    room = found.span - horizon
    near = [first, first + again, first + 2 * again]
    far = [year // 2, year - season, year, year + season] if season < year else [year]
    if season == year or gap > 1:  # the newest value that is known says more than the one of a year ago
        far.append(math.ceil(horizon / gap) * gap)
    fits = {lag for lag in far if horizon <= lag < room and lag % gap == 0}
    lags = sorted(fits | {lag for lag in near if lag < room or lag == first})
    windows = [season, 4 * season, 13 * season, year] if season < year else [3 * gap, 6 * gap, 12 * gap]
    means = sorted({length for length in windows if gap <= length <= max(room // 2, season)})
    yearly = found.span > 2 * year
    chosen = {
        "lags": lags,
        "means": means,
        "stds": [4 * season] if 4 * season in means else [],
        "seasonal_means": [count for count in (4, 8) if first + again * count < room],
        "trends": [4 * season] if yearly and 4 * season in means else [],
    }
    return chosen, year if yearly and year >= horizon and year % gap == 0 else first


def rewritten(text: str, changes: dict[str, dict[str, Any]]) -> str:
    """params.yaml with some keys changed; comments, order and everything else stay."""
    editor = YAML()
    editor.preserve_quotes = True
    editor.width = 120
    editor.representer.add_representer(
        type(None), lambda representer, _: representer.represent_scalar("tag:yaml.org,2002:null", "null")
    )
    document = editor.load(text)
    if not isinstance(document, CommentedMap):
        raise DataOpsError(f"{PARAMS} holds no sections")
    for section, keys in changes.items():
        if not isinstance(document.get(section), CommentedMap):
            raise DataOpsError(f"{PARAMS} has no section {section}", f"git checkout {PARAMS} brings it back")
        for key, value in keys.items():
            _put(document[section], key, value)
    out = io.StringIO()
    editor.dump(document, out)
    return out.getvalue()


def _put(section: CommentedMap, key: str, value: Any) -> None:
    """Set a key; lists stand in one line, nested mappings in one line each; an unchanged value keeps its spelling."""
    if key in section and section[key] == value:
        return
    if isinstance(value, dict):
        old = section.get(key)
        if key == "read" and isinstance(old, CommentedMap):
            for name, inner in value.items():
                _put(old, name, inner)
            return
        block = CommentedMap()
        for name, inner in value.items():
            block[_flow(name)] = _flow(inner)
        if isinstance(old, CommentedMap):  # comments behind the last entry belong to what follows
            _keep_tail(old, block)
        section[key] = block
    else:
        section[key] = _flow(value)


def _flow(value: Any) -> Any:
    """`value` in one line; text that YAML 1.1, which reads it again, takes for something else (`No`) is quoted."""
    if isinstance(value, dict):
        mapping = CommentedMap({_flow(name): _flow(inner) for name, inner in value.items()})
        mapping.fa.set_flow_style()
        return mapping
    if isinstance(value, list):
        sequence = CommentedSeq([_flow(inner) for inner in value])
        sequence.fa.set_flow_style()
        return sequence
    if isinstance(value, str) and not _is_text(value):
        return DoubleQuotedScalarString(value)
    return value


def _is_text(value: str) -> bool:
    """Whether YAML 1.1 reads this plain scalar as text; with other marks in it ruamel.yaml quotes it anyhow."""
    return not re.fullmatch(r"[\w.:+-]*", value) or isinstance(yaml.safe_load(value), str)


def _keep_tail(old: CommentedMap, new: CommentedMap) -> None:
    """ruamel hangs the blank line and comment before the next section on the last key of the one before."""
    if not old or not new:
        return
    tail = old
    last = list(old)[-1]
    while isinstance(tail[last], CommentedMap) and tail[last] and last not in tail.ca.items:
        tail, last = tail[last], list(tail[last])[-1]
    comment = tail.ca.items.get(last)
    if comment:
        new.ca.items[list(new)[-1]] = comment
