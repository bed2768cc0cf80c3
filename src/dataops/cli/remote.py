"""`dataops remote`: the team's bucket."""

from __future__ import annotations

import argparse
from typing import Any


def register(commands: argparse._SubParsersAction[Any]) -> None:
    """Add `remote` with its two actions."""
    remote = commands.add_parser(
        "remote",
        description="Where `dvc push` puts the data.",
        epilog="example: dataops remote use s3://our-bucket/forecasting",
    )
    actions = remote.add_subparsers(title="actions", metavar="ACTION", required=True)

    use = actions.add_parser(
        "use",
        help="make a bucket of yours the repository's remote",
        description="Check that the bucket can be listed, written, read and deleted from, put its URL into .dvc/config "
        "(commit that), and stop using the embedded store as the default. If the check fails, nothing changes.",
        epilog="example: dataops remote use s3://our-bucket/forecasting --region eu-central-1 --profile work",
    )
    use.add_argument("url", metavar="s3://BUCKET/PREFIX", help="where the data shall be")
    use.add_argument("--endpoint-url", metavar="URL", help="an S3 server other than Amazon's; committed")
    use.add_argument("--region", help="the bucket's region; committed")
    use.add_argument("--profile", help="a profile of your ~/.aws; stays in this clone (.dvc/config.local)")
    use.add_argument("--no-check", action="store_true", help="don't try to reach the bucket first")
    use.set_defaults(run=run_use)

    show = actions.add_parser(
        "show",
        help="the default remote and who says so",
        description="The remote that a plain `dvc push` goes to. Exit status 1 when there is none.",
        epilog="example: dataops remote show --json",
    )
    show.add_argument("--json", action="store_true", help="as JSON; never holds the keys")
    show.set_defaults(run=run_show)


def run_use(arguments: argparse.Namespace) -> int:
    """Replace the remote."""
    from dataops.repo import root
    from dataops.store import remote

    used = remote.use(
        root.find(),
        arguments.url,
        endpoint_url=arguments.endpoint_url,
        region=arguments.region,
        profile=arguments.profile,
        check=not arguments.no_check,
    )
    checked = "listed, written, read back and deleted" if used.checked else "not checked"
    print(f"storage = {used.remote.url} ({checked})")
    print("commit it: git add .dvc/config && git commit -m 'Use our bucket'")
    for note in used.notes:
        print(note)
    if used.bring:
        print("the embedded store keeps its data; these commands bring it along:")
        for command in used.bring:
            print(f"  {command}")
    return 0


def run_show(arguments: argparse.Namespace) -> int:
    """Say where `dvc push` goes."""
    from dataops.files import to_json
    from dataops.repo import root
    from dataops.store import remote

    found = remote.default(root.find())
    if found is None:
        print("null" if arguments.json else "no default remote: `dataops remote use s3://bucket/prefix` sets one")
        return 1
    there = found.remote
    facts = {
        "name": there.name,
        "url": there.url,
        "endpoint_url": there.endpoint_url,
        "region": there.region,
        "profile": there.profile,
        "defined_in": there.defined_in,
        "chosen_in": found.chosen_in,
        "embedded": found.embedded,
        "template": found.template,
    }
    if arguments.json:
        print(to_json(facts), end="")
        return 0
    print(f"{there.name} = {there.url}")
    for label in ("endpoint_url", "region", "profile", "defined_in", "chosen_in"):
        if facts[label]:
            print(f"  {label.replace('_', ' '):13}{facts[label]}")
    if found.embedded:
        print("the embedded store: `dataops store status` says more; `dataops remote use s3://bucket/prefix` leaves it")
    if found.template:
        print("that is the template's placeholder: `dataops store up`, or `dataops remote use s3://bucket/prefix`")
    return 0
