"""Drift between two versions: from their profiles, which git has; or, exactly, from their data."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from dataops.checked import check
from dataops.errors import DataOpsError
from dataops.versions.context import Context
from dataops.versions.profiles import profile_of
from dataops.versions.sides import Side, pair
from dataops.versions.wording import clean

if TYPE_CHECKING:
    import pandas as pd

    from dataops.tables.contract import Contract
    from dataops.tables.drift import Thresholds

Report = dict[str, Any]


def drift(
    context: Context,
    old: str,
    new: str,
    *,
    threshold: float | None = None,
    columns: Collection[str] | None = None,
    exact: bool = False,
    remote: str | None = None,
) -> Report:
    """How far `new` has moved from `old`, which are names of versions of one artifact, or commits.

    The thresholds are those of params.yaml at `new`; `threshold` takes the place of `effect`. With `exact` the data of
    both are fetched, and `columns` may name any of theirs; else those of the contract.

    Raises:
        DataOpsError: a name or column is unknown, `threshold` is no share, there is no profile, or, with `exact`, the
            data can't be had.
    """
    from dataops.tables.drift import DAMAGED, compare, compare_frames

    context, _ = context.focused(context.resolve(old))
    sides = pair(context, old, new, remote)
    limits = _limits(context, sides[1], threshold)
    if exact:
        frames = [_frame(context, side, columns, remote) for side in sides]
        report = compare_frames(frames[0], frames[1], limits, _contract(sides[1]) or _contract(sides[0]), columns)
    else:
        profiles = [profile_of(context, side.snapshot, side.target.commit, side.artifact.name) for side in sides]
        for side, found in zip(sides, profiles, strict=True):
            if found is None:
                raise DataOpsError(f"{side.name} has no profile that can be read", "--exact reads the data")
        try:
            report = compare(profiles[0] or {}, profiles[1] or {}, limits, columns)
        except DAMAGED as error:
            hint = "--exact reads the data"
            raise DataOpsError(clean(f"a profile is damaged: {type(error).__name__} {error}"), hint) from None
    names = {"reference": sides[0].name, "current": sides[1].name}
    return {"compared": f"{sides[1].name} against {sides[0].name}", "versions": names, **report}


def _limits(context: Context, side: Side, threshold: float | None) -> Thresholds:
    """Those of the newer side's params.yaml; the defaults where it has none, or others than are known here."""
    from dataops.tables.drift import Thresholds

    given = context.section(side.target.commit, "drift")
    known = {str(name): value for name, value in given.items() if name in Thresholds.model_fields}
    try:
        limits = check(Thresholds, known, "params.yaml: drift")
    except DataOpsError:
        limits = Thresholds()
    if threshold is None:
        return limits
    if not 0 < threshold <= 1:
        raise DataOpsError(f"--threshold {threshold:g} is no share of a distribution", "above 0 and up to 1, as 0.1")
    return limits.model_copy(update={"effect": threshold})


def _contract(side: Side) -> Contract | None:
    from dataops.tables.contract import Contract

    try:
        contract = check(Contract, dict(side.contract), "contract")
    except DataOpsError:
        return None
    known = side.card.get("schema")
    other = isinstance(known, dict) and not set(contract.columns) <= set(known)  # params.yaml speaks of another table
    return None if other else contract


def _frame(context: Context, side: Side, columns: Collection[str] | None, remote: str | None) -> pd.DataFrame:
    from dataops.versions.load import load

    contract = _contract(side)
    wanted = list(columns) if columns is not None else list(contract.columns) if contract is not None else None
    return load(side.target.commit, columns=wanted, path=side.artifact.path, repo=context.url or None, remote=remote)
