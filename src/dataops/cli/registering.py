"""`dataops train register`, and the same at the end of `dataops release`: what AWS is told of a released model."""

from __future__ import annotations

import argparse
import contextlib
import sys
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from dataops.cli.terminal import Help

if TYPE_CHECKING:
    from dataops.errors import Refused
    from dataops.repo.registry import Version
    from dataops.training.sagemaker.registry import Registered
    from dataops.training.sagemaker.released import Plan
    from dataops.versions.context import Context

SAGEMAKER = "sagemaker"
EXAMPLES = """\
examples:
  dataops train register --dry-run        what AWS would be told of the newest model
  dataops train register model@v1.2.0     after `dataops release` could not
"""


def register(actions: argparse._SubParsersAction[Any]) -> None:
    """Add the action."""
    parser = actions.add_parser(
        "register",
        help="tell SageMaker which version its job made: tags, model registry",
        description="Tag the training job of a released model with DataVersion, ModelVersion and GitCommit, and "
        "register the model in the group that model_package_group names. `dataops release` does it by itself; "
        "this repeats it where AWS refused. What is there already is kept.",
        epilog=EXAMPLES,
        formatter_class=Help,
    )
    parser.add_argument(
        "version", nargs="?", metavar="VERSION", help="a model's version (the newest that HEAD descends from)"
    )
    parser.add_argument("--dry-run", action="store_true", help="print what would be sent; ask nobody")
    parser.add_argument("--json", action="store_true", help="the result as JSON")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Register one version."""
    from dataops import settings
    from dataops.lineage import training
    from dataops.training.sagemaker import released
    from dataops.versions import context

    here = context.here()
    version = chosen(here, arguments.version)
    trained = training.read(here, version)
    if trained is None:
        raise _no_model(version.name)
    group = settings.load(here.root).train.sagemaker if here.root else settings.SageMaker()
    if arguments.dry_run:
        plan = released.plan(trained, group.model_package_group)
        if arguments.json:
            _print({**_told(plan), "request": plan.package})
        else:
            print("\n".join([f"{plan.name} would be registered; nothing was sent", *_tags(plan), *_request(plan)]))
        return 0
    from dataops.training.sagemaker import registry

    pushed(here, version)
    done = registry.register(here, group, trained)
    if arguments.json:
        _print(as_json(done))
    else:
        print("\n".join([f"{version.name} is registered", *lines(done)]))
    return 0


def chosen(here: Context, asked: str | None) -> Version:
    """The version that is asked for; by default the newest model that HEAD is, or descends from.

    Raises:
        DataOpsError: there is none.
    """
    from dataops.errors import DataOpsError
    from dataops.lineage import listing, trace, training
    from dataops.repo import registry

    if asked is not None:
        models = listing.models(here)
        default = models[0] if len(models) == 1 else trace.default(here)
        target = here.taken(asked, default)
        if target.version is None:
            raise DataOpsError(f"{asked} is no released version", "`dataops release` makes one; `dataops versions`")
        return target.version
    before = registry.read(here.git, merged="HEAD").artifacts.values()
    versions = [one for artifact in before for one in artifact.versions if not one.deprecated]
    for version in sorted(versions, key=lambda one: (one.refs[0].seconds, one.number.key), reverse=True):
        if training.read(here, version) is not None:
            return version
    raise DataOpsError("no version of a model comes before HEAD", "`dataops release model` makes one")


def pushed(here: Context, version: Version) -> None:
    """AWS is told of versions that everybody can find.

    Raises:
        Refused: the tag is in this clone only, or another one there.
        DataOpsError: the git remote can't be asked.
    """
    from dataops.errors import Refused
    from dataops.repo import publish_tag
    from dataops.repo.git import TAGS

    remote = publish_tag.remote_of(here.git)
    there = publish_tag.listed(here.git, remote, TAGS + version.tag).get(TAGS + version.tag)
    if there is None:
        hint = f"`dataops release {version.artifact}` at {version.commit[:7]}, or `git push {remote} {version.tag}`"
        raise Refused(f"{version.name} is in this clone only: nobody on AWS could find what it names", hint)
    if there != version.tag_sha:
        hint = f"`git fetch {remote} --tags --force` takes theirs; `git show {version.tag}` first"
        raise Refused(f"the tag {version.tag} is not the same here and on {remote}", hint)


def after_release(here: Context, version: Version) -> tuple[int, dict[str, Any] | None, list[str]]:
    """What a release does at AWS: exit status, the result for --json, and the lines to print.

    The version stands, whatever AWS says. A model that was trained here needs nothing of this, and neither imports nor
    asks anything; one line says so where the settings name a group.
    """
    from dataops.errors import DataOpsError
    from dataops.lineage import training

    here = replace(here)  # the tags that came with the release are read anew
    try:
        trained = training.read(here, version)
    except DataOpsError:  # whatever is wrong with it, it isn't known to be SageMaker's
        return 0, None, []
    if trained is None or here.root is None:
        return 0, None, []
    if trained.backend != SAGEMAKER:
        group = _group(here)
        if not group:
            return 0, None, []
        told = f"{version.name} was not trained on SageMaker: it is not registered in {group}"
        return 0, {"registered": False, "note": told}, [f"note: {told}"]
    from dataops import settings
    from dataops.training.sagemaker import registry

    try:
        done = registry.register(here, settings.load(here.root).train.sagemaker, trained)
    except DataOpsError as error:
        again = f"`dataops train register {version.name}`"
        hint = error.hint.removesuffix(", then try again")
        hint = hint if again in hint else "; ".join(filter(None, [hint, f"{again} finishes it"]))
        print(f"error: {version.name} is released, but not registered: {error.message}\n hint: {hint}", file=sys.stderr)
        return 1, {"registered": False, "error": error.message, "hint": hint}, []
    return 0, as_json(done), lines(done)


def hinted(here: Context, artifact: str, refusal: Refused) -> Refused:
    """The refusal of a second release, with what a first one may have left undone where SageMaker trained the model."""
    from dataops.errors import DataOpsError
    from dataops.lineage import training
    from dataops.repo.recorded import outside

    here = replace(here)  # as above
    for version in here.registry.versions(outside(artifact, here.prefix)):
        if f"unchanged since {version.name} " in refusal.message:
            with contextlib.suppress(DataOpsError):
                trained = training.read(here, version)
                if trained is not None and trained.backend == SAGEMAKER:
                    refusal.hint += f"; `dataops train register {version.name}`, if AWS doesn't know it yet"
    return refusal


def lines(done: Registered) -> list[str]:
    """What was done, for people."""
    found = _tags(done.plan)
    if done.package is not None:
        word = f"new, {done.status}" if done.made else f"was there, {done.status}"
        found.append(f"  package  {done.package} ({word})")
    return found


def as_json(done: Registered) -> dict[str, Any]:
    """The same as JSON."""
    return {
        "registered": True,
        **_told(done.plan),
        "package": done.package,
        "status": done.status or None,
        "new": done.made,
        "new_group": done.made_group,
    }


def _group(here: Context) -> str:
    """The settings' group; none where they can't be read, which is no matter of a model that was trained here."""
    from dataops import settings
    from dataops.errors import DataOpsError

    try:
        return settings.load(here.root).train.sagemaker.model_package_group if here.root else ""
    except DataOpsError:
        return ""


def _tags(plan: Plan) -> list[str]:
    pairs = [f"{key}={value}" for key, value in plan.tags.items()]
    return [f"  job      {plan.job.text}", f"  tags     {', '.join(pairs)}"]


def _request(plan: Plan) -> list[str]:
    from dataops.files import to_json

    if plan.package is None:
        return ["  package  none: no model_package_group is set"]
    return ["  package", *(f"    {line}" for line in to_json(plan.package).splitlines())]


def _told(plan: Plan) -> dict[str, Any]:
    group: Mapping[str, Any] = plan.package or {}
    return {
        "version": plan.name,
        "job": plan.job.text,
        "tags": dict(plan.tags),
        "group": group.get("ModelPackageGroupName"),
    }


def _no_model(name: str) -> Exception:
    from dataops.errors import DataOpsError

    return DataOpsError(f"{name} is no model", "`dataops versions` lists those there are")


def _print(value: Any) -> None:
    from dataops.files import to_json

    sys.stdout.write(to_json(value))
