"""Files made elsewhere become a version: one commit on the git remote's branch, proven bytes, one tag.

    check ─ scratch worktree of the branch's end ─ dvc add ─ commit ─ plan ─ upload and prove ─ push ─ release ─ follow

Nothing of the user's work tree is read or written before the end: the commit is made in a worktree of its own, holds
what DVC records of these files and nothing else, and no hook runs for it. Until the branch is pushed nobody sees
anything, and after it the same call again finds the commit there and releases it: so it may be killed anywhere.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

from ci import branch as branches
from ci.branch import Branch, MovedError

from dataops.errors import DataOpsError, Refused
from dataops.files import write_json
from dataops.lineage.reproduction.scratchtree import scratch
from dataops.repo import git as gits
from dataops.repo import publish_tag
from dataops.repo.recorded import outside
from dataops.store import dvccommand, manifest
from dataops.store.cache import Cache
from dataops.store.carried import carry
from dataops.store.hashing import hash_file
from dataops.store.objects import Progress, silent
from dataops.store.staging import check_targets
from dataops.versions import facts, inputs
from dataops.versions.context import Context
from dataops.versions.plan import Options, Plan, find, plan
from dataops.versions.release import Released, release, synchronise
from dataops.versions.rows import sha256_of
from dataops.versions.track import Tracked, track
from dataops.versions.upload import bring, objects

ATTEMPTS = 3  # where somebody else pushes to the branch at the same time
Say = Callable[[str], None]


@dataclass(frozen=True)
class Delivery:
    """What is to become a version."""

    options: Options
    files: Mapping[str, Path]
    """Name below `path`: where the file lies now. A single file that is the artifact itself has the name ""."""
    path: str
    """Of the artifact below the DVC root, where the branch declares none yet."""
    description: str | None = None
    """None: as it is; of a new artifact something plain."""
    report: Mapping[str, Any] | None = None
    """What a check found; written to reports/ARTIFACT.json, which gates the release."""
    branch: str | None = None
    """Of the git remote; the one that is checked out."""

    @property
    def single(self) -> bool:
        """Is the artifact a file, not a folder?"""
        return "" in self.files

    @property
    def report_path(self) -> str:
        """Where the report lies."""
        return f"reports/{self.options.artifact}.json"


def deliver(context: Context, delivery: Delivery, say: Say, progress: Progress = silent) -> Released:
    """Make the version.

    Raises:
        Refused: a gate says no, nothing changed, or the number is taken.
        DataOpsError: git, DVC, the network or a remote is in the way. Nothing is named then.
    """
    for left in reversed(range(ATTEMPTS)):
        with _drafted(context, delivery) as (inner, start, commit, path):
            git = inner.git
            synchronise(inner, outside(delivery.options.artifact, inner.prefix), start.remote)
            inner = replace(inner)  # its tags are read anew
            if commit is not None:
                try:
                    _push(inner, start, commit, delivery.options, progress)
                except MovedError:
                    if left:
                        continue
                    raise Refused(f"{start.remote}/{start.name} moves all the time", "run this again") from None
            try:
                return release(inner, delivery.options, progress=progress)
            except Refused:
                if commit is None or not left:  # else it was planned a moment ago: somebody took the number since
                    raise
            finally:
                _follow(context, replace(start, commit=git.out("rev-parse", "HEAD")), path, say)
    raise AssertionError("every attempt ends")


def planned(context: Context, delivery: Delivery) -> Plan:
    """What `deliver` would release. Nothing is changed: even DVC's cache is another one.

    Raises:
        Refused, DataOpsError: as `deliver` would.
    """
    with _drafted(context, delivery, apart=True) as (inner, _, commit, _):
        if commit is not None:
            inner.git.out("update-ref", "HEAD", commit)
        return plan(inner, replace(delivery.options, push=False))


@contextmanager
def _drafted(
    context: Context, delivery: Delivery, *, apart: bool = False
) -> Iterator[tuple[Context, Branch, str | None, str]]:
    """The branch's end in a worktree, with the files recorded there; the commit of that, or None: nothing changed;
    and the artifact's path.
    """
    git, root, cache = context.git, context.root, context.cache
    if root is None or cache is None:
        raise DataOpsError("there is no work tree to release from", "do it in a clone of your own")
    facts.author(git)
    remote = publish_tag.remote_of(git)
    branches.complete(git, remote)
    name = branches.named(git, delivery.branch, os.environ)
    tip = branches.fetched(git, remote, name)
    if tip is None:
        raise DataOpsError(f"{remote} has no branch {name}", f"git push {remote} {name}, or --branch NAME")
    with scratch(git, root, tip, delivery.options.artifact) as where:
        top = where.top / context.prefix
        if not (top / ".dvc/config").is_file():
            raise DataOpsError(
                f"{remote}/{name} is no DVC repository there", f"push what you have: git push {remote} {name}"
            )
        os.environ["DVC_SITE_CACHE_DIR"] = str(where.folder / "site")
        carry(root, Cache(where.folder / "cache") if apart else cache, top)
        inner = Context(gits.of(where.top), top, context.prefix)
        if publish_tag.remote_of(inner.git) != remote:  # as `release` will ask, without a branch
            hint = f"git remote rename {remote} origin, or `dataops track` and `dataops release` by hand"
            raise DataOpsError(f"which git remote tags go to is not clear: {remote}, or origin", hint)
        start = Branch(inner.git, remote, name, tip)
        delivery = _placed(inner, tip, delivery)
        tracked = _recorded(inner, top, delivery)
        paths = [*tracked.files, *([delivery.report_path] if delivery.report is not None else [])]
        commit = branches.draft(start, {_join(context.prefix, path) for path in paths}, _message(delivery))
        yield inner, start, commit, delivery.path


def _placed(inner: Context, tip: str, delivery: Delivery) -> Delivery:
    """The same where the branch's end has the artifact.

    Raises:
        DataOpsError: it is a folder there and a file here, or the other way round.
    """
    snapshot = inner.snapshot(tip)
    name = delivery.options.artifact
    declared = snapshot.artifact(name)
    if declared is None:
        return replace(delivery, description=delivery.description or f"{name}, made elsewhere")
    output = snapshot.output(declared.path)
    if output is not None and output.digest and output.digest.endswith(manifest.SUFFIX) == delivery.single:
        kinds = ("a folder", "a single file")
        raise DataOpsError(
            f"{name} is {kinds[not delivery.single]}, {declared.path}", "another name, or another command"
        )
    return replace(delivery, path=declared.path)


def _recorded(inner: Context, top: Path, delivery: Delivery) -> Tracked:
    """Put the files in place, have DVC record them, and write the report."""
    place = top / delivery.path
    check_targets(top, [*(f"{delivery.path}/{name}".rstrip("/") for name in delivery.files), delivery.report_path])
    for name, path in delivery.files.items():
        target = place / name if name else place
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
    expected = {name: hash_file(place / name if name else place).md5 for name in delivery.files}
    _require_judged(delivery, place)
    tracked = track(
        inner,
        str(place),
        delivery.options.artifact,
        description=delivery.description,
        gates=[delivery.report_path] if delivery.report is not None else [],
        folder=not delivery.single,
    )
    if tracked.digest != (expected[""] if delivery.single else manifest.digest(expected)):
        hint = "does .dvcignore name one of them, or did one change meanwhile?"
        raise DataOpsError("DVC recorded other files than were given", hint)
    if delivery.report is not None:
        write_json(top / delivery.report_path, delivery.report)
    return tracked


def _require_judged(delivery: Delivery, place: Path) -> None:
    """What was copied is what was checked.

    Raises:
        DataOpsError: a file changed meanwhile.
    """
    judged = (delivery.report or {}).get("files", {})
    for name in delivery.files:
        if name in judged and sha256_of(place / name) != judged[name]["sha256"]:
            raise DataOpsError(
                f"{delivery.files[name]} changed while it was read", "run this again when it is complete"
            )


def _push(inner: Context, start: Branch, commit: str, options: Options, progress: Progress) -> None:
    """Make sure that it can be released, have the bytes on the remote, then make it the branch's end.

    Raises:
        MovedError: the branch has other commits by now.
    """
    inner.git.out("update-ref", "HEAD", commit)
    plan(inner, replace(options, push=False))
    snapshot = inner.snapshot(commit)
    _, output = find(snapshot, options.artifact)
    bring(inner, objects(inner, inputs.needed(snapshot, output), options.remote), lambda _: None, progress)
    inner.git.out("update-ref", "HEAD", start.commit)  # `push` moves it
    branches.push(start, commit)


def _follow(context: Context, done: Branch, path: str, say: Say) -> None:
    """Bring what is checked out to the branch's end, where that is simple; else say how."""
    git = context.git
    current = git.done("symbolic-ref", "--quiet", "--short", "HEAD").stdout.decode(errors="replace").strip()
    if git.commit_of("HEAD") == done.commit or current != done.name or context.root is None:
        return
    quiet = ("-c", f"core.hooksPath={os.devnull}", "-c", "advice.diverging=false")
    if git.done(*quiet, "merge", "--ff-only", "--quiet", done.commit).returncode:
        say(f"note: {done.name} is behind {done.remote}/{done.name} here: `git pull`, then `dvc checkout {path}.dvc`")
        return
    os.environ.pop("DVC_SITE_CACHE_DIR", None)
    try:
        dvccommand.dvc(context.root, "checkout", "--quiet", f"{path}.dvc")
    except DataOpsError as error:
        say(f"note: {path} is not as recorded here: {error.message}")


def _message(delivery: Delivery) -> str:
    """Of the commit."""
    names = [name or PurePosixPath(delivery.path).name for name in delivery.files]
    return f"{delivery.options.artifact}: {', '.join(names[:3])}{' and more' * (len(names) > 3)}\n"


def _join(prefix: str, path: str) -> str:
    return f"{prefix}/{path}".lstrip("/")
