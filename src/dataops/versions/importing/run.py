"""Importing: version after version, each complete before the next begins; killed anywhere and run again, it goes on.

    bytes into the cache ─ compare ─ onto the remote ─ prove ─ commit and tag objects ─ branch and tag, both or neither

All names are pushed at the end, in one go.
"""

from __future__ import annotations

import contextlib
import fcntl
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from dataops.errors import DataOpsError, Refused
from dataops.repo import publish_tag, registry
from dataops.repo.dvcroots import CONFIG
from dataops.repo.git import TAGS
from dataops.repo.registry import Version
from dataops.store import manifest
from dataops.store.objects import Object, Progress, Store
from dataops.versions import upload
from dataops.versions.context import Context
from dataops.versions.importing import describing, line
from dataops.versions.importing.carry import Carrier, Sums, contradictions
from dataops.versions.importing.line import HEADS, Content
from dataops.versions.importing.old import Source
from dataops.versions.importing.plan import Left, Plan, Step, allowing, data_of
from dataops.versions.release import synchronise
from dataops.versions.wording import clean

Reached = Callable[[str], None]
LOCK = Path(".dvc/tmp/import.lock")


@dataclass
class Done:
    """What an import did."""

    plan: Plan
    made: list[tuple[Step, str]] = field(default_factory=list)
    """With each version's commit."""
    left: list[Left] = field(default_factory=list)
    fetched: int = 0
    """Bytes that were read from the source."""
    stored: int = 0
    """Bytes that were written to the remote."""
    tip: str | None = None
    """Of the branch."""
    pushed: str | None = None
    """The git remote."""
    refs: int = 0
    """How many names were pushed."""


def silent(*_: object) -> None:
    """Say nothing."""


@contextlib.contextmanager
def alone(root: Path) -> Iterator[None]:
    """One import at a time in this clone.

    Raises:
        Refused: another one runs.
    """
    path = root / LOCK
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        try:
            fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Refused("another import runs in this clone", "wait for it, then run this again") from None
        yield


def prepare(context: Context, artifacts: Sequence[str], branch: str, *, push: bool) -> str | None:
    """Know what others have imported: fetch the tags and the branch. Returns the git remote; None without `push`.

    Raises:
        Refused: a tag or the branch is another one there, or the branch is checked out.
        DataOpsError: the git remote can't be asked.
    """
    git = context.git
    holders = git.out("worktree", "list", "--porcelain").split("\n")
    if f"branch {HEADS}{branch}" in holders:
        raise Refused(f"the branch {branch} is checked out, and an import moves it", "`git switch` to your own branch")
    if not push:
        return None
    remote = publish_tag.remote_of(git)
    for artifact in artifacts:
        synchronise(context, artifact, remote)
    theirs = publish_tag.listed(git, remote, f"{HEADS}{branch}").get(HEADS + branch)
    ours = git.commit_of(HEADS + branch)
    if theirs is None or theirs == ours:
        return remote
    if git.commit_of(theirs) is None:
        done = git.done("fetch", "--quiet", "--no-tags", "--no-write-fetch-head", remote, HEADS + branch)
        if done.returncode:
            raise DataOpsError(f"{branch} can't be fetched from {remote}", f"git fetch {remote} {branch}")
    if ours is None or git.ok("merge-base", "--is-ancestor", ours, theirs):
        git.out("update-ref", HEADS + branch, theirs, ours or "0" * len(theirs))
    elif not git.ok("merge-base", "--is-ancestor", theirs, ours):
        hint = f"if theirs is right: `git branch -f {branch} {remote}/{branch}`, and delete the tags that are yours"
        raise Refused(f"{branch} is not the same line here and on {remote}", hint)
    return remote


def run(
    context: Context,
    planned: Plan,
    source: Source,
    *,
    git_remote: str | None,
    remote: str | None = None,
    allow: frozenset[str] = frozenset(),
    reached: Reached = silent,
    progress: Progress = silent,
) -> Done:
    """Make the versions. `reached` is called with the name of every step that is done (a test kills the process there).

    Raises:
        Refused: an object on the remote is damaged.
        DataOpsError: git, the network, the disk or the remote is in the way. Run again, it goes on.
    """
    if context.cache is None or context.root is None:
        raise DataOpsError("there is no clone to import into", "import in a clone of your own")
    store = context.store(remote)
    if planned.steps and store.kind == "none":
        next(store.listing())  # says why not
    done = Done(planned, left=list(planned.left), tip=context.git.commit_of(HEADS + planned.branch))
    carrier = Carrier(source, context.cache, context.root, progress)
    work = _Work(context, carrier, store, remote, allow, reached, progress, done)
    try:
        for number, one in enumerate(planned.steps, 1):
            progress(number, len(planned.steps), "versions")
            work.make(one)
    finally:
        carrier.close()
    done.fetched = carrier.fetched
    if git_remote is not None:
        _push(context, done, git_remote)
        reached("pushed")
    return done


@dataclass
class _Work:
    """An import under way."""

    context: Context
    carrier: Carrier
    store: Store
    remote: str | None
    allow: frozenset[str]
    reached: Reached
    progress: Progress
    done: Done
    proven: set[str] = field(default_factory=set)
    known: dict[str, list[Version]] = field(default_factory=dict)

    def make(self, one: Step) -> None:
        """One version."""
        git, old = self.context.git, one.old
        data = self._data(one)
        if old.kind == "model" and data is None:
            self.done.left.append(Left(old, ("the version that it was trained on was left out",), ""))
            return
        try:
            sums = self.carrier.bring(old.files, one.tag)
        except Refused as error:
            self.done.left.append(Left(old, (error.message,), error.hint))
            return
        self.reached("fetched")
        wrong = contradictions(old.files, sums)
        if wrong and not old.among(self.allow):
            self.done.left.append(Left(old, (*old.damage, *wrong), allowing(old)))
            return
        content = self._content(one, sums)
        self.reached("in the cache")
        self._store(content, sums)
        self.reached("proven")
        config = git.blob("HEAD", f"{self.context.prefix}/{CONFIG}".lstrip("/")) or b""
        meta = {"trained_on": data.name} if data else {}
        tree = line.tree(git, self.context.prefix, config, old, content, meta)
        subject = f"{one.artifact} {one.number}: imported from {old.source}"
        sha = line.commit(git, tree, self.done.tip, old, clean(subject))
        told = describing.describe(
            self.context, one, sha, self._previous(one), data, (*old.damage, *wrong), self.remote
        )
        tag = line.tag(git, one.tag, sha, old, told)
        self.reached("written")
        line.keep(git, self.done.plan.branch, sha, self.done.tip, one.tag, tag)
        self.done.tip = sha
        self.done.made.append((one, sha))
        made = registry.build(git.refs(TAGS + one.tag), one.artifact)
        self.imported(one.artifact).extend(made.versions(one.artifact))
        self.reached("kept")

    def _content(self, one: Step, sums: dict[str, Sums]) -> Content:
        """What DVC calls it; a folder's list goes into the cache."""
        old, path = one.old, describing.path(self.context, one)
        size = sum(found.size for found in sums.values())
        if old.single:
            (found,) = sums.values()
            return Content(path, found.md5, size, None)
        digests = {name: found.md5 for name, found in sums.items()}
        obj = Object(manifest.digest(digests))
        cache = self.carrier.cache
        if cache.content(obj) is None:
            listed = self.carrier.scratch / "list"
            listed.write_bytes(manifest.dump(digests))
            cache.add(obj, listed)
        return Content(path, obj.digest, size, len(digests))

    def _store(self, content: Content, sums: dict[str, Sums]) -> None:
        """Have it on the remote, proven."""
        digests = dict.fromkeys([*(found.md5 for found in sums.values()), content.digest])
        wanted = tuple(Object(digest) for digest in digests if digest not in self.proven)
        self.done.stored += upload.bring(self.context, {self.remote: wanted}, self.reached, self.progress).uploaded_size
        self.proven.update(digests)

    def _previous(self, one: Step) -> Version | None:
        """The version of the same artifact that was made before this one, at its time."""
        seconds = one.old.time.timestamp()
        before = [version for version in self.imported(one.artifact) if version.refs[0].seconds <= seconds]
        return max(before, key=lambda version: (version.refs[0].seconds, version.number.key), default=None)

    def _data(self, one: Step) -> Version | None:
        """The version that a model was trained on."""
        name = data_of(self.context, self.done.plan, one.old) if one.old.kind == "model" else None
        artifact = name.partition("@")[0] if name else ""
        known = [*self.imported(artifact), *self.context.registry.versions(artifact)]
        return next((version for version in known if version.name == name), None)

    def imported(self, artifact: str) -> list[Version]:
        """Its imported versions, those of this run among them."""
        if artifact not in self.known:
            self.known[artifact] = [one for one in self.context.registry.versions(artifact) if one.aliases]
        return self.known[artifact]


def _push(context: Context, done: Done, remote: str) -> None:
    """Give the git remote what it hasn't, of this import and of those before."""
    git, branch = context.git, done.plan.branch
    names = {one.tag for one, _ in done.made} | {version.tag for _, version in done.plan.there}
    here = {ref.full: ref.sha for ref in git.refs(TAGS) if ref.name in names}
    if done.tip is not None:
        here[HEADS + branch] = done.tip
    there = publish_tag.listed(git, remote)
    missing = {ref: sha for ref, sha in here.items() if there.get(ref) != sha}
    publish_tag.push_refs(git, remote, missing)
    done.pushed, done.refs = remote, len(missing)
