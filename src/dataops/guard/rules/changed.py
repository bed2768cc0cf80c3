"""DATA002, DATA004, DATA103: what lies in the work tree against what the commit records.

The commit is the index, so `git commit FILE` and `git add -p` are seen as they are. pre-commit hides unstaged changes
while hooks run, dvc.lock's too: then only DVC's cache can tell that data is recorded somewhere, and that counts.
"""

from __future__ import annotations

import bisect
import os
import posixpath
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from dataops.guard.commit import Commit, lock_of
from dataops.guard.findings import Finding, named, quoted
from dataops.guard.stats import Content, Digests, listed
from dataops.repo.records import Output, Stage


@dataclass(frozen=True)
class Difference:
    """An output whose content here is not the one that the index records."""

    out: Output
    content: Content
    safe: bool
    """The work tree records it, or DVC's cache has it: nothing can be lost."""


def unrecorded(commit: Commit) -> Iterator[Finding]:
    """DATA002."""
    for path, place in commit.places.items():
        if place.error:
            yield Finding(path, f"can't be read: {place.error}", (quoted("ls", "-l", path),))
    for one in differences(commit):
        if not one.safe:
            yield Finding(one.out.path, _what(commit, one), _record(commit, one.out))


def half_staged(commit: Commit) -> Iterator[Finding]:
    """DATA004. While a merge or the like is in progress data lags behind its records."""
    for path in sorted(commit.unstaged & commit.changed & commit.entries.keys()):
        yield Finding(path, "is staged in part; the work tree has more", (quoted("git", "add", "--", path),))
    if not commit.index.underway:
        for one in differences(commit):
            record = record_of(one.out)
            if one.safe and record not in commit.unstaged and _connected(commit, one.out):
                what = f"{_what(commit, one)}; its bytes are in the cache, {record} in this commit names others"
                fix = (*_record(commit, one.out), "# or take what the commit names:", *_back(commit, one.out))
                yield Finding(one.out.path, what, fix)
    yield from _git_kept(commit)


def unstaged(commit: Commit) -> Iterator[Finding]:
    """DATA103."""
    told = set()
    for path in sorted(commit.unstaged - commit.changed):
        name = posixpath.basename(path)
        if name == "dvc.lock" or name.endswith(".dvc"):
            what = "is not in git yet" if path not in commit.entries else "has changes that aren't staged"
            if (commit.root / path).is_file():
                told.add(path)
                yield Finding(path, what, (quoted("git", "add", "--", path),))
    for one in differences(commit):
        record = record_of(one.out)
        if (
            one.safe
            and record not in told | commit.unstaged
            and (commit.index.underway or not _connected(commit, one.out))
        ):
            yield Finding(one.out.path, f"{_what(commit, one)}; its bytes are in the cache", _either(commit, one.out))


def differences(commit: Commit) -> list[Difference]:
    """What differs, in the order of the records."""
    recorded = {out.path: out for stage in commit.here.snapshot.stages for out in stage.outs}
    found = []
    for path, out in commit.outputs.items():
        content = commit.places[path].content
        if content is None or not out.digest or out.digest in content.digests or _partial(commit, out, content):
            continue
        here = recorded.get(path)
        safe = (here is not None and here.digest in content.digests) or _in_cache(commit, content, out.algorithm)
        found.append(Difference(out, content, safe))
    return found


def _either(commit: Commit, out: Output) -> tuple[str, ...]:
    """Take what is recorded, or record what lies there; under pre-commit, which hides it, that may be done already."""
    record = record_of(out)
    if not commit.complete(out):
        return _back(commit, out)
    if "PRE_COMMIT" in os.environ:
        return (quoted("git", "add", "--", record), "# or, where the commit is right:", *_back(commit, out))
    return (*_back(commit, out), "# or keep what lies here:", *_record(commit, out))


def _back(commit: Commit, out: Output) -> tuple[str, ...]:
    """What brings the recorded bytes. `dvc checkout` without them in the cache takes the folder away."""
    if commit.complete(out):
        return (quoted("dvc", "checkout", out.path),)
    return ("# its recorded files are not in this clone's cache:", quoted("dvc", "pull", out.path))


def _partial(commit: Commit, out: Output, content: Content) -> bool:
    """Is it a part of the recorded folder, and the rest not in the cache, either? `dvc pull FILE` brings no more."""
    wanted = commit.listed(out) if content.files is not None else None
    if wanted is None or content.files is None:
        return False
    whole = all(wanted.get(name) in digests for name, digests in content.files.items())
    return whole and not any(_has(commit, wanted[name], out.algorithm) for name in wanted.keys() - content.files.keys())


def _in_cache(commit: Commit, content: Content, algorithm: str) -> bool:
    """Does DVC's cache have all of it under its own hash? A folder's list may be there without the files."""
    if content.files is None:
        size = content.size if algorithm == "md5" else None  # DVC 2: of the same hash with other line ends, too
        return any(_has(commit, digest, algorithm, size) for digest in content.digests)
    return any(_has(commit, digest, algorithm) for digest in content.digests) and all(
        any(_has(commit, digest, algorithm) for digest in digests) for digests in content.files.values()
    )


def _has(commit: Commit, digest: str, algorithm: str, size: int | None = None) -> bool:
    from dataops.store.objects import Object

    return commit.cache.has(Object(digest, algorithm, size))


def _what(commit: Commit, one: Difference) -> str:
    """How it differs, file by file where the cache has the recorded list."""
    if one.content.files is None:
        return "is another file now" if one.out.digest.endswith(".dir") else "is modified"
    if not one.out.digest.endswith(".dir"):
        return "is a folder now"
    wanted = commit.listed(one.out)
    if wanted is None:
        recorded = f", {one.out.files:,} are recorded" if one.out.files is not None else ""
        return f"differs: {len(one.content.files):,} files here{recorded}"
    kinds = _kinds(wanted, one.content.files)
    return "; ".join(f"{len(names):,} {kind} ({named(names)})" for kind, names in kinds.items() if names)


def _kinds(listed: Mapping[str, str], found: Mapping[str, Digests]) -> dict[str, list[str]]:
    both = listed.keys() & found.keys()
    return {
        "modified": [name for name in both if listed[name] not in found[name]],
        "added": list(found.keys() - listed.keys()),
        "deleted": list(listed.keys() - found.keys()),
    }


def _stage(commit: Commit, out: Output) -> Stage | None:
    found = commit.records.snapshot.stage_of(out.path) or commit.here.snapshot.stage_of(out.path)
    return found if found and any(one.path == out.path for one in found.outs) else None


def record_of(out: Output) -> str:
    """The file that records it."""
    return lock_of(out.stage or "")


def _record(commit: Commit, out: Output) -> tuple[str, ...]:
    """The commands that record what lies there, and those that undo it."""
    record = record_of(out)
    address = out.stage or ""
    if ":" in address:
        name = address.removeprefix("dvc.yaml:")
        return (
            quoted("dvc", "repro", name),
            quoted("git", "add", "--", record),
            "# or take it as it lies here:",
            quoted("dvc", "commit", "-f", name),
            quoted("git", "add", "--", record),
        )
    stage = _stage(commit, out)
    imported = stage is not None and bool(stage.deps)
    taken = quoted("dvc", "commit", "-f", record) if imported else quoted("dvc", "add", out.path)
    return (taken, quoted("git", "add", "--", record), "# or drop the change:", quoted("dvc", "checkout", "-f", record))


def _connected(commit: Commit, out: Output) -> bool:
    """Does the commit change the record of the output, or of what it was made from?"""
    if record_of(out) in commit.changed:
        return True
    stage = _stage(commit, out)
    makers = commit.records.snapshot.ancestors(stage.address) if stage else ()
    return any(record_of(one) in commit.changed for maker in makers for one in maker.outs)


def _git_kept(commit: Commit) -> Iterator[Finding]:
    """Outputs that git keeps (`cache: false`) against dvc.lock, where the commit changes either."""
    names = sorted(commit.tree)
    for path, out in commit.kept_in_git.items():
        record = record_of(out)
        below = slice(*(bisect.bisect_left(names, end) for end in (f"{path}/", f"{path}0")))  # 0 comes after /
        inside = [name for name in ([path] if path in commit.tree else names[below]) if not commit.hidden(name)]
        touched = record in commit.changed or any(name in commit.changed for name in inside)
        if not touched or commit.index.underway or out.algorithm not in ("md5", "md5-dos2unix"):
            continue
        if not inside:
            if (commit.root / path).exists() and not commit.git.ok(
                "-C", os.fspath(commit.root), "check-ignore", "-q", "--", path
            ):
                yield Finding(path, f"is recorded in {record}, but not in git", (commit.staging(record),))
        elif out.digest not in _digests(commit, out, inside) and not _converted(commit, out, inside):
            fix = (commit.staging(record), "# or, if that is not it:", _again(out), commit.staging(record))
            leave = ("# or leave it out of this commit:", quoted("git", "restore", "--staged", "--", path))
            yield Finding(path, f"is not the one that {record} records", (*fix, *leave))


def _again(out: Output) -> str:
    return quoted("dvc", "repro", (out.stage or "").removeprefix("dvc.yaml:"))


def _converted(commit: Commit, out: Output, inside: list[str]) -> bool:
    """Does what git has made other bytes of (core.autocrlf, a filter) lie here as it is recorded?"""
    if any(posixpath.join(commit.prefix, name) in commit.index.unstaged for name in inside):
        return False
    try:
        content = commit.stats.content(out.path, commit.hidden, out.algorithm)
    except OSError:
        return False
    if content is None or out.digest not in content.digests:
        return False
    return content.files is None or {f"{out.path}/{name}" for name in content.files} == set(inside)


def _digests(commit: Commit, out: Output, inside: list[str]) -> Digests:
    """What git would keep of the output, hashed as DVC does."""
    from dataops.store.hashing import Hasher

    found = {}
    for name, blob in zip(inside, commit.git.batch([commit.tree[name] for name in inside]), strict=True):
        hasher = Hasher(out.algorithm)
        hasher.update(blob.content if blob else b"")
        found[name] = hasher.candidates()
    if inside == [out.path]:
        return found[out.path]
    return listed({name[len(out.path) + 1 :]: digests for name, digests in found.items()})
