"""`dataops train`: what the stage `train` runs."""

from __future__ import annotations

import argparse


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = commands.add_parser("train", help="train the model where [tool.dataops.train] backend says")
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    run_parser = actions.add_parser("run", help="train on data/dataset and write models/model.tar.gz")
    run_parser.set_defaults(run=_run)


def _run(_: argparse.Namespace) -> int:
    from dataops.repo.root import enter
    from dataops.training import launch

    enter()
    launch.run()
    return 0
