"""`dataops lineage trace`: back to where the data came in."""

from __future__ import annotations

import argparse
from typing import Any

from dataops.cli import options
from dataops.cli.terminal import Help

EXAMPLES = """\
examples:
  dataops lineage trace model@v1.2.0          the data, code and parameters of a model
  dataops lineage trace latest                of the latest model (of the latest dataset, where no model was released)
  dataops lineage trace dataset@v1.1.0        of a dataset
  dataops lineage trace HEAD                  of the model that was released there, else of all that the commit records
  dataops lineage trace models/model.tar.gz   of an output as HEAD has it; --path PATH names it at another commit
  dataops lineage trace arn:aws:sagemaker:…   of what a training job made, or a model package was registered as
  dataops lineage trace main --repo https://example.org/team/models.git
"""


def register(actions: argparse._SubParsersAction[Any]) -> None:
    """Add the action."""
    parser = actions.add_parser(
        "trace",
        help="from a model, dataset, commit or output back to where its data came in",
        description="Every stage upstream as dvc.lock recorded it at that commit: what it read and wrote with hashes, "
        "its code, parameters and command, and the released versions that have those hashes. Where the record "
        "contradicts the commit, it says so. No network, no data.",
        epilog=EXAMPLES,
        formatter_class=Help,
    )
    parser.add_argument("version", metavar="VERSION", help="a version, a git revision, or the path of an output")
    parser.add_argument("--path", metavar="PATH", help="an output of that commit, in place of its artifact")
    parser.add_argument("--full", action="store_true", help="nothing shortened: every code file, parameter and hash")
    options.repo(parser)
    parser.add_argument("--json", action="store_true", help="as JSON")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Trace and print; 1 where nothing is recorded."""
    import gc

    from dataops.cli.lineage import tracetext
    from dataops.files import to_json
    from dataops.lineage import tojson, trace

    gc.disable()  # ten thousand tags are no garbage, and looking for some takes a sixth of the time
    there = options.opened(arguments)
    found = trace.trace(there, *trace.find(there, arguments.version, arguments.path))
    if arguments.json:
        print(to_json(tojson.of_trace(found)), end="")
    else:
        print(tracetext.text(found, full=arguments.full))
    return 0 if found.steps or found.trained_on else 1
