"""What this clone has: readable settings and records, hooks, what git must not ignore, what a backend needs."""

from __future__ import annotations

import importlib.util
import os
import shlex
from collections.abc import Iterator

from dataops import settings
from dataops.errors import DataOpsError
from dataops.guard.doctor.finding import Finding, Place
from dataops.guard.hooks import installed
from dataops.repo import worktree
from dataops.store import dvcconfig

DRIVER = "merge driver of "
ATTRIBUTES = ".gitattributes"
NAME_DRIVER = "printf '{}' >> {} && ".format(installed.ATTRIBUTES.replace("\n", r"\n"), ATTRIBUTES)
FILES = "pyproject.toml, .dvc/config and DVC's files can be read"


def readable(place: Place) -> Iterator[Finding]:
    """Can every file that says how things are be read?"""
    if place.root is None:
        fix = "cd into the repository, or `git init && dvc init`"
        yield Finding("repository", "fail", f"{place.folder} is in no DVC repository", fix)
        if place.git is None:
            return
    elif place.git is None:
        yield Finding("repository", "fail", f"{place.root} is in no git repository", "git init")
    broken = list(_broken(place))
    yield from broken
    if place.root is not None and not broken:
        yield Finding("files", "ok", FILES)


def unignored(place: Place) -> Iterator[Finding]:
    """Does git take the files that say which data a commit has?"""
    if place.root is None or place.git is None:
        return
    names = [name for name in worktree.records(place.root) if not name.endswith((".dvcignore", "artifacts.yaml"))]
    names += ["dvc.lock"] * ("dvc.lock" not in names)
    inner = [os.path.relpath(place.root / name, place.git.folder) for name in names]
    asked = "".join(f"{name}\0" for name in inner).encode(errors="surrogateescape")
    done = place.git.done("check-ignore", "--stdin", "-z", stdin=asked)
    hidden = [name.decode(errors="replace") for name in done.stdout.split(b"\0") if name]
    if hidden:
        more = f" and {len(hidden) - 1:,} more" if len(hidden) > 1 else ""
        fix = f"`git check-ignore -v {shlex.quote(hidden[0])}` names the rule: remove it, then git add"
        yield Finding("records", "fail", f"git ignores {hidden[0]}{more}: no clone would get them", fix)
    else:
        yield Finding("records", "ok", "git takes dvc.lock and the .dvc files")


def hooks(place: Place) -> Iterator[Finding]:
    """Are the git hooks and the merge drivers installed?"""
    if place.git is None:
        return
    parts = installed.state(place.root or place.git.folder)
    for kind, name in (("hook", "hooks"), ("driver", "merge drivers")):
        mine = [part for part in parts if part.kind == kind]
        wrong: dict[str, list[str]] = {}
        for part in mine:
            if part.state != "present":
                wrong.setdefault(part.detail or part.state, []).append(part.name.removeprefix(DRIVER))
        if wrong:
            told = "; ".join(f"{', '.join(names)}: {detail}" for detail, names in wrong.items())
            named = any(part.where == ATTRIBUTES and part.state == "missing" for part in mine)
            yield Finding(name, "warn", told, f"{NAME_DRIVER if named else ''}dataops hook install")
        else:
            yield Finding(name, "ok", ", ".join(part.name.removeprefix(DRIVER) for part in mine))


def backend(place: Place) -> Iterator[Finding]:
    """Has the training backend what it needs?"""
    if place.root is None:
        return
    train = settings.load(place.root).train
    if train.backend == "local":
        yield Finding("training", "ok", "on this machine")
        return
    given = train.sagemaker
    if not given.role:
        fix = '[tool.dataops.train.sagemaker] role = "arn:aws:iam::…:role/…" in pyproject.toml'
        yield Finding("training", "fail", "on SageMaker, and no role is set that the job would run as", fix)
    elif importlib.util.find_spec("sagemaker") is None:
        yield Finding("training", "fail", "on SageMaker, whose SDK is not installed", "make train-sagemaker")
    else:
        region = given.region or "the profile's region"
        yield Finding("training", "ok", f"on SageMaker in {region}, {given.instance_type}, as {given.role}")


def _broken(place: Place) -> Iterator[Finding]:
    """The files that can't be read."""
    root = place.root or (place.git.folder if place.git else place.folder)
    try:
        settings.load(root)
    except DataOpsError as error:
        yield Finding("settings", "fail", error.message, error.hint)
    if place.root is None:
        return
    try:
        dvcconfig.levels(root)
    except DataOpsError as error:
        yield Finding("dvc config", "fail", error.message, error.hint)
    problems: list[str] = []
    worktree.snapshot(root, problems)
    for problem in problems:
        yield Finding("records", "fail", problem, "repair it by hand, or restore it: `git log -p` shows what it was")
