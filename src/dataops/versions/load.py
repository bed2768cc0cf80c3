"""A version as a frame: only the partitions that can matter are fetched, and only the columns asked for are read."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import platformdirs

from dataops.errors import DataOpsError
from dataops.repo.recorded import Snapshot
from dataops.store.cache import Cache
from dataops.store.objects import Store
from dataops.store.transfer import into_cache
from dataops.versions import context as contexts
from dataops.versions import prune
from dataops.versions.context import Context
from dataops.versions.files import Listing, artifact_of, listing, whole_of
from dataops.versions.prune import Filters
from dataops.versions.sources import Sources

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

KINDS = {
    ".parquet": "parquet",
    ".pq": "parquet",
    ".csv": "csv",
    ".tsv": "csv",
    ".csv.gz": "csv",
    ".json": "json",
    ".jsonl": "json",
    ".ndjson": "json",
}


def load(
    version: str = "dataset@latest",
    *,
    part: str | None = None,
    columns: Sequence[str] | None = None,
    filters: Filters | None = None,
    path: str | None = None,
    repo: str | None = None,
    remote: str | None = None,
) -> pd.DataFrame:
    """The rows of a version that pass `filters`, as `dataops.tables.parquet.read` gives them.

    `part` is a folder (`train`). `filters` are pyarrow's, as `[("store_id", "==", 3), ("date", ">=", "2024-06-01")]`:
    all must hold; of a list of such lists, one. Partitions (`2024-06.parquet`) that the filters on the contract's time
    column rule out are not fetched. What is fetched goes into DVC's cache (of somebody's repository: into your own), so
    that the same call again needs no network; it is hashed every time it is read.

    Raises:
        Refused: an object is damaged or missing.
        DataOpsError: there is no such version, part or column; it is no table; remote, network or disk fail.
    """
    there = contexts.there(repo) if repo else contexts.here()
    target = there.taken(version)
    there, path = there.focused(target, path)
    snapshot = there.snapshot(target.commit)
    place = path or artifact_of(snapshot, target).path
    store, cache = Sources(there, remote), there.cache or own_cache()
    found = _files(there, snapshot, place, store, cache)
    if part is not None:
        found = found.only([part])
    kind, names = _tables(found.names, part)
    time = prune.partitioned_by(snapshot, place)
    ways = prune.normal(filters)
    if time is not None:
        names = [name for name in names if prune.may_match(name, time, ways)] or names[:1]
    objects = [found.objects[name] for name in names if name in found.objects]
    into_cache(objects, store, cache)
    in_git = {name: there.git.blob(target.commit, at) or b"" for name, at in found.in_git.items() if name in names}
    sources = [in_git[name] if name in in_git else cache.path(found.objects[name]) for name in names]
    if kind == "parquet":
        return _parquet(sources, names, columns, ways)
    return _text(sources, names, columns, ways, time)


def own_cache() -> Cache:
    """Where objects of other people's repositories are kept."""
    return Cache(Path(platformdirs.user_cache_dir("dataops")) / "objects")


def _files(there: Context, snapshot: Snapshot, path: str, store: Store, cache: Cache) -> Listing:
    """The listing, its manifest kept for the next time."""
    covering = snapshot.covering(path)
    if covering is not None and covering.cached:
        whole = whole_of(covering)
        if whole.is_folder and cache.content(whole) is None:
            if isinstance(store, Sources):
                store.take(covering, [whole])
            into_cache([whole], store, cache)
    return listing(there.git, there.prefix, snapshot, path, store, cache)


def _tables(names: Sequence[str], part: str | None) -> tuple[str, list[str]]:
    """The files that are tables, and their kind.

    Raises:
        DataOpsError: there are none, or of several kinds.
    """
    kinds: dict[str, list[str]] = {}
    for name in names:
        kind = next((kind for suffix, kind in KINDS.items() if name.lower().endswith(suffix)), None)
        if kind is not None and not name.rpartition("/")[2].startswith((".", "_")):
            kinds.setdefault(kind, []).append(name)
    if not kinds:
        raise DataOpsError("there is no table in it", "Parquet, CSV and JSON are read; `dataops get` fetches anything")
    if len(kinds) > 1:
        hint = "`part=` names a folder" if part is None else "`dataops get --file` fetches single files"
        raise DataOpsError(f"it holds tables of several kinds: {', '.join(sorted(kinds))}", hint)
    return next(iter(kinds.items()))


def _parquet(
    sources: Sequence[Path | bytes], names: Sequence[str], columns: Sequence[str] | None, ways: prune.Ways
) -> pd.DataFrame:
    """Row groups that the filters rule out are not decoded either."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from dataops.tables import parquet

    tables, reading = [], names[0]
    try:
        for reading, source in zip(names, sources, strict=True):  # noqa: B007  the error names it
            form = pq.read_schema(_opened(source))
            _require(form.names, [*(columns or ()), *prune.columns(ways)])
            kept = _typed(ways, form)
            tables.append(pq.read_table(_opened(source), columns=_list(columns), filters=kept, partitioning=None))
        whole = pa.concat_tables(tables, promote_options="default")
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, OSError) as error:
        reason = str(error).splitlines()[0]
        raise DataOpsError(f"{reading} can't be read: {reason}") from None
    return parquet.to_frame(whole)


def _opened(source: Path | bytes) -> Any:
    """What pyarrow reads from."""
    import pyarrow as pa

    return pa.BufferReader(source) if isinstance(source, bytes) else source


def _typed(ways: prune.Ways, form: pa.Schema) -> list[list[tuple[str, str, Any]]] | None:
    """The filters with values of the columns' types: dates are given as text."""
    import pyarrow as pa

    def value(name: str, given: Any) -> Any:
        kind = form.field(name).type
        if isinstance(given, list | tuple | set | frozenset):
            return [value(name, one) for one in given]
        if (pa.types.is_integer(kind) or pa.types.is_floating(kind)) and isinstance(given, str):
            raise DataOpsError(f"{name} holds numbers, and {given!r} is text", f"write {given} without quotes")
        if not pa.types.is_temporal(kind):
            return given
        moment = prune.timestamp(given, name)
        if pa.types.is_date(kind) and moment != moment.normalize():
            raise DataOpsError(f"{name} has days, and {given!r} is a time", "write 2024-06-01")
        return moment.date() if pa.types.is_date(kind) else moment.to_pydatetime()

    return [[(name, how, value(name, given)) for name, how, given in way] for way in ways] or None


def _text(
    sources: Sequence[Path | bytes],
    names: Sequence[str],
    columns: Sequence[str] | None,
    ways: prune.Ways,
    time: str | None,
) -> pd.DataFrame:
    """CSV and JSON, which are read whole."""
    import io

    import pandas as pd

    frames = []
    for source, name in zip(sources, names, strict=True):
        handle: Any = io.BytesIO(source) if isinstance(source, bytes) else source
        plain = name.lower().removesuffix(".gz")
        packing: Any = "gzip" if plain != name.lower() else None
        try:
            if plain.endswith((".csv", ".tsv")):
                separator = "\t" if plain.endswith(".tsv") else ","
                frame = pd.read_csv(handle, sep=separator, compression=packing)
            else:
                frame = pd.read_json(handle, lines=plain.endswith(("l", "ndjson")), compression=packing)
        except (ValueError, OSError) as error:
            raise DataOpsError(f"{name} can't be read: {str(error).splitlines()[0]}") from None
        if time in frame.columns:
            frame[time] = pd.to_datetime(frame[time], errors="coerce").astype("datetime64[us]")
        frames.append(frame)
    whole = pd.concat(frames, ignore_index=True)
    _require(list(whole.columns), [*(columns or ()), *prune.columns(ways)])
    if ways:
        whole = whole[prune.mask(whole, ways)].reset_index(drop=True)
    return whole[list(columns)] if columns is not None else whole


def _require(known: Sequence[str], asked: Sequence[str]) -> None:
    """Every column that is asked for is there.

    Raises:
        DataOpsError: one isn't.
    """
    for name in asked:
        if name not in known:
            close = difflib.get_close_matches(str(name), list(known), 1)
            hint = f"did you mean {close[0]}?" if close else f"columns: {', '.join(list(known)[:12])}"
            raise DataOpsError(f"there is no column {name}", hint)


def _list(columns: Sequence[str] | None) -> list[str] | None:
    return list(columns) if columns is not None else None
