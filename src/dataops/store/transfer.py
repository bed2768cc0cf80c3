"""Objects from the remote or the cache into a folder: in parallel, resumable, and hashed before anybody sees them.

Everything is fetched into a staging folder first. Only when every object is whole and right do the files move to where
they belong, so a failure leaves the target as it was.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from dataops.errors import Refused
from dataops.store.cache import Cache
from dataops.store.download import Download
from dataops.store.hashing import hash_file
from dataops.store.objects import Object, Progress, Store, silent
from dataops.store.staging import check_targets, copy, explained, require_plain, staging
from dataops.store.workers import Workers


@dataclass(frozen=True)
class Wanted:
    """An object and where it shall be, relative to the target folder."""

    obj: Object
    targets: tuple[str, ...]


@dataclass(frozen=True)
class Fetched:
    """What was done, counted in files."""

    files: int  # all that were asked for
    bytes: int  # of those that were written
    from_cache: int
    from_remote: int
    already: int  # were there with the right content
    notes: tuple[str, ...] = ()


def fetch(
    wanted: Sequence[Wanted],
    store: Store,
    cache: Cache | None,
    out: Path,
    *,
    threads: int = 8,
    progress: Progress = silent,
    force: bool = False,
    expected: int | None = None,
) -> Fetched:
    """Have the objects' bytes at their targets below `out`; `expected` is how many there are, where that is recorded.

    A file that is there with the right content stays. Nothing is written, and no file of the target changes, unless
    every object is right. Run again after kill -9 or a broken network it goes on where it was.

    Raises:
        Refused: an object is damaged or missing, a target has other content (unless `force`), a path is hostile.
        DataOpsError: the remote, the network or the disk.
    """
    wanted = _merged(wanted)
    check_targets(out, [target for want in wanted for target in want.targets])
    there = _there(wanted, out, threads, force=force)
    todo = [Wanted(want.obj, rest) for want in wanted if (rest := _missing(want.targets, there))]
    if not todo:
        return Fetched(len(there), 0, 0, 0, len(there))
    with staging(out) as folder:
        run = Download(store, cache, folder, threads, progress)
        run.names = {want.obj.digest: want.targets[0] for want in todo}
        copies = [len(want.targets) for want in todo]
        run.bring([want.obj for want in todo], out, expected, copies, all_of_it=not there)
        written = sum(_place(run.staged[want.obj.digest], out, want.targets) for want in todo)
    return Fetched(
        files=sum(len(want.targets) for want in wanted),
        bytes=written,
        from_cache=sum(len(want.targets) for want in todo if want.obj.digest in run.from_cache),
        from_remote=sum(len(want.targets) for want in todo if want.obj.digest not in run.from_cache),
        already=len(there),
        notes=tuple(run.notes),
    )


def into_cache(
    objects: Sequence[Object],
    store: Store,
    cache: Cache,
    *,
    threads: int = 8,
    progress: Progress = silent,
    expected: int | None = None,
) -> Fetched:
    """Have the objects in DVC's cache, verified: what lies there already is hashed, and replaced where it is damaged.

    Raises:
        Refused: an object is damaged or missing on the remote.
        DataOpsError: the remote, the network or the disk.
    """
    unique = list({obj.digest: obj for obj in objects}.values())
    sound = _sound(unique, cache, threads)
    todo = [obj for obj, right in zip(unique, sound, strict=True) if not right]
    if not todo:
        return Fetched(len(unique), 0, 0, 0, len(unique))
    written = 0
    with staging(cache.folder) as folder:
        run = Download(store, None, folder, threads, progress)
        run.bring(todo, cache.folder, expected, [1] * len(todo), all_of_it=len(todo) == len(unique))
        for obj in todo:
            staged = run.staged[obj.digest]
            written += staged.stat().st_size
            cache.add(obj, staged)
    return Fetched(len(unique), written, 0, len(todo), len(unique) - len(todo))


def _merged(wanted: Sequence[Wanted]) -> list[Wanted]:
    """One entry an object, however often it was asked for."""
    objects: dict[str, Object] = {}
    targets: dict[str, list[str]] = {}
    for want in wanted:
        objects.setdefault(want.obj.digest, want.obj)
        targets.setdefault(want.obj.digest, []).extend(want.targets)
    return [Wanted(obj, tuple(targets[digest])) for digest, obj in objects.items()]


def _missing(targets: Sequence[str], there: set[str]) -> tuple[str, ...]:
    return tuple(target for target in targets if target not in there)


def _there(wanted: Sequence[Wanted], out: Path, threads: int, *, force: bool) -> set[str]:
    """The targets that have the right content already.

    Raises:
        Refused: one has other content, and `force` doesn't say to replace it.
    """
    right: set[str] = set()
    other: list[str] = []
    workers = Workers(threads)

    def look(want: Wanted, target: str) -> Callable[[], None]:
        def task() -> None:
            path = out / target
            plain = path.is_file() and not path.is_symlink()
            if plain and hash_file(path, want.obj.algorithm).matches(want.obj.digest):
                right.add(target)
            else:
                other.append(target)

        return task

    present = [(want, target) for want in wanted for target in want.targets if _exists(out / target)]
    workers.add([look(want, target) for want, target in present])
    try:
        workers.run(lambda: None)
    except OSError as error:
        raise explained(error, out) from None
    if other and not force:
        more = f" and {len(other) - 1} more" if len(other) > 1 else ""
        raise Refused(
            f"{out / min(other)}{more} is there with other content", "--force replaces it; --out goes elsewhere"
        )
    return right


def _exists(path: Path) -> bool:
    return path.is_symlink() or path.exists()


def _sound(objects: Sequence[Object], cache: Cache, threads: int) -> list[bool]:
    """Which of the objects lie in the cache, whole and right."""
    found = [False] * len(objects)
    workers = Workers(threads)

    def look(place: int) -> Callable[[], None]:
        def task() -> None:
            found[place] = cache.sound(objects[place])

        return task

    workers.add([look(place) for place, obj in enumerate(objects) if cache.has(obj)])
    workers.run(lambda: None)
    return found


def _place(staged: Path, out: Path, targets: Sequence[str]) -> int:
    """Move one staged file to its targets; the bytes written."""
    size = staged.stat().st_size
    first, *others = targets
    for target in others:
        second = staged.with_suffix(".copy")
        copy(staged, second)
        _move(second, out, target)
    _move(staged, out, first)
    return size * len(targets)


def _move(source: Path, out: Path, target: str) -> None:
    """One rename, into folders that are made for it and are no links."""
    path = out / target
    require_plain(out, path)
    path.parent.mkdir(parents=True, exist_ok=True)
    source.replace(path)
