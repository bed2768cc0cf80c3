"""`dataops gc`."""

from __future__ import annotations

import argparse
import re
from typing import TYPE_CHECKING, Any

from dataops.cli.terminal import Help

if TYPE_CHECKING:
    import datetime as dt

    from dataops.versions.context import Context
    from dataops.versions.gc import Place, Plan

SHOWN = 10
DETAILS = """\
What stays: whatever the tip of any branch, tag, remote-tracking branch, stash or experiment needs, of this work tree
and every other worktree, in their dvc.lock and .dvc files as committed, staged and lying there. Commits between tips
don't count, as with `dvc gc -a -T`; --all-commits counts them too. DVC's run-cache is left alone.

With --remote: other clones are known only by the refs they have pushed, so that data of commits which nobody has
pushed yet is safe only while it is young (--older-than). Another repository that shares the remote would lose its data.

examples:
  dataops gc                        what would go from the cache
  dataops gc --yes                  remove it
  dataops gc --remote --yes         from the default remote as well
"""


def register(commands: argparse._SubParsersAction[Any]) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "gc",
        description="Say which objects of the cache (and of a remote) nothing needs, and with --yes remove them.",
        epilog=DETAILS,
        formatter_class=Help,
    )
    parser.add_argument("--remote", nargs="?", const="", metavar="NAME", help="also the default remote, or this one")
    parser.add_argument(
        "--older-than", type=age, metavar="AGE", help="younger objects stay, as 12h or 30d (cache: 1d; remote: 14d)"
    )
    parser.add_argument("--all-commits", action="store_true", help="keep what any commit needs, not only the tips")
    parser.add_argument("--yes", action="store_true", help="do it")
    parser.add_argument("--json", action="store_true", help="the result as JSON")
    parser.set_defaults(run=run)


def age(text: str) -> dt.timedelta:
    """`14d`, `12h` or `2w`."""
    import datetime as dt

    found = re.fullmatch(r"(\d{1,6})([hdw])", text.strip())
    if not found:
        raise argparse.ArgumentTypeError(f"{text!r} is no age like 14d or 12h")
    return int(found[1]) * {"h": dt.timedelta(hours=1), "d": dt.timedelta(days=1), "w": dt.timedelta(weeks=1)}[found[2]]


def run(arguments: argparse.Namespace) -> int:
    """Plan, show, and with --yes remove."""
    from dataops.cli.terminal import progress
    from dataops.files import to_json
    from dataops.versions import context, gc

    here = context.here()
    options = gc.Options(arguments.remote, arguments.older_than, arguments.all_commits)
    with progress("objects") as show:
        planned = (gc.collect if arguments.yes else gc.plan)(here, options, progress=show)
    if arguments.json:
        print(to_json(_json(planned, done=arguments.yes)), end="")
        return 0
    _show(here, planned, done=arguments.yes)
    if arguments.remote is not None:
        print(
            "other clones are known only by the refs they pushed; another repository on this remote would lose its data"
        )
    if any(place.unneeded for place in planned.places) and not arguments.yes:
        print("nothing was removed: `dataops gc --yes` with the same options does it")
    return 0


def _show(here: Context, planned: Plan, *, done: bool) -> None:
    from dataops.cli.terminal import size
    from dataops.store.cache import Cache
    from dataops.versions import gc

    print(f"{planned.commits:,} commits and the files lying here name {planned.needed:,} hashes")
    for place in planned.places:
        label = "cache " if place is planned.places[0] and place.store.kind == "folder" else "remote"
        verb = "removed" if done else "needed by nothing"
        stay = f"{place.kept:,} stay ({size(place.kept_size)})"
        young = f", {len(place.young):,} more when they are older" if place.young else ""
        print(f"{label}  {place.store.url}: {len(place.unneeded):,} {verb} ({size(place.size)}), {stay}{young}")
        if done or not place.unneeded:
            continue
        largest = sorted(place.unneeded, key=lambda one: -one.size)[:SHOWN]
        folders = [one.obj for one in place.unneeded if one.obj.is_folder]
        cache = here.cache or Cache(here.git.folder)
        used = gc.where_used(here, largest, cache, folders)
        for one in largest:
            print(f"  {size(one.size):>9}  {one.obj.digest[:7]}  {used[one.obj.digest] or 'no commit that is left'}")
        if len(place.unneeded) > SHOWN:
            print(f"  and {len(place.unneeded) - SHOWN:,} smaller ones")


def _json(planned: Plan, *, done: bool) -> dict[str, Any]:
    def one(place: Place) -> dict[str, Any]:
        return {
            "url": place.store.url,
            "kind": place.store.kind,
            "kept": place.kept,
            "kept_bytes": place.kept_size,
            "young": len(place.young),
            "unneeded": len(place.unneeded),
            "bytes": place.size,
            "objects": [{"hash": s.obj.digest, "bytes": s.size} for s in place.unneeded],
        }

    return {"commits": planned.commits, "removed": done, "places": [one(place) for place in planned.places]}
