"""A run: look what is due first, do it, look again, until nothing is. Killed anywhere, the next run goes on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from ci import branch as branches
from ci import dvc, failures, findings, reference, stale, tree
from ci.branch import Branch, MovedError
from ci.look import DATASET, MODEL, Look, look, version_of
from ci.told import Failure, Told
from dataops.errors import NO, WRONG, DataOpsError, Refused
from dataops.repo import worktree
from dataops.repo.registry import Version
from dataops.training import registration
from dataops.versions import gates, release
from dataops.versions import pin as pins
from dataops.versions.context import Context
from dataops.versions.plan import Bump
from dataops.versions.plan import Options as ReleaseOptions
from dataops.versions.wording import clean

ATTEMPTS = 3
Reached = Callable[[str], None]


@dataclass(frozen=True)
class Options:
    """What a person or a workflow may say about a run."""

    branch: str | None = None
    base: str | None = None
    """The branch that a run without releases compares with."""
    release: bool = True
    """False: compute and report; commit, push and release nothing."""
    bump: Bump | None = None
    """The kind of change of the dataset, where somebody decides that."""


@dataclass
class Run:
    """A run under way."""

    context: Context
    root: Path
    lock: int
    options: Options
    told: Told
    branch: Branch
    base: str
    """The commit that the report compares with, where no release says with what."""
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
    with tree.alone(context.root) as lock:
        for _ in range(ATTEMPTS):
            at, base = tree.prepare(context, options.branch, options.base, release_it=options.release)
            reached("prepared")
            tree.mark(context)
            try:
                _loop(Run(context, context.root, lock, options, told, at, base, reached))
            except MovedError:
                told.step("start over", f"{at.name} has moved on")
                continue
            if options.release:
                tree.unmark(context)
            return
        raise DataOpsError(f"{at.name} moved on {ATTEMPTS} times while this ran", "run it again")


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
    before = reference.newest_model(run.context, run.base)
    _repro(run, found, "train", list(found.model), found.train, why)
    _commit(run, "Model", found.train)
    run.told.before = before.name if before is not None else ""
    old = before.commit if before is not None else ""
    run.told.metrics = findings.metrics(run.context, old, run.branch.commit, found.model)


def release_model(run: Run, found: Look) -> None:
    """A new version of the model."""
    _release(run, found, MODEL)


def pin(run: Run, found: Look) -> None:
    """Make the dataset of the released model the drift reference, and compare with it from now on."""
    assert found.pin is not None
    if (
        run.options.release
        and "register" not in run.done
        and (model := reference.newest_model(run.context)) is not None
    ):
        _register(run, model)  # a run before this one may have got no further
    pins.pin(run.context, found.pin.name)
    run.reached("reference written")
    readers = [stale.short(address) for address in reference.readers(found.snapshot)]
    drift = run.told.drift
    _repro(run, found, "pin", readers, {name: [] for name in readers}, found.pin.name)
    _commit(run, f"Drift reference: {found.pin.name}", {})
    run.told.drift = drift


ACTIONS = {"data": data, "release dataset": release_dataset, "train": train, "release model": release_model, "pin": pin}


def _repro(run: Run, found: Look, name: str, targets: list[str], due: stale.Reasons, why: str = "") -> None:
    """`dvc repro`; where it fails, say why."""
    if pull := found.fetch(list(due)):
        _dvc(run, "pull", *pull)
    try:
        dvc.repro(run.root, run.lock, targets)
    except dvc.StageFailedError as error:
        left = look(run.context, dvc.status(run.root)).stale
        failure, drift = failures.explain(run.root, [one for one in left if one in targets], error.words)
        run.told.drift = drift or run.told.drift
        run.told.failure = failure
        run.told.step(name, "failed", f"{failure.stage}: {failure.message}")
        kind = Refused if failure.status == NO else DataOpsError
        raise kind(f"{failure.stage}: {failure.message}", failure.hint) from None
    reasons = why or "; ".join(f"{one}: {', '.join(lines[:3])}" for one, lines in due.items())
    run.told.step(name, "done", clean(reasons))
    run.reached(f"{name} reproduced")


def _commit(run: Run, subject: str, due: stale.Reasons) -> None:
    """Data to the remote, then the commit that names them to the branch."""
    outputs = tree.outputs(run.context)
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
    if _new_data(run.context, run.root):
        _dvc(run, "push")
    run.reached("data pushed")
    run.branch = branches.push(run.branch, commit)
    run.told.step("commit", f"pushed to {run.branch.name}", commit[:7])


def _new_data(context: Context, root: Path) -> bool:
    """Does the work tree record data that HEAD doesn't?"""
    known = {out.digest for stage in context.snapshot("HEAD").stages for out in stage.outs}
    return any(out.cached and out.digest not in known for stage in worktree.snapshot(root).stages for out in stage.outs)


def _release(run: Run, found: Look, name: str) -> None:
    """A version out of what is committed; in a run without releases, what it would be."""
    if not run.options.release:
        findings.would_release(run.context, run.told, name, run.branch.commit, run.base)
        return
    artifact = found.snapshot.artifact(name)
    assert artifact is not None
    try:
        _bring(run, found, name)
        options = ReleaseOptions(artifact=name, bump=run.options.bump if name == DATASET else None)
        done = release.release(replace(run.context), options, reached=lambda at: run.reached(f"{name} {at}"))
    except Refused as error:
        theirs = version_of(replace(run.context), found.snapshot, name)
        if theirs is not None:  # another run was quicker with the very same
            run.told.step(f"release {name}", theirs.name, "somebody else's release of the same content")
            return
        run.told.failure = Failure(f"release {name}", error.message, error.hint)
        run.told.step(f"release {name}", "refused", clean(error.message))
        raise
    version = done.version
    run.told.tags.append(version.tag)
    run.told.step(f"release {name}", version.name, clean((version.card or {}).get("reason") or done.finished))
    findings.released(run.context, run.told, name, version)
    if name == MODEL:
        _register(run, version)


def _register(run: Run, version: Version) -> None:
    """Tell SageMaker of a model that it trained, as `dataops release model` does; again is no harm.

    Raises:
        DataOpsError: AWS refuses. The version stands; the next run tries again before it pins the reference.
    """
    try:
        done = registration.after_release(run.context, version)
    except DataOpsError as error:
        run.told.step("register", "failed", clean(error.message))
        raise
    run.done.add(MODEL)
    if done is not None:
        run.told.step(
            "register", *(("no", clean(done)) if isinstance(done, str) else ("done", clean(done.package or "")))
        )


def _bring(run: Run, found: Look, name: str) -> None:
    """Fetch what the release's own look at the pipeline wants to see."""
    artifact = found.snapshot.artifact(name)
    paths = [artifact.path, *(gate.report for gate in gates.declared(artifact) or ())] if artifact else []
    addresses = {stage.address for path in paths if (stage := found.snapshot.stage_of(path))}
    before = found.snapshot.ancestors(*sorted(addresses))
    pull = [stale.short(stage.address) for stage in before if found.missing & {out.path for out in stage.outs}]
    if pull:
        _dvc(run, "pull", *pull)


def _dvc(run: Run, *words: str) -> None:
    """`dvc pull` or `dvc push`."""
    try:
        dvc.call(run.root, run.lock, words[0], "--quiet", *words[1:])
    except dvc.StageFailedError as error:
        name = f"dvc {words[0]}"
        run.told.failure = Failure(name, "it failed: its last words are below", "", WRONG, words=error.words)
        raise DataOpsError(f"{name} failed", f"`{name}` says why; is the remote there, and may you use it?") from None
