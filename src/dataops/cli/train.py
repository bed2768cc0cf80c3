"""`dataops train`: what the stage `train` runs, and the job on SageMaker: its request, its state, its end."""

from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING

from dataops.cli import registering
from dataops.cli.terminal import Help, table

if TYPE_CHECKING:
    from dataops.training.sagemaker.jobs import Found
    from dataops.training.sagemaker.run import Prepared

DESCRIPTION = """\
Where the stage `train` fits the model is a setting, and no part of what the model is:
[tool.dataops.train] backend = "local" or "sagemaker" in pyproject.toml, or DATAOPS_TRAIN__BACKEND for one call.
On SageMaker the job is named by its inputs (data, code, parameters, image): started again it is joined, and
once it has completed its model is taken, by whoever asks for the same. docs/training.md says all of it."""


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "train",
        description=DESCRIPTION,
        formatter_class=Help,
    )
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    run = actions.add_parser(
        "run",
        help="train on data/dataset and write models/model.tar.gz; what the stage runs",
        description="Train on data/dataset and put the model, its training curve and its record in place. "
        "`dvc repro` calls this; called by hand, dvc doesn't know of the new model until `dvc repro`.",
    )
    run.set_defaults(run=_run)
    plan = actions.add_parser(
        "plan",
        help="print the CreateTrainingJob request without sending it",
        description="Print the request that `train run` would send to SageMaker, as JSON. Nothing is sent or uploaded.",
    )
    plan.add_argument("--json", action="store_true", help="it is JSON anyway")
    plan.set_defaults(run=_plan)
    status = actions.add_parser("status", help="the job on SageMaker that these inputs have")
    status.add_argument("--json", action="store_true", help="for programs")
    status.set_defaults(run=_status)
    stop = actions.add_parser(
        "stop",
        help="end the job that runs on SageMaker",
        description="Ask SageMaker to end a job. What it cost is paid.",
    )
    stop.add_argument("job", nargs="?", metavar="JOB", help="its name or ARN; default: the job of what is checked out")
    stop.add_argument("--json", action="store_true", help="for programs")
    stop.set_defaults(run=_stop)
    registering.register(actions)


def _run(_: argparse.Namespace) -> int:
    from dataops.repo.root import enter
    from dataops.training import launch

    enter()
    launch.run(_tell)
    return 0


def _tell(line: str) -> None:
    """Dvc shows it as it comes. That nobody reads on (`| head`), or can't show a letter, ends no training."""
    encoding = sys.stdout.encoding or "utf-8"
    try:
        print(line.encode(encoding, "backslashreplace").decode(encoding), flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _plan(_: argparse.Namespace) -> int:
    import json

    from dataops.errors import DataOpsError

    ready = _prepared()
    attempt = 1
    try:
        found = _found(ready)
    except DataOpsError as error:
        print(f"note: this is the first attempt; whether there was one isn't known: {error.message}", file=sys.stderr)
    else:
        attempt = found.following
        if found.running or found.completed:
            name, what = ready.inputs.job(attempt - 1), "joined" if found.running else "asked for its model"
            print(f"note: {name} would be {what}; this request would follow if it failed", file=sys.stderr)
    print(json.dumps(ready.request(attempt), indent=2, ensure_ascii=False))
    return 0


def _status(arguments: argparse.Namespace) -> int:
    import json

    from dataops.training.sagemaker import jobs
    from dataops.training.sagemaker.watch import elapsed

    ready = _prepared()
    found = _found(ready)
    facts = jobs.facts(found, ready.inputs)
    if arguments.json:
        print(json.dumps(facts, indent=2, ensure_ascii=False))
    elif found.job is None:
        print(f"no job yet; the next would be {facts['next']}")
    else:
        row = (facts["job"], facts["status"], elapsed(found.job).strip(), facts["reason"])
        print(table([("job", "status", "time", "reason"), row]))
    return 0


def _stop(arguments: argparse.Namespace) -> int:
    import json

    from dataops.training.sagemaker import jobs, run
    from dataops.versions import context as contexts

    if arguments.job:
        session, name = run.signed_in(contexts.here())[-1], arguments.job.rpartition("/")[2]
    else:
        ready = _prepared()
        session, name = ready.session, jobs.current(ready.session, ready.inputs)
    status = jobs.stop(session, name)
    print(json.dumps({"job": name, "status": status}) if arguments.json else f"{name}: {status}")
    return 0


def _prepared() -> Prepared:
    """What is checked out, as a job's inputs."""
    from dataops.repo.root import enter
    from dataops.training import launch
    from dataops.training.sagemaker import run

    enter()
    return run.prepare(launch.hyperparameters())


def _found(ready: Prepared) -> Found:
    from dataops.training.sagemaker import jobs

    return jobs.find(ready.session, ready.inputs)
