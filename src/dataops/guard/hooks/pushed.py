"""What a git push adds: the DVC objects that its commits record and that nothing the git remote has does."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from dataops.errors import DataOpsError
from dataops.repo import dvcroots, recorded
from dataops.repo.git import Git
from dataops.repo.recorded import Snapshot
from dataops.repo.records import Output
from dataops.store.objects import Object, Progress, silent

RECORDS = tuple(f":(top,glob)**/{name}" for name in ("*.dvc", "dvc.lock", "dvc.yaml", "Dvcfile", ".dvcignore"))


@dataclass(frozen=True)
class Push:
    """One `git push`: every ref of it."""

    remote: str
    """Its name, or its URL where it has none."""
    url: str
    tips: tuple[str, ...]
    """What is pushed: ids of commits, or of tags."""
    had: tuple[str, ...]
    """What these refs named on the git remote before."""


@dataclass(frozen=True)
class Added:
    """An object that DVC would push, with the newest of the pushed commits that records it."""

    obj: Object
    prefix: str
    """Where its DVC repository lies in the git repository."""
    remote: str | None
    """The DVC remote that its output is pinned to."""
    path: str
    """The output's, from git's top."""
    by: str
    """Its stage or .dvc file, and the artifact that it is."""
    commit: str


@dataclass
class Additions:
    """What a push adds, and what counts as known already."""

    added: list[Added] = field(default_factory=list)
    known: dict[str, list[Object]] = field(default_factory=dict)
    """By prefix: the objects that the commits below the pushed ones record."""
    problems: list[str] = field(default_factory=list)
    """Records of pushed commits that can't be read."""


def parse(refs: bytes, remote: str = "", url: str = "") -> Push:
    """What git writes to a pre-push hook: `LOCAL-REF LOCAL-ID REMOTE-REF REMOTE-ID` a line; zeros where there is none.

    Raises:
        DataOpsError: a line is none of git's.
    """
    tips, had = [], []
    for line in filter(None, refs.split(b"\n")):
        words = line.rsplit(b" ", 3)
        if len(words) != 4:
            raise DataOpsError("standard input holds no refs of a push", "git runs this; by hand, give it </dev/null")
        local, old = words[1].decode(errors="replace"), words[3].decode(errors="replace")
        if set(local) != {"0"}:  # else a ref is deleted
            tips.append(local)
        if set(old) != {"0"}:
            had.append(old)
    return Push(remote, url, tuple(tips), tuple(had))


def additions(git: Git, push: Push, progress: Progress = silent) -> Additions | None:
    """The objects that the pushed commits record and the commits they stand on don't; None where no record changes.

    Asks git alone. Of an output, nothing is added by a commit that records it as a commit before it did.
    """
    tips = _commits(git, push.tips)
    have = _commits(git, (*push.had, *_tracked(git, push)))
    revisions = "".join(f"{sha}\n" for sha in [*tips, *(f"^{sha}" for sha in have)]).encode()
    if not tips:
        return None
    changing = _revlist(git, revisions, "--full-history", "--topo-order", "--", *RECORDS)
    if not changing:
        return None
    below = [line[1:] for line in _revlist(git, revisions, "--boundary") if line.startswith("-")]
    found = Additions()
    known: set[tuple[str, str, str, str | None]] = set()
    for commit in below:
        for snapshot in _snapshots(git, commit, []):
            kept = list(_kept(snapshot))
            known |= {(snapshot.prefix, obj.algorithm, obj.digest, out.remote) for out, obj in kept}
            found.known.setdefault(snapshot.prefix, []).extend(obj for _, obj in kept)
    for done, commit in enumerate(changing):
        progress(done, len(changing), "commits")
        for snapshot in _snapshots(git, commit, found.problems):
            for out, obj in _kept(snapshot):
                key = (snapshot.prefix, obj.algorithm, obj.digest, out.remote)
                if key not in known:
                    known.add(key)
                    found.added.append(_added(snapshot, out, obj))
    return found


def recorded_at(git: Git, commits: Iterable[str]) -> set[str]:
    """The digests of everything that DVC would push of these commits."""
    return {obj.digest for commit in commits for snap in _snapshots(git, commit, []) for _, obj in _kept(snap)}


def digests(snapshot: Snapshot) -> set[str]:
    """Of everything that DVC would push."""
    return {obj.digest for _, obj in _kept(snapshot)}


def _added(snapshot: Snapshot, out: Output, obj: Object) -> Added:
    artifact = next((name for name, one in snapshot.artifacts.items() if one.path == out.path), "")
    stage = posixpath.join(snapshot.prefix, out.stage or "").removeprefix("dvc.yaml:")
    by = f"{'' if stage.endswith('.dvc') else 'stage '}{stage}" + (f", artifact {artifact}" if artifact else "")
    path = posixpath.join(snapshot.prefix, out.path)
    return Added(obj, snapshot.prefix, out.remote, path, by, snapshot.commit)


def _kept(snapshot: Snapshot) -> Iterator[tuple[Output, Object]]:
    """The outputs that `dvc push` uploads: not what git has, what may not be pushed, or what `dvc import` fetches."""
    for stage in snapshot.stages:
        for out in stage.outs:
            if out.cached and out.push and not out.imported:
                try:
                    size = None if out.digest.endswith(".dir") else out.size
                    yield out, Object(out.digest, out.algorithm, size)
                except DataOpsError:  # by ETag or version id: no object of DVC's
                    continue


def _snapshots(git: Git, commit: str, problems: list[str]) -> Iterator[Snapshot]:
    """What each DVC repository of a commit records; what can't be read is a problem."""
    for prefix in dvcroots.roots(git, commit):
        yield recorded.snapshot(git, commit, prefix, problems)


def _tracked(git: Git, push: Push) -> list[str]:
    """What this clone knows of the git remote's branches."""
    names = {push.remote, *_named(git, push.url)} if push.remote != push.url else _named(git, push.url)
    patterns = [f"refs/remotes/{name}/" for name in sorted(names) if name]
    if not push.remote and not push.url:  # by hand: any remote's
        patterns = ["refs/remotes/"]
    return [sha for _, sha in git.tips(*patterns)] if patterns else []


def _named(git: Git, url: str) -> set[str]:
    """The remotes that have this URL."""
    if not url:
        return set()
    lines = git.done("config", "-z", "--get-regexp", r"^remote\..*\.(push)?url$").stdout.split(b"\0")
    pairs = [line.decode(errors="surrogateescape").partition("\n") for line in lines if line]
    return {key.removeprefix("remote.").rpartition(".")[0] for key, _, value in pairs if value == url}


def _commits(git: Git, names: Sequence[str]) -> list[str]:
    """The commits that ids name; one of a tree, or of nothing that is in this clone, is left out."""
    found = git.shas([f"{name}^{{commit}}" for name in dict.fromkeys(names)])
    return sorted({sha for sha in found if sha})


def _revlist(git: Git, revisions: bytes, *options: str) -> list[str]:
    ahead = options[: options.index("--")] if "--" in options else options
    return git.out("rev-list", *ahead, "--stdin", *options[len(ahead) :], stdin=revisions).splitlines()
