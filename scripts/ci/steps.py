"""A run: look what is due first, do it, look again, until nothing is. Killed anywhere, the next run goes on."""

from __future__ import annotations

import contextlib
import fcntl
import os
import posixpath
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from ci import branch as branches
from ci import dvc, failures, findings, reference, stale
from ci.branch import Branch, MovedError
from ci.look import DATASET, MODEL, Look, look
from ci.told import Failure, Told
from dataops.errors import DataOpsError, Refused
from dataops.files import write_json, write_text
from dataops.repo import publish_tag, worktree
from dataops.versions import release, standing
from dataops.versions.context import Context
from dataops.versions.plan import Options as ReleaseOptions
from dataops.versions.wording import clean

MARKER = Path(".dataops/ci-run")  # there while what lies in the work tree is a run's
ATTEMPTS = 3
Reached = Callable[[str], None]


@dataclass(frozen=True)
class Options:
    """What a person or a workflow may say about a run."""

    branch: str | None = None
    base: str | None = None
    """The revision that a run without releases compares with."""
    release: bool = True
    """False: compute and report; commit, push and release nothing."""
    bump: str | None = None
    message: str = ""


@dataclass
class Run:
    """A run under way."""

    context: Context
    root: Path
    lock: int
    options: Options
    told: Told
    branch: Branch
    reached: Reached
    done: set[str] = field(default_factory=set)


def run(context: Context, options: Options, told: Told, reached: Reached = lambda _: None) -> None:
    """Do what is due, and tell.

    Raises:
        Refused: the answer is no: invalid data, drift where that may not be, a release that a gate refuses.
        DataOpsError: the repository, git, DVC or the network is in the way.
    """
    if context.root is None:
        raise DataOpsError("there is no work tree to work in")
    with alone(context.root) as lock:
        for _ in range(ATTEMPTS):
            at = prepare(context, options)
            reached("prepared")
            write_text(context.root / MARKER, f"{os.getpid()}\n")
            try:
                _loop(Run(context, context.root, lock, options, told, at, reached))
            except MovedError:
                told.step("start over", f"{at.name} has moved on")
                continue
            if options.release:
                (context.root / MARKER).unlink(missing_ok=True)
            return
        raise DataOpsError(f"{at.name} moved on {ATTEMPTS} times while this ran", "run it again")


@contextlib.contextmanager
def alone(root: Path) -> Iterator[int]:
    """Hold the lock of a run. What it starts inherits it: a stage that outlives a killed run counts."""
    path = root / ".dataops/ci.lock"
    path.parent.mkdir(exist_ok=True)
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            reason = "another scripts/ci_data.py is at work here, or what it started is"
            raise DataOpsError(reason, "run this again when it has ended") from None
        yield file.fileno()


def prepare(context: Context, options: Options) -> Branch:
    """A clean work tree at the end of the branch, with its history and its tags.

    Raises:
        DataOpsError: somebody's own changes lie here, or what is checked out isn't on the branch.
    """
    git = context.git
    if git.done("var", "GIT_COMMITTER_IDENT").returncode:
        hint = "git config user.name 'CI' && git config user.email ci@example.com"
        raise DataOpsError("git doesn't know who commits and releases", hint)
    _clean(context)
    remote = publish_tag.remote_of(git)
    branches.complete(git, remote)
    at = Branch(git, remote, "", standing.head(git).commit)
    if options.release:
        at = branches.follow(replace(at, name=branches.named(git, options.branch, os.environ)))
        if at.commit != standing.head(git).commit:
            raise DataOpsError("HEAD moved while it was looked at", "run this again when nothing else does")
    for name in (DATASET, MODEL):
        release.synchronise(context, name, remote)
    if options.base:
        branches.fetched(git, remote, options.base)
    return at


def _clean(context: Context) -> None:
    """Take back what a killed or failed run left; refuse anybody's own changes."""
    assert context.root is not None
    tracked, untracked = branches.changed(context.git)
    recorded = _outputs(context)
    mine = [name for name in untracked if recorded(name)]
    if (tracked or mine) and (context.root / MARKER).exists() and all(map(recorded, tracked)):
        branches.discard(context.git, mine)
        tracked, mine = [], []
    gate = standing.clean(context.git)
    if not gate.passed or mine:
        raise DataOpsError(gate.reason if not gate.passed else f"not committed: {', '.join(mine[:3])}", gate.hint)


def _outputs(context: Context) -> Callable[[str], bool]:
    """Whether a path, from git's top, is something that a run writes into git: locks, reports, the reference."""
    assert context.root is not None
    made: set[str] = {reference.REFERENCE}
    for snapshot in (worktree.snapshot(context.root, []), context.snapshot("HEAD")):
        made |= {out.path for stage in snapshot.stages for out in stage.outs if not out.cached}
        made |= set(snapshot.unrecorded)
    full = {posixpath.join(context.prefix, path) for path in made}

    def is_output(path: str) -> bool:
        if posixpath.basename(path) in ("dvc.lock", ".gitignore"):
            return True
        while path and path not in full:
            path = posixpath.dirname(path)
        return bool(path)

    return is_output


def _loop(run: Run) -> None:
    did = 0
    while True:
        found = look(run.context, dvc.status(run.root))
        due = found.next(run.done)
        if due is None:
            break
        did += 1
        ACTIONS[due](run, found)
        run.done.add(due)
        run.reached(due)
    if not did:
        run.told.step("nothing to do", "data, versions and model are as recorded")


def data(run: Run, found: Look) -> None:
    """Run what is out of date before the model, and commit what it recorded."""
    _repro(run, found, "data", found.others, found.data)
    run.told.drift = findings.drift(run.root)
    _commit(run, "Data", found.data)


def release_dataset(run: Run, found: Look) -> None:
    """A new version of the dataset."""
    _release(run, found, DATASET)


def train(run: Run, found: Look) -> None:
    """Train and evaluate, and commit what that recorded."""
    drift = run.told.drift or findings.drift(run.root)
    run.told.drift = drift
    why = findings.why_train(found, drift)
    before, commit = findings.model_before(run.context, run.branch.commit)
    _repro(
        run, found, "train", [name for name in stale.stages(found.snapshot) if name in found.model], found.train, why
    )
    _commit(run, "Model", found.train)
    run.told.before = before
    run.told.metrics = findings.metrics(run.context, commit, run.branch.commit, found.model)


def release_model(run: Run, found: Look) -> None:
    """A new version of the model."""
    _release(run, found, MODEL)


def pin(run: Run, found: Look) -> None:
    """Make the dataset of the released model the drift reference, and compare with it from now on."""
    assert found.pin is not None
    write_json(run.root / reference.REFERENCE, reference.content(run.context, found.pin))
    run.reached("reference written")
    readers = [stale.short(address) for address in reference.readers(found.snapshot)]
    drift = run.told.drift
    _repro(run, found, "pin", readers, {name: [] for name in readers}, found.pin.name)
    _commit(run, f"Drift reference: {found.pin.name}", {})
    run.told.drift = drift


ACTIONS = {"data": data, "release dataset": release_dataset, "train": train, "release model": release_model, "pin": pin}


def _repro(run: Run, found: Look, name: str, targets: list[str], due: stale.Reasons, why: str = "") -> None:
    """`dvc repro`; where it fails, say why."""
    try:
        if pull := found.fetch(list(due)):
            dvc.call(run.root, run.lock, "pull", "--quiet", *pull)
        dvc.repro(run.root, run.lock, targets)
    except dvc.StageFailedError as error:
        left = look(run.context, dvc.status(run.root)).stale
        failure, drift = failures.explain(run.root, [one for one in left if one in targets], error.words)
        run.told.drift = drift or run.told.drift
        run.told.failure = failure
        run.told.step(name, "failed", f"{failure.stage}: {failure.message}")
        kind = Refused if failure.status == 1 else DataOpsError
        raise kind(f"{failure.stage}: {failure.message}", failure.hint) from None
    reasons = why or "; ".join(f"{one}: {', '.join(lines[:3])}" for one, lines in due.items())
    run.told.step(name, "done", clean(reasons))
    run.reached(f"{name} reproduced")


def _commit(run: Run, subject: str, due: stale.Reasons) -> None:
    """Data to the remote, then the commit that names them to the branch."""
    outputs = _outputs(run.context)
    tracked, untracked = branches.changed(run.context.git)
    paths = {name for name in (*tracked, *untracked) if outputs(name)}
    text = branches.text(clean(subject), [clean(f"{one}: {', '.join(lines[:5])}") for one, lines in due.items()])
    commit = branches.draft(run.branch, paths, text)
    if commit is None:
        run.told.step("commit", "nothing changed")
        return
    run.reached("drafted")
    if not run.options.release:
        run.branch = replace(run.branch, commit=commit)
        return
    try:
        dvc.call(run.root, run.lock, "push", "--quiet")
    except dvc.StageFailedError as error:
        run.told.failure = Failure("dvc push", "the data could not be pushed", "", 2, words=error.words)
        raise DataOpsError("dvc push failed: nothing is committed", "`dvc push` says why") from None
    run.reached("data pushed")
    run.branch = branches.push(run.branch, commit)
    run.told.step("commit", f"pushed to {run.branch.name}", commit[:7])


def _release(run: Run, found: Look, name: str) -> None:
    """A version out of what is committed; in a run without releases, what it would be."""
    if not run.options.release:
        findings.would_release(run.context, run.told, name, run.branch.commit)
        return
    artifact = found.snapshot.artifact(name)
    assert artifact is not None
    try:
        _bring(run, found, name)
        options = ReleaseOptions(artifact=name, message=run.options.message)
        done = release.release(replace(run.context), options, reached=lambda at: run.reached(f"{name} {at}"))
    except Refused as error:
        run.told.failure = Failure(f"release {name}", error.message, error.hint)
        run.told.step(f"release {name}", "refused", clean(error.message))
        raise
    version = done.version
    run.told.tags.append(version.tag)
    run.told.step(f"release {name}", version.name, clean((version.card or {}).get("reason") or done.finished))
    findings.released(run.context, run.told, name, version)


def _bring(run: Run, found: Look, name: str) -> None:
    """Fetch what the release's own look at the pipeline wants to see."""
    from dataops.versions import gates

    artifact = found.snapshot.artifact(name)
    paths = [artifact.path, *(gate.report for gate in gates.declared(artifact) or ())] if artifact else []
    addresses = {stage.address for path in paths if (stage := found.snapshot.stage_of(path))}
    stages = [stale.short(stage.address) for stage in found.snapshot.ancestors(*sorted(addresses))]
    if any(
        not (run.root / out.path).exists()
        for stage in found.snapshot.ancestors(*sorted(addresses))
        for out in stage.outs
    ):
        try:
            dvc.call(run.root, run.lock, "pull", "--quiet", *stages)
        except dvc.StageFailedError as error:
            run.told.failure = Failure(
                "dvc pull", "data of the pipeline could not be fetched", "", 2, words=error.words
            )
            raise DataOpsError("dvc pull failed", "`dvc pull` says why") from None
