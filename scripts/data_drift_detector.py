"""Has the data moved between two versions?

Out of the profiles in git, where both versions have one; else both are fetched and every value is read. --threshold is
the share of a distribution that must have moved, no p-value: at a million rows a p-value flags everything. The report
of a pipeline's `drift` stage is in git and on the remote; this one goes where --output says.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from old import common

from dataops.errors import NO, DataOpsError
from dataops.repo.registry import Version
from dataops.versions.context import Context

NEW = "`dataops drift A B`"
FORMS = (".json", ".md", ".html")


def parser() -> argparse.ArgumentParser:
    """The old flags."""
    made = common.parser(__doc__ or "", NEW)
    made.add_argument("--reference-version", required=True, metavar="VERSION", help="what is compared with")
    made.add_argument("--current-version", required=True, metavar="VERSION", help="what may have moved")
    common.bucket(made)
    made.add_argument("--threshold", type=float, metavar="SHARE", help="of a distribution that must have moved (0.1)")
    made.add_argument("--output", type=Path, metavar="FILE", help="the report: .json, .md or .html")
    return made


def run(arguments: argparse.Namespace) -> int:
    """Compare, print, write; 1 where it drifted."""
    from dataops.cli import drifttext
    from dataops.files import to_json, write_text
    from dataops.versions.drift import drift

    target = arguments.output
    if target is not None and target.suffix not in FORMS:
        raise DataOpsError(f"--output {target}: the name says the form", f"end it in {', '.join(FORMS)}")
    context = common.opened(arguments)
    sides = [common.version(context, name) for name in (arguments.reference_version, arguments.current_version)]
    exact = not all(_has_profile(context, side) for side in sides)
    if exact:
        common.say("note: not both have a profile in git: every value is read")
    report = drift(context, sides[0].name, sides[1].name, threshold=arguments.threshold, exact=exact)
    if target is not None:
        form = target.suffix
        if form == ".html":
            from dataops.report.drift_page import page

            write_text(target, page(report))
        else:
            write_text(target, drifttext.markdown(report) if form == ".md" else to_json(report))
    print(drifttext.text(report), end="")
    if target is not None:
        print(f"Report saved to: {target}")
    return NO if report["drifted"] else 0


def _has_profile(context: Context, version: Version) -> bool:
    from dataops.versions.profiles import profile_of

    snapshot = context.snapshot(version.commit)
    return profile_of(context, snapshot, version.commit, version.artifact) is not None


if __name__ == "__main__":
    common.main(parser(), NEW, run)
