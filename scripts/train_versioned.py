"""Trains on exactly one version's data, whatever is checked out.

The version's files and the code of --git-commit (HEAD) are put into a worktree of their own; the model comes to
models/JOB-NAME.tar.gz, what lineage.json said to reports/jobs/JOB-NAME.json. Where [tool.dataops.train] backend is
"sagemaker" the job is created there with the tags DataVersion, ModelVersion, GitCommit and Project. It is named by its
inputs, so that the same call again takes the model that there is: --job-name is its tag JobName.
"""

from __future__ import annotations

import argparse
import os
import re

from old import common

from dataops.errors import DataOpsError

NEW = "`dvc repro train`, or `dataops reproduce` of a version"
NAME = re.compile(r"[a-zA-Z0-9](?:-*[a-zA-Z0-9]){0,62}")  # SageMaker's rule


def parser() -> argparse.ArgumentParser:
    """The old flags."""
    made = common.parser(__doc__ or "", NEW)
    made.add_argument("--data-version", required=True, metavar="VERSION", help="any name of the data's version")
    made.add_argument("--model-version", metavar="vX.Y.Z", help="what the model will be released as; tag and record")
    made.add_argument("--job-name", metavar="NAME", help="of the model's file (from the versions)")
    common.bucket(made)
    made.add_argument("--role-arn", metavar="ARN", help="of the IAM role (the settings' one)")
    made.add_argument("--git-commit", default="HEAD", metavar="COMMIT", help="of code and parameters (HEAD)")
    made.add_argument("--instance-type", metavar="TYPE", help="of SageMaker (the settings' one)")
    made.add_argument("--n-estimators", type=_positive, metavar="N", help="trees, at most (params.yaml)")
    made.add_argument("--max-depth", type=_positive, metavar="N", help="of a tree, where the entry point knows that")
    return made


def _positive(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text[:9]) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 1")
    return int(text)


def run(arguments: argparse.Namespace) -> int:
    """Train, and say where the model is and what binds it to its data for ever."""
    from old.training import Job, train

    from dataops.cli.terminal import progress
    from dataops.training.sagemaker.texts import fitting

    context = common.opened(arguments)
    data = common.version(context, arguments.data_version)
    commit = context.git.commit_of(arguments.git_commit)
    if commit is None:
        raise DataOpsError(f"--git-commit {arguments.git_commit}: no commit here is called so", "git fetch")
    model = str(common.number("--model-version", arguments.model_version)) if arguments.model_version else None
    name = arguments.job_name or re.sub(r"[^a-zA-Z0-9]+", "-", "-".join(filter(None, [data.name, model])))
    if not NAME.fullmatch(name):
        raise DataOpsError(f"--job-name {fitting(name)}: no name of a job", "letters, digits and -, at most 63")
    job = Job(
        name,
        data,
        model,
        commit,
        arguments.role_arn,
        arguments.instance_type,
        arguments.n_estimators,
        arguments.max_depth,
    )
    print(f"Using version ID: {data.number}", flush=True)
    with progress() as show:
        where = os.path.relpath(train(context, job, _tell, show))
    print(f"Model saved to: {where}")
    number = f" --version {model}" if model else ""
    common.say(
        f"next: dataops track {where} --name {name} --trained-on {data.name} --description TEXT, "
        f"commit, dvc push, git push, dataops release {name}{number}"
    )
    return 0


def _tell(line: str) -> None:
    from dataops.cli.versiontext import line as plain

    print(plain(line), flush=True)


if __name__ == "__main__":
    common.main(parser(), NEW, run)
