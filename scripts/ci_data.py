"""What CI does with data, by hand too: run what is out of date, release what changed, retrain, say what happened.

Every step looks first whether it is due, so it may be killed anywhere and run again. docs/ci.md tells it at length.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

try:
    from ci import dvc, report, steps
    from ci.look import look
    from ci.told import Failure, Told

    from dataops.errors import DataOpsError, run
    from dataops.repo.root import enter
    from dataops.versions import context
except ModuleNotFoundError as missing:
    print(f"error: {sys.executable} has no {missing.name}", file=sys.stderr)
    print(" hint: `make install`, then .venv/bin/python scripts/ci_data.py", file=sys.stderr)
    sys.exit(2)

REPORT = Path(".dataops/ci-report.md")


def main() -> int:
    """Run, and write the report whatever comes of it."""
    arguments = parser().parse_args()
    enter()
    if arguments.plan:
        here = context.here()
        plan = look(here, dvc.status(Path.cwd()), offline=True).plan()
        print("\n".join(plan or ["nothing to do"]))
        return 0
    told = Told()
    options = steps.Options(arguments.branch, arguments.base, arguments.release, arguments.bump)
    try:
        steps.run(context.here(), options, told)
        told.finished = True
    except DataOpsError as error:
        told.failure = told.failure or Failure("", error.message, error.hint, error.status)
        raise
    finally:
        report.write(told, arguments.report, os.environ, released=arguments.release)
    return 0


def parser() -> argparse.ArgumentParser:
    """The options."""
    made = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--branch", metavar="NAME", help="the branch to work for (the one that is checked out)")
    made.add_argument("--base", metavar="BRANCH", help="without releases: the branch to compare with")
    made.add_argument(
        "--no-release",
        "--dry-run",
        dest="release",
        action="store_false",
        help="compute and report: nothing is committed, pushed or released",
    )
    made.add_argument("--bump", choices=("major", "minor", "patch"), help="the kind of change of the dataset")
    made.add_argument("--plan", action="store_true", help="only say what would be done")
    made.add_argument("--report", metavar="FILE", type=Path, default=REPORT, help=f"the report ({REPORT})")
    return made


if __name__ == "__main__":
    run(main)
