"""Everything that still needs data: each ref, stash, worktree and index, and the dvc.lock and .dvc files they hold."""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Iterator, Sequence, Set
from pathlib import Path

from dataops.errors import DataOpsError, Refused
from dataops.repo import scanned, trees
from dataops.repo.git import Git, GitError
from dataops.repo.scanned import Found, hashes, is_record
from dataops.repo.worktrees import head, said, worktrees

AT_ONCE = 2000  # objects asked of one git process: bounds the memory
PSEUDO = ("HEAD", "ORIG_HEAD", "MERGE_HEAD", "CHERRY_PICK_HEAD", "REVERT_HEAD", "REBASE_HEAD")
AUTOSTASH = ("MERGE_AUTOSTASH", "rebase-merge/autostash", "rebase-apply/autostash")
FORGE = re.compile(r"refs/(?:pull|pull-requests|merge-requests|changes|keep-around|environments|pipelines)/")
SHA = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")


def commits(git: Git, *, every: bool = False) -> set[str]:
    """What any ref, stash, worktree or half-done merge names; with `every`, all their ancestors too.

    Raises:
        GitError: git can't say.
        Refused: a worktree can't be reached; or git is told to forget parents, and `every` asks for them.
    """
    found = {sha for lines in said(git) if (sha := head(lines))}  # moved by hand, they are still wanted
    for tree in worktrees(git):
        here = Git(tree.folder)
        try:
            found |= _refs(here) | _unfinished(here)
        except GitError:
            if tree.folder.is_dir():  # else it was removed meanwhile
                raise
    if every and found:
        grafts = git.folder / git.out("rev-parse", "--git-path", "info/grafts")
        if grafts.is_file() and grafts.stat().st_size:
            hint = "`git replace --convert-graft-file` turns them into what can be seen through"
            raise Refused(f"{grafts} hides a part of the history, and what it needs isn't known", hint)
        listed = git.out("rev-list", "--stdin", stdin="".join(f"{sha}\n" for sha in sorted(found)).encode())
        found |= set(listed.split())
    return found


def recorded(git: Git, roots: Set[str]) -> Found:
    """What every dvc.lock and .dvc file of these commits speaks of.

    The trees are walked together, level by level, and each distinct folder once: thousands of releases differ in a
    few files.

    Raises:
        DataOpsError: git lacks an object.
    """
    seen: set[str] = set()
    pairs: set[tuple[str, str | None]] = set()  # a record, and the dvc.yaml beside it
    level = [f"{sha}^{{tree}}" for sha in sorted(roots)]
    width = len(next(iter(roots), "")) // 2  # bytes of an id: 20, or 32 with sha256
    while level:
        deeper: set[str] = set()
        for _, tree in _objects(git, level):
            entries = list(trees.entries(tree, width))
            declared = next((one.sha for one in entries if one.name == "dvc.yaml" and one.mode != trees.FOLDER), None)
            for one in entries:
                if one.mode == trees.FOLDER and one.sha not in seen:
                    seen.add(one.sha)
                    deeper.add(one.sha)
                elif one.is_file and is_record(one.name):
                    pairs.add((one.sha, declared if one.name == "dvc.lock" else None))
        level = sorted(deeper)
    stages = dict(_objects(git, sorted({declared for _, declared in pairs if declared})))
    found = Found()
    beside: dict[str, list[bytes | None]] = {}
    for record, declared in pairs:
        beside.setdefault(record, []).append(stages[declared] if declared else None)
    for record, content in _objects(git, sorted(beside)):
        for text in beside[record]:
            found.add(scanned.read(content, text))
    return found


def lying(git: Git) -> Found:
    """The same of the dvc.lock and .dvc files of all work trees as they lie there, ignored ones too, and as staged.

    Also those of experiments that DVC runs in `.dvc/tmp/exps`.
    """
    found = Found()
    for tree in worktrees(git):
        try:
            _lying(tree.folder, found)
        except GitError:
            if tree.folder.is_dir():  # else it was removed meanwhile
                raise
    return found


def _lying(top: Path, found: Found) -> None:
    """The same of one work tree."""
    here = Git(top)
    listed = [line.partition("\t") for line in here.out("ls-files", "--stage", "-z").split("\0") if line[:3] == "100"]
    staged = {path: info.split()[1] for info, _, path in listed if path.rpartition("/")[2] == "dvc.yaml"}
    records = [(info.split()[1], path) for info, _, path in listed if is_record(path.rpartition("/")[2])]
    wanted = sorted({sha for sha, _ in records} | set(staged.values()))
    contents = dict(_objects(here, wanted))
    for sha, path in records:
        declared = staged.get(path.removesuffix("dvc.lock") + "dvc.yaml") if path.endswith("dvc.lock") else None
        found.add(scanned.read(contents[sha], contents[declared] if declared else None))
    for file in _files(top):
        stages = file.with_name("dvc.yaml")
        try:
            lock = file.name == "dvc.lock" and stages.is_file()
            found.add(scanned.read(file.read_bytes(), stages.read_bytes() if lock else None))
        except FileNotFoundError:  # removed meanwhile, as `dataops reproduce` removes its worktree
            continue


def promised(git: Git) -> dict[str, str]:
    """What the git remotes have, as {"origin refs/heads/main": commit}; asked over the network.

    Raises:
        GitError: a remote doesn't answer.
    """
    found = {}
    for remote in git.out("remote").split():
        for line in git.out("ls-remote", "--quiet", remote).splitlines():
            sha, _, name = line.partition("\t")
            if SHA.fullmatch(sha) and not name.endswith("^{}"):
                found[f"{remote} {name}"] = sha
    return found


def lacking(git: Git, remote: dict[str, str]) -> tuple[set[str], list[str]]:
    """Of what the remotes have: the commits that are here too, and the names of those that are not.

    What a forge keeps of closed requests (refs/pull/…) is never fetched by anyone, so it isn't missed.
    """
    shas = sorted(set(remote.values()))
    objects = [found for some in _batches(shas) for found in git.batch(some)]
    here = {sha for sha, found in zip(shas, objects, strict=True) if found}
    missing = [name for name, sha in remote.items() if sha not in here and not FORGE.match(name.partition(" ")[2])]
    return _commits(git, here), sorted(missing)


def history(git: Git, wanted: set[str], limit: int = 20_000) -> dict[str, str]:
    """For each hash of `wanted` that a reachable dvc.lock or .dvc file ever held: the newest commit that wrote it.

    As `a1b2c3d 2024-01-15 Subject`. Only for people to read: `limit` commits are looked at.
    """
    line = "--format=%x01%H %cs %s"
    options = ("-m", "--raw", "--no-abbrev", "--no-renames", f"--max-count={limit}")
    paths = (":(glob)**/dvc.lock", ":(glob)**/*.dvc")
    newest: dict[str, str] = {}
    commit = ""
    output = git.done("log", "--all", line, *options, "--", *paths).stdout.decode(errors="replace")
    for text in output.split("\n"):
        if text.startswith("\x01"):
            sha, _, rest = text[1:].partition(" ")
            commit = f"{sha[:7]} {rest}"
        elif text.startswith(":"):
            newest.setdefault(text.split()[3], commit)
    found: dict[str, str] = {}
    shas = [sha for sha in newest if set(sha) != {"0"}]
    for names in _batches(shas):
        for sha, blob in zip(names, git.batch(names), strict=True):
            for digest in (hashes(blob.content) if blob else set()) & wanted:
                found.setdefault(digest, newest[sha])
    return found


def _objects(git: Git, names: Sequence[str]) -> Iterator[tuple[str, bytes]]:
    """The contents of these objects, in their order.

    Raises:
        DataOpsError: git lacks one.
    """
    for asked in _batches(names):
        for name, found in zip(asked, git.batch(asked), strict=True):
            if found is None:
                raise _lacks(name)
            yield name, found.content


def _refs(git: Git) -> set[str]:
    """Commits that refs name, and every entry of the stashes, DVC's queue of experiments among them."""
    found: set[str] = set()
    text = git.out("for-each-ref", "--format=%(objecttype) %(objectname) %(refname)")
    tags: set[str] = set()
    for line in filter(None, text.split("\n")):  # a ref's name may hold other ends of lines
        kind, sha, name = line.split(" ", 2)
        if kind in ("commit", "tag"):
            (found if kind == "commit" else tags).add(sha)
        if name == "refs/stash" or re.fullmatch(r"refs/exps/(.*/)?(stash|failed)", name):
            found |= set(git.out("log", "--walk-reflogs", "--format=%H %P", name, "--").split())
    return found | _commits(git, tags)


def _commits(git: Git, shas: set[str]) -> set[str]:
    """Commits and tags, peeled; a tag of a blob or a tree needs no data.

    Raises:
        DataOpsError: git lacks what one names.
    """
    peeled = (git.batch([f"{sha}^{{}}" for sha in some]) for some in _batches(sorted(shas)))
    found = dict(zip(sorted(shas), itertools.chain.from_iterable(peeled), strict=True))
    if lost := next((sha for sha, one in found.items() if one is None), None):
        raise _lacks(lost)
    return {one.sha for one in found.values() if one and one.kind == "commit"}


def _batches(names: Sequence[str]) -> Iterator[Sequence[str]]:
    return (names[start : start + AT_ONCE] for start in range(0, len(names), AT_ONCE))


def _lacks(name: str) -> DataOpsError:
    hint = "`git fsck` says what is missing; `git fetch --all --tags` may bring it"
    return DataOpsError(f"git has no object {name}, or not what it names, so that what it needs isn't known", hint)


def _unfinished(git: Git) -> set[str]:
    """What a merge, rebase or reset keeps outside refs."""
    found = {sha for name in PSEUDO if (sha := git.commit_of(name))}
    for name in AUTOSTASH:
        path = git.folder / git.out("rev-parse", "--git-path", name)
        sha = path.read_text(errors="replace").strip() if path.is_file() else ""
        found |= {sha} if SHA.fullmatch(sha) else set()
    return found


def _files(top: Path) -> Iterator[Path]:
    """The dvc.lock and .dvc files below a work tree, wherever they lie; of .dvc itself only its experiments."""
    for folder, inner, names in os.walk(top, onerror=_unreadable):
        here = Path(folder)
        if here.name == ".dvc" and (here / "config").is_file():
            inner[:] = [name for name in inner if name == "tmp"]
        elif here.parent.name == ".dvc" and here.name == "tmp":
            inner[:] = [name for name in inner if name == "exps"]
        else:
            inner[:] = [name for name in inner if name != ".git"]
        for name in names:
            if is_record(name) and (here / name).is_file():
                yield here / name


def _unreadable(error: OSError) -> None:
    """A folder that may not be read could hold a .dvc file."""
    if not isinstance(error, FileNotFoundError):  # gone meanwhile is fine
        raise Refused(f"{error.filename} may not be read, and what it needs isn't known", "chmod it, or remove it")
