"""Was this in any of our models? Which versions hold rows with these keys, and which models were trained on them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from dataops.errors import DataOpsError
from dataops.lineage.recordlevel import conditions, excluded, look, subjects
from dataops.lineage.recordlevel.conditions import Condition, Equals, Within
from dataops.lineage.recordlevel.holdings import Answer, Effort, Gone, Held, Place, Reached
from dataops.lineage.recordlevel.look import File, Key
from dataops.lineage.recordlevel.models import Trained
from dataops.lineage.recordlevel.partitions import Found
from dataops.lineage.recordlevel.ranges import Tally
from dataops.lineage.recordlevel.subjects import Opened
from dataops.store.cache import Cache
from dataops.store.objects import Progress, Store, silent
from dataops.versions import prune
from dataops.versions.context import DEFAULT, Context


@dataclass(frozen=True)
class Options:
    """What a person may say."""

    artifact: str = DEFAULT
    versions: Sequence[str] = ()
    """Names of versions; (): every version, and the data of every model."""
    first: str | None = None
    last: str | None = None
    time: str | None = None
    """The column that `first` and `last` are of; None: the contract's."""
    remote: str | None = None
    offline: bool = False


@dataclass
class _Files:
    """The files of one version that are asked, and what became of the others."""

    asked: dict[str, Key] = field(default_factory=dict)
    by_name: list[Key] = field(default_factory=list)
    others: int = 0


def record(context: Context, words: Sequence[str], options: Options, progress: Progress = silent) -> Answer:
    """The versions, parts and partitions that hold rows with all of these KEY=VALUE, and the models that they reached.

    Every distinct file is asked once. Parquet's statistics are looked at first, then only the columns that are asked
    for of the row groups that can match; in the cache, else on the remote by ranges, which no hash proves.

    Raises:
        DataOpsError: a name means nothing, no version has such a column, or a value is of no column's type.
    """
    keys = conditions.keys(words)
    conditions.window("", options.first, options.last)
    chosen, trained = subjects.choose(context, options.artifact, options.versions)
    if options.remote is not None and not context.whole:
        context.store(options.remote)  # a name that means nothing is no version's problem
    tally = Tally()
    store = subjects.reach(options.remote, offline=options.offline)
    names = [*(key.column for key in keys), *([options.time] if options.time else [])]
    opened = subjects.open_all(context, chosen, options.artifact, names, store, tally, progress)
    distinct: dict[Key, tuple[File, Cache | None, Store]] = {}
    asked = [_files(one, _conditions(keys, options, one, opened), distinct) for one in opened]
    found = look.ask_all(list(distinct.values()), tally, progress)
    held = tuple(_held(one, its, found) for one, its in zip(opened, asked, strict=True))
    _require_fit(keys, held, found)
    by_name = {key for its in asked for key in its.by_name}
    files = sum(len(its.asked) + len(its.by_name) for its in asked)
    effort = Effort(
        tally.local,
        tally.remote,
        sum(one.bytes or 0 for one in held),
        files,
        len(found) + len(by_name),
        len(by_name),
        sum(one.how == "statistics" for one in found.values()),
    )
    return Answer(
        options.artifact,
        {key.column: key.text for key in keys},
        options.first,
        options.last,
        held,
        _reached(held, trained, options.artifact),
        _gone(held, opened, keys),
        effort,
        tuple(one.model.name for one in trained if one.state == "unknown"),
    )


def _conditions(
    keys: Sequence[Equals], options: Options, one: Opened, every: Sequence[Opened]
) -> tuple[Condition, ...]:
    """What the rows of one version must meet: its own time column counts, else that of the newest that has one.

    Raises:
        DataOpsError: none has one, and it is asked for.
    """
    if options.first is None and options.last is None:
        return tuple(keys)
    column = options.time or one.time or next((other.time for other in reversed(every) if other.time), None)
    if column is None:
        raise DataOpsError("--from and --to need a time column, and no contract names one", "--time names it")
    within = conditions.window(column, options.first, options.last)
    return (*keys, within) if within else tuple(keys)


def _files(one: Opened, asked: tuple[Condition, ...], distinct: dict[Key, tuple[File, Cache | None, Store]]) -> _Files:
    """One version's files; what nobody has asked yet is added to `distinct`."""
    its = _Files()
    if one.listing is None or one.context is None or one.store is None:
        return its
    ways = _ways(asked)
    wanted = {condition.column for condition in asked}
    types = tuple(sorted((name, kind) for name, kind in one.types.items() if name in wanted))
    contents = _in_git(one)
    for name in one.listing.names:
        kind = look.kind(name)
        if not kind:
            its.others += 1
            continue
        obj = one.listing.objects.get(name)
        file = File(name, kind, obj, contents.get(name, b""), asked, () if kind == "Parquet" else types)
        if one.partitioned is not None and not prune.may_match(name, one.partitioned, ways):
            its.by_name.append(file.key)
            continue
        its.asked[name] = file.key
        distinct.setdefault(file.key, (file, one.context.cache, one.store))
    return its


def _in_git(one: Opened) -> dict[str, bytes]:
    """The tables that git has."""
    if one.listing is None or one.context is None:
        return {}
    names = [name for name in one.listing.in_git if name not in one.listing.objects and look.kind(name)]
    blobs = one.context.git.batch([f"{one.listing.commit}:{one.listing.in_git[name]}" for name in names])
    return {name: blob.content for name, blob in zip(names, blobs, strict=True) if blob is not None}


def _ways(asked: Sequence[Condition]) -> prune.Ways:
    """The conditions as the partitions' names are judged by."""
    way: list[tuple[str, str, object]] = []
    for one in asked:
        if isinstance(one, Equals):
            way.append((one.column, "==", one.text))
        elif isinstance(one, Within):
            way += [(one.column, ">=", one.first)] if one.first is not None else []
            way += [(one.column, "<", one.end)] if one.end is not None else []
    return [way]


def _held(one: Opened, its: _Files, found: Mapping[Key, Found]) -> Held:
    """What one version holds."""
    name, target = one.subject.name, one.subject.target
    if one.problem or one.listing is None:
        return Held(name, target.commit, target.version, problems=(one.problem,))
    said = {file: found[key] for file, key in its.asked.items()}
    places = [_place(file, its_own.rows) for file, its_own in said.items() if its_own.rows]
    answered = [its_own for its_own in said.values() if not its_own.problem]
    lacking = [its_own for its_own in answered if its_own.missing]
    absent = [missing for its_own in lacking for missing in its_own.missing] if len(lacking) == len(answered) else []
    notes = [f"{its.others} file{'s' * (its.others != 1)} are no tables" * bool(its.others)]
    if not its.asked and not its.by_name:
        notes.append("there is no table in it")
    elif lacking and not absent:
        notes.append(f"{len(lacking)} of {len(said)} tables have no column {lacking[0].missing[0]}")
    if one.listing.left_out:
        notes.append(f"not kept by anybody: {', '.join(one.listing.left_out)}")
    sizes = [its_own.size for its_own in said.values()]
    known = one.listing.size
    if known is None and not its.by_name and not its.others and None not in sizes:
        known = sum(size or 0 for size in sizes)
    return Held(
        name,
        target.commit,
        target.version,
        tuple(places),
        tuple(dict.fromkeys(absent)),
        next((its_own.unfit for its_own in answered if its_own.unfit), ""),
        tuple(f"{file}: {its_own.problem}" for file, its_own in said.items() if its_own.problem),
        tuple(filter(None, notes)),
        len(its.asked) + len(its.by_name),
        known,
    )


def _place(file: str, rows: int) -> Place:
    file = file.encode(errors="surrogateescape").decode(errors="replace")  # git takes any bytes for a name
    part, _, rest = file.partition("/") if "/" in file else ("", "", file)
    folder, _, name = rest.rpartition("/")
    stem = name.partition(".")[0]
    return Place(part, f"{folder}/{stem}" if folder else stem, file, rows)


def _require_fit(keys: Sequence[Equals], held: Sequence[Held], found: Mapping[Key, Found]) -> None:
    """The question fits some version, as far as is known.

    Raises:
        DataOpsError: no table of any version has such a column, or the value is of the type of none.
    """
    said = [one for one in found.values() if not one.problem]
    if not said or any(one.problems for one in held):
        return
    known = list(dict.fromkeys(name for one in reversed(said) for name in one.columns))
    for key in keys:
        if known and key.column not in known:
            raise conditions.no_column(key.column, known)
    answered = [one for one in said if not one.missing]
    if answered and all(one.unfit for one in answered):
        raise DataOpsError(answered[-1].unfit, "a value is written as the column has it")


def _reached(held: Sequence[Held], trained: Sequence[Trained], artifact: str) -> tuple[Reached, ...]:
    """The models whose data hold some of the rows."""
    by_name = {one.name: one for one in held}
    found = []
    for one in trained:
        names = one.on or (subjects.of_model(artifact, one.model),)
        on = tuple(by_name[name] for name in names if name in by_name and by_name[name].rows)
        if on:
            found.append(Reached(one.model, on))
    return tuple(found)


def _gone(held: Sequence[Held], opened: Sequence[Opened], keys: Sequence[Equals]) -> Gone | None:
    """The version from which on no row is left; None where some are left, or there never were, or it isn't known."""
    pairs = [(one, its) for one, its in zip(held, opened, strict=True) if one.version is not None]
    last = max((at for at, (one, _) in enumerate(pairs) if one.rows), default=None)
    if last is None or last + 1 == len(pairs) or not all(one.certain for one, _ in pairs[last + 1 :]):
        return None
    without, its = pairs[last + 1]
    listed = excluded.reason(its, keys)
    return Gone(without.name, pairs[last][0].name, *listed)
