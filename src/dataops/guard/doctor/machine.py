"""What this machine has: Python and its packages, git, DVC, room on the disk."""

from __future__ import annotations

import importlib.metadata
import itertools
import os
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from dataops.guard import findings
from dataops.guard.doctor.finding import Finding, Place, State
from dataops.repo.git import Git
from dataops.store import cache, dvcconfig

PINS = "requirements/main.txt"
OLDEST_PYTHON, OLDEST_GIT = (3, 11), (2, 25)
LEAST = 1 << 30  # bytes that should be free whatever the data
COUNTED = 200_000  # files of the cache that are counted
IMAGE = os.environ.get("DATAOPS_VENV")  # in the container: where its environment is
MADE = "`make up` on the host" if IMAGE else "`make install`"


def python(place: Place) -> Iterator[Finding]:
    """Its version, and whether it is the repository's environment with the versions that are pinned."""
    version = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info[:2] < OLDEST_PYTHON:
        yield Finding("python", "fail", f"{version}, and 3.11 is needed", "make PYTHON=python3.12 install")
        return
    root = place.root
    pins = root / PINS if root else None
    if root is None or pins is None or not pins.is_file():
        yield Finding("python", "ok", f"{version} in {sys.prefix}")
        return
    mine = [Path(IMAGE)] if IMAGE else [folder / ".venv" for folder in (root, *_main_tree(place.git))]
    if not any(_same(Path(sys.prefix), environment) for environment in mine):
        fix = f"{MADE}, then `. .venv/bin/activate`"
        yield Finding("python", "warn", f"{version} in {sys.prefix}, not in {mine[0]}", fix)
    else:
        yield Finding("python", "ok", f"{version} in {sys.prefix}")
    from dataops.lineage.reproduction import installed

    told = installed.unlike(pins.read_text(errors="replace"))
    if told:
        yield Finding("packages", "warn", f"not as {PINS} pins them: {told}", MADE)
    else:
        yield Finding("packages", "ok", f"as {PINS} pins them")


def git(place: Place) -> Iterator[Finding]:
    """Its version, and who commits."""
    asked = place.git or Git(place.folder)
    said = asked.out("--version")
    found = re.search(r"(\d+)\.(\d+)", said)
    if found and (int(found[1]), int(found[2])) < OLDEST_GIT:
        yield Finding("git", "fail", f"{said}, and 2.25 is needed", "https://git-scm.com/downloads")
    else:
        yield Finding("git", "ok", said.removeprefix("git version "))
    hint = 'git config --global user.name "Your Name" && git config --global user.email you@example.com'
    who = asked.done("var", "GIT_COMMITTER_IDENT")
    named = all(_named(asked, what) for what in ("name", "email"))
    identity = who.stdout.decode(errors="replace").rpartition(">")[0] + ">"
    if who.returncode:
        yield Finding("identity", "fail", "git doesn't know who commits here", hint)
    elif not named:
        yield Finding("identity", "warn", f"git guesses who commits here: {identity}", hint)
    else:
        yield Finding("identity", "ok", identity)


def dvc(_: Place) -> Iterator[Finding]:
    """Its version, and that of what speaks S3 for it."""
    try:
        version = importlib.metadata.version("dvc")
    except importlib.metadata.PackageNotFoundError:
        yield Finding("dvc", "fail", "not installed in this environment", MADE)
        return
    if int(version.partition(".")[0]) < 3:
        yield Finding("dvc", "fail", f"{version}: DVC 2 writes other hashes", MADE)
        return
    try:
        yield Finding("dvc", "ok", f"{version}, dvc-s3 {importlib.metadata.version('dvc-s3')}")
    except importlib.metadata.PackageNotFoundError:
        yield Finding("dvc", "warn", f"{version} without dvc-s3, which `dvc push` to S3 needs", MADE)


def disk(place: Place) -> Iterator[Finding]:
    """Room for another copy of the largest version, in the work tree and in the cache."""
    root = place.root or place.folder
    largest = _largest(place)
    needed = max(LEAST, largest)
    folders = {root: "work tree"}
    kept = None
    if place.root:
        kept = cache.of(place.root).folder
        above = next(folder for folder in (kept, *kept.parents) if folder.exists())
        folders.setdefault(above, "cache")
        if above.stat().st_dev == root.stat().st_dev:
            folders = {root: "work tree and the cache"}
    free = {folder: shutil.disk_usage(folder).free for folder in folders}
    where = ", ".join(f"{_size(free[folder])} free in the {label}" for folder, label in folders.items())
    used = f"; the cache has {_amount(kept)}" if kept else ""
    version = f"; the largest version is {_size(largest)}" if largest else ""
    least = min(free.values())
    state: State = "fail" if least < min(needed, LEAST) else "warn" if least < needed else "ok"
    fix = "" if state == "ok" else "`dataops gc` shows what of the cache nothing needs"
    yield Finding("disk", state, where + used + version, fix)


def links(place: Place) -> Iterator[Finding]:
    """Can DVC link its cache's files into the work tree, as `cache.type` asks?"""
    if place.root is None:
        return
    root = place.root
    folder = cache.of(root).folder
    values = (dvcconfig.get(config, "cache", "type") for _, config in dvcconfig.levels(root))
    asked = next((value for value in reversed(list(values)) if value), "")
    types = [name.strip(" []'\"") for name in asked.split(",") if name.strip(" []'\"")]
    above = next(one for one in (folder, *folder.parents) if one.exists())
    apart = above.stat().st_dev != root.stat().st_dev
    told = f"{folder}, cache.type {','.join(types) or 'reflink,copy (default)'}"
    if not above.is_dir() or not os.access(above, os.W_OK):
        fix = "`dvc config --show-origin cache.dir` says where it is set"
        yield Finding("cache", "fail", f"{folder} can't be written", fix)
    elif apart and types and not {"symlink", "copy"} & set(types):
        fix = "`dvc config --local cache.type symlink`, or `dvc cache dir --local` on this file system"
        yield Finding("cache", "warn", f"{told}: on another file system, where only symlinks work", fix)
    else:
        yield Finding("cache", "ok", told + (" (another file system)" if apart else ""))


def _named(asked: Git, what: str) -> bool:
    """Did somebody say it, for this repository or for every one?"""
    told = asked.done("config", "--get", f"user.{what}").stdout.strip()
    return bool(told or os.environ.get(f"GIT_COMMITTER_{what.upper()}"))


def _main_tree(repository: Git | None) -> list[Path]:
    """The work tree that this one was made from, whose environment serves both."""
    if repository is None:
        return []
    done = repository.done("rev-parse", "--path-format=absolute", "--git-common-dir")
    return [Path(os.fsdecode(done.stdout).strip()).parent] if done.returncode == 0 else []


def _same(one: Path, other: Path) -> bool:
    return one.exists() and other.exists() and one.samefile(other)


def _largest(place: Place) -> int:
    """Bytes of the largest release, or of everything that is recorded now; 0 where nothing says."""
    if place.root is None:
        return 0
    from dataops.repo import registry, worktree

    outs = [out for stage in worktree.snapshot(place.root, []).stages for out in stage.outs if out.cached]
    sizes = [sum(out.size or 0 for out in outs)]
    if place.git is not None:
        for artifact in registry.read(place.git).artifacts.values():
            cards = (version.read_card() or {} for version in artifact.versions)
            sizes += [int(card["bytes"]) for card in cards if isinstance(card.get("bytes"), int)]
    return max(sizes)


def _amount(folder: Path) -> str:
    """How much a folder holds, of as many files as are counted."""
    files = (Path(base, name) for base, _, names in os.walk(folder) for name in names)
    total = count = 0
    for path in itertools.islice(files, COUNTED):
        try:
            total += path.stat().st_size
        except OSError:
            continue
        count += 1
    return ("more than " if count >= COUNTED else "") + _size(total)


def _size(count: int) -> str:
    """Bytes for people, of a disk."""
    return f"{count / 1e9:,.1f} GB" if count >= 1e9 else findings.size(count)
