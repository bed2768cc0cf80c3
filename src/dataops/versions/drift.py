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
    after: bool = False,
    remote: str | None = None,
) -> Report:
    """How far `new` has moved from `old`, which are names of versions of one artifact, or commits.

    The thresholds are those of params.yaml at `new`; `threshold` takes the place of `effect`. With `exact` the data of
    both are fetched, and `columns` may name any of theirs; else those of the contract. With `after` only the rows of
    `new` count that are later than the last of `old`: they are fetched.

    Raises:
        DataOpsError: a name or column is unknown, `threshold` is no share, there is no profile, with `after` no
            contract, or the data that are needed can't be had.
    """
    context, _ = context.focused(context.resolve(old))
    sides = reference, current = pair(context, old, new, remote)
    if not exact:
        _profile(context, reference)
    from dataops.tables.drift import DAMAGED, compare, compare_frames  # seconds: not before the names mean something
    from dataops.tables.profile import profile

    limits = _limits(context, current, threshold)
    contract = _contract(current) or _contract(reference)
    target = contract.target if contract is not None else None
    compared = f"{current.name} against {reference.name}"
    try:
        since = _last(context, reference, contract, remote) if after else None
        later = [(contract.time, ">", since)] if contract is not None and since is not None else None
        if since is not None:
            compared = f"what {current.name} has after {since.removesuffix('T00:00:00')} against {reference.name}"
        if exact:
            frame = _frame(context, reference, columns, remote)
            report = compare_frames(frame, _frame(context, current, columns, remote, later), limits, contract, columns)
        elif later is not None and contract is not None:
            fresh = profile(_frame(context, current, list(contract.columns), remote, later), contract)
            report = compare(_profile(context, reference), fresh, limits, columns, target)
        else:
            report = compare(_profile(context, reference), _profile(context, current), limits, columns, target)
    except DAMAGED as error:
        hint = "--exact reads the data"
        raise DataOpsError(clean(f"a profile is damaged: {type(error).__name__} {error}"), hint) from None
    if since is not None and not report["rows"]["current"]:
        text = f"nothing came after {since}"
        ends = _end(context, current, contract, remote) if contract is not None else None
        if ends is not None and ends < since:
            text += f": {reference.name} is the later one; `dataops drift {current.name} {reference.name} --new`?"
        nothing = {"column": None, "reason": None, "text": text, "numbers": ["rows.current"]}
        report |= {"recommendations": [nothing]}
    names = {side: version.name for side, version in zip(("reference", "current"), sides, strict=True)}
    return {"compared": compared, "versions": names, **report}


def _profile(context: Context, side: Side) -> Report:
    found = profile_of(context, side.snapshot, side.target.commit, side.artifact.name)
    if found is None:
        raise DataOpsError(f"{side.name} has no profile that can be read", "--exact reads the data")
    return found


def _last(context: Context, side: Side, contract: Contract | None, remote: str | None) -> str:
    """The last moment of a version, as a profile has it."""
    if contract is None:
        raise DataOpsError(f"{side.name} has no contract that names the time of its rows", "leave --new out")
    last = _end(context, side, contract, remote)
    if not last:
        raise DataOpsError(f"{side.name} has no row with a time, so that nothing is later", "leave --new out")
    return last


def _end(context: Context, side: Side, contract: Contract, remote: str | None) -> str | None:
    from dataops.tables.profile import times

    known = profile_of(context, side.snapshot, side.target.commit, side.artifact.name) or {"columns": {}}
    column = known["columns"].get(contract.time)
    if column is None:
        frame = _frame(context, side, [contract.time], remote)
        column = times.summary(frame[contract.time], contract.frequency)
    return str(column["last"]) if column["last"] else None


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


def _frame(
    context: Context,
    side: Side,
    columns: Collection[str] | None,
    remote: str | None,
    filters: list[tuple[str, str, str]] | None = None,
) -> pd.DataFrame:
    """The rows that pass the filters; partitions without any aren't fetched."""
    from dataops.versions.load import load

    contract = _contract(side)
    wanted = list(columns) if columns is not None else list(contract.columns) if contract is not None else None
    return load(
        side.target.commit,
        columns=wanted,
        filters=filters,
        path=side.artifact.path,
        repo=context.url or None,
        remote=remote,
    )
