"""`dataops train register`, and the same at the end of `dataops release`: what AWS is told of a released model."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from dataops.cli.terminal import Help

if TYPE_CHECKING:
    from dataops.repo.registry import Version
    from dataops.training.sagemaker.registry import Registered
    from dataops.training.sagemaker.released import Plan
    from dataops.versions.context import Context

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
    from dataops.training import registration
    from dataops.training.sagemaker import released
    from dataops.versions import context

    here = context.here()
    trained = registration.chosen(here, arguments.version)
    chosen = settings.load(here.root).train.sagemaker if here.root else settings.SageMaker()
    if arguments.dry_run:
        plan = released.plan(trained, chosen.model_package_group)
        if arguments.json:
            _print({**_told(plan), "request": plan.package})
        else:
            print("\n".join([f"{plan.name} would be registered; nothing was sent", *_tags(plan), *_request(plan)]))
        return 0
    from dataops.training.sagemaker import registry

    registration.require_pushed(here, trained.version)
    done = registry.register(here, chosen, trained)
    if arguments.json:
        _print(as_json(done))
    else:
        print("\n".join([f"{done.plan.name} is registered", *lines(done)]))
    return 0


def after_release(here: Context, version: Version) -> tuple[int, dict[str, Any] | None, list[str]]:
    """What a release does at AWS: exit status, the result for --json, and the lines to print."""
    from dataops.errors import DataOpsError
    from dataops.training import registration

    try:
        done = registration.after_release(here, version)
    except DataOpsError as error:
        told = f"{version.name} is released, but not registered: {error.message}"
        print(f"error: {told}\n hint: {error.hint}", file=sys.stderr)
        return 1, {"registered": False, "error": error.message, "hint": error.hint}, []
    if done is None:
        return 0, None, []
    if isinstance(done, str):
        return 0, {"registered": False, "note": done}, [f"note: {done}"]
    return 0, as_json(done), lines(done)


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


def _print(value: Any) -> None:
    from dataops.files import to_json

    sys.stdout.write(to_json(value))
