"""`dataops store`: the embedded S3 server."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from dataops.cli import options
from dataops.cli.terminal import Help, size

if TYPE_CHECKING:
    from dataops.store.embedded import Status


def register(commands: argparse._SubParsersAction[Any]) -> None:
    """Add `store` with its actions."""
    store = commands.add_parser(
        "store",
        description="A real S3 server on this machine's loopback address, for as long as the team has no bucket. "
        "It starts in seconds, survives the shell, and keeps its data in .dataops/store/data.",
        epilog="example: dataops store up && dvc push",
    )
    actions = store.add_subparsers(title="actions", metavar="ACTION", required=True)

    up = actions.add_parser(
        "up",
        help="start it, and make it the default remote while the repository names no real one",
        description="Start the server unless it runs, and point DVC's remote `embedded` at it (.dvc/config.local). "
        "While .dvc/config still holds the template's placeholder, `embedded` also becomes the default remote.",
        epilog="example: dataops store up",
    )
    up.set_defaults(run=run_up)

    down = actions.add_parser(
        "down", help="stop it; its data stays", epilog="example: dataops store down", description="Stop the server."
    )
    down.add_argument("--shared", action="store_true", help="stop it though it belongs to another clone")
    down.set_defaults(run=run_down)

    status = actions.add_parser(
        "status",
        help="is it running, where, how much does it hold",
        description="Exit status 0 when it is running, 1 when not.",
        epilog="example: dataops store status --json",
    )
    status.add_argument("--json", action="store_true", help="as JSON; never holds the keys")
    status.set_defaults(run=run_status)

    connect = actions.add_parser(
        "connect",
        help="use the server of another clone on this machine, or compose's",
        description="Point this clone at the server of another one. `store up` and `store status` then mean that one. "
        "With this clone's own path it has a server of its own again.",
        epilog="examples:\n  dataops store connect ../first-clone\n  dataops store connect --compose",
        formatter_class=Help,
    )
    which = connect.add_mutually_exclusive_group(required=True)
    which.add_argument("path", type=options.path, metavar="PATH", nargs="?", help="the other clone")
    which.add_argument(
        "--compose", action="store_true", help="the server that compose runs for this clone, as its containers use it"
    )
    connect.set_defaults(run=run_connect)

    serve = actions.add_parser(
        "serve",
        help="run it in the foreground, as a container does",
        description="Run the server in the foreground, on loopback, and keep its data below FOLDER. Its keys are "
        "DATAOPS_S3_ACCESS_KEY_ID and DATAOPS_S3_SECRET_ACCESS_KEY of the environment, else some of its own.",
        epilog="example: dataops store serve /store --port 8333",
    )
    serve.add_argument("folder", type=options.path, metavar="FOLDER", help="where data and state are kept")
    serve.add_argument("--port", type=int, default=8333, help="of S3 (default: 8333)")
    serve.set_defaults(run=run_serve)


def run_up(_: argparse.Namespace) -> int:
    """Start it."""
    from dataops.repo import root
    from dataops.store import embedded

    _show(embedded.up(root.find()))
    return 0


def run_down(arguments: argparse.Namespace) -> int:
    """Stop it."""
    from dataops.repo import root
    from dataops.store import embedded

    for note in embedded.down(root.find(), shared=arguments.shared).notes:
        print(note)
    return 0


def run_status(arguments: argparse.Namespace) -> int:
    """Say what is there."""
    from dataops.files import to_json
    from dataops.repo import root
    from dataops.store import embedded

    status = embedded.status(root.find())
    if arguments.json:
        print(to_json(status.as_json()), end="")
    else:
        _show(status)
    return 0 if status.running else 1


def run_connect(arguments: argparse.Namespace) -> int:
    """Use another clone's, or compose's."""
    from dataops.repo import root
    from dataops.store.connect import connect, connect_compose

    _show(connect_compose(root.find()) if arguments.compose else connect(root.find(), arguments.path))
    return 0


def run_serve(arguments: argparse.Namespace) -> int:
    """Become the server."""
    from dataops.store.serve import serve

    return serve(arguments.folder, arguments.port)


def _show(status: Status) -> None:
    """What was done, then what is there."""
    for note in status.notes:
        print(note)
    running = f"running at {status.endpoint} ({'by compose' if status.compose else f'pid {status.pid}'})"
    start = "make up" if status.compose else "dataops store up"
    print(f"store   {running if status.running else f'not running: `{start}` starts it'}")
    if status.connected_to:
        print(f"of      {status.connected_to}")
    aside = "the default remote here" if status.default else "not the default remote here"
    print(f"remote  embedded = {status.url}, {aside}")
    if status.compose:
        print("data    compose's volume s3")
        print("log     docker compose logs s3")
    else:
        print(f"data    {status.data} ({size(status.bytes_used or 0)} used, {size(status.bytes_free or 0)} free)")
        print(f"log     {status.log}")
