"""`dataops hook`: what git's hooks and its merge driver run; nobody types these."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from dataops.cli.terminal import Help
from dataops.cli.versiontext import line
from dataops.errors import DataOpsError

if TYPE_CHECKING:
    from dataops.guard.hooks.absent import Missing
    from dataops.guard.hooks.checkout import Outcome
    from dataops.guard.hooks.prepush import Verdict

SHOWN = 10
FEW = 3
EXAMPLES = """\
examples:
  dataops hook install                       the hooks and the merge driver in this clone, beside those of others
  dataops hook pre-push </dev/null           by hand: the commits of HEAD that no remote branch has
"""


def register(commands: argparse._SubParsersAction[Any]) -> None:
    """Add the commands; git calls them, but for `install`."""
    parser = commands.add_parser(
        "hook",
        description="What git's hooks and merge driver run.",
        epilog=EXAMPLES,
        formatter_class=Help,
    )
    hooks = parser.add_subparsers(title="hooks", metavar="HOOK", required=True)
    one = hooks.add_parser("install", help="put the hooks and the merge driver into this clone")
    one.set_defaults(run=install)
    one = hooks.add_parser("pre-push", help="refuse a push whose data is not on the DVC remote")
    one.add_argument("arguments", nargs="*", metavar="REMOTE URL", help="as git gives them; refs on standard input")
    one.set_defaults(run=pre_push)
    one = hooks.add_parser("post-checkout", help="check data out after a switch of branches")
    one.add_argument("arguments", nargs="*", metavar="OLD NEW FLAG", help="as git gives them")
    one.set_defaults(run=post_checkout)
    one = hooks.add_parser("post-merge", help="check data out after a merge")
    one.add_argument("arguments", nargs="*", metavar="SQUASH", help="as git gives it")
    one.set_defaults(run=post_merge)
    one = hooks.add_parser("post-rewrite", help="check data out after a rebase, as `git pull --rebase` does it")
    one.add_argument("arguments", nargs="*", metavar="COMMAND", help="as git gives it: amend or rebase")
    one.set_defaults(run=post_rewrite)
    one = hooks.add_parser(
        "post-index-change", help="check data out where the merge driver has united a folder's files"
    )
    one.add_argument("arguments", nargs="*", metavar="FLAG", help="as git gives them")
    one.set_defaults(run=post_index_change)
    one = hooks.add_parser("merge-driver", help="merge dvc.lock by stage, a .dvc file by the files of its folder")
    for name, what in (
        ("ancestor", "the merge base's"),
        ("our", "ours, which the result replaces"),
        ("their", "theirs"),
    ):
        one.add_argument(f"--{name}", required=True, metavar="FILE", help=f"{what}: %%{name[0].upper()} of git")
    one.add_argument("--path", required=True, help="where the file belongs: %%P of git")
    one.add_argument("--virtual", action="store_true", help="for a merge base that git makes of several")
    one.set_defaults(run=merge_driver)


def install(_: argparse.Namespace) -> int:
    """Install, and say what was done."""
    from pathlib import Path

    from dataops.guard.hooks import installed

    for done in installed.install(Path.cwd()) or ["the hooks and the merge driver are installed already"]:
        print(line(done))
    return 0


def pre_push(arguments: argparse.Namespace) -> int:
    """Check what git is about to push; on standard error, as git's own words are."""
    from pathlib import Path

    from dataops.cli.terminal import progress
    from dataops.guard.hooks import prepush, pushed

    top = Path.cwd()
    if _skipped("pre-push"):
        return 0
    if arguments.arguments:
        push = pushed.parse(sys.stdin.buffer.read(), *arguments.arguments[:2])
    else:
        found = prepush.by_framework(top, os.environ)
        if found is None:
            return 0
        push = found
    try:
        with progress("objects") as show:
            verdict = prepush.check(top, push, show)
    except DataOpsError as error:
        said = f"{prepush.RULE} it can't be checked whether the pushed data is on the DVC remote: {line(error.message)}"
        print(DataOpsError(said, f"{error.hint}; {prepush.OVERRIDE}".removeprefix("; ")), file=sys.stderr)
        return 1
    for note in verdict.notes:
        print(f"warning: {line(note)}: its data was not looked for", file=sys.stderr)
    if not verdict.missing:
        return 0
    print("\n".join(_refusal(verdict)), file=sys.stderr)
    return 1


def post_checkout(arguments: argparse.Namespace) -> int:
    """Bring the data to what the commit records that git has switched to; a file alone (`git checkout -- FILE`) is
    none. Git ends with the hook's status, so that is 0 whatever happens.
    """
    old, _, flag = (*arguments.arguments, "", "", "1")[:3] if arguments.arguments else ("", "", "1")
    return _after(None if set(old) <= {"0"} else old) if flag == "1" else 0


def post_merge(arguments: argparse.Namespace) -> int:
    """The same after a merge; one that only squashes leaves HEAD where it was."""
    return _after("HEAD" if arguments.arguments[:1] == ["1"] else "ORIG_HEAD")


def post_rewrite(arguments: argparse.Namespace) -> int:
    """The same after a rebase; an amended commit has the data of before."""
    return _after("ORIG_HEAD") if arguments.arguments[:1] != ["amend"] else 0


def _skipped(what: str) -> bool:
    """As pre-commit has it: `SKIP=dataops-pre-push git push`, `SKIP=dataops-checkout git switch …`."""
    return f"dataops-{what}" in os.environ.get("SKIP", "").split(",")


def post_index_change(_: argparse.Namespace) -> int:
    """The same once the merge driver's work lies in the work tree, though git may have stopped at a conflict."""
    from pathlib import Path

    from dataops.guard.hooks import checkout

    return _told(lambda: checkout.after_driver(Path.cwd()))


def _after(old: str | None) -> int:
    from pathlib import Path

    from dataops.guard.hooks import checkout

    return _told(lambda: checkout.after(Path.cwd(), old))


def _told(bring: Callable[[], Outcome]) -> int:
    """Bring the data along and say what came of it; git goes on whatever that is."""
    if _skipped("checkout"):
        return 0
    try:
        lines = _outcome(bring())
    except (DataOpsError, OSError) as error:
        lines = [f"data was not checked out: {line(getattr(error, 'message', error))}"]
    if lines:
        print("\n".join(lines), file=sys.stderr)
    return 0


def merge_driver(arguments: argparse.Namespace) -> int:
    """Merge, and tell git by a status that the driver's script knows."""
    from pathlib import Path

    from dataops.guard.hooks.hookscript import CONFLICT, MERGED
    from dataops.guard.merge import merging

    files = merging.Sides(*(Path(one) for one in (arguments.ancestor, arguments.our, arguments.their)))
    merged = merging.merge(Path.cwd(), files, arguments.path, virtual=arguments.virtual)
    for said in merged.said if not arguments.virtual else ():
        print(f"{line(arguments.path)}: {line(said)}", file=sys.stderr)
    return CONFLICT if merged.conflict else MERGED


def _refusal(verdict: Verdict) -> list[str]:
    """What is missing, and what to do."""
    from dataops.guard.hooks import prepush

    urls = ", ".join(dict.fromkeys(line(one.url) for one in verdict.missing))
    count = len(verdict.missing)
    lines = [
        f"error: {prepush.RULE} {count:,} output{'s' * (count != 1)} of the pushed commits "
        f"{'are' if count != 1 else 'is'} not on the DVC remote ({urls})"
    ]
    lines += [f"  {_output(one)}" for one in verdict.missing[:SHOWN]]
    if count > SHOWN:
        lines.append(f"  and {count - SHOWN:,} more")
    if any(not one.here for one in verdict.missing):
        lines.append("  what this clone's cache lacks, only a clone that has it can push")
    do = " and ".join(f"`{line(command)}`" for command in verdict.commands) or "have it pushed from there"
    return [*lines, f" hint: {do}, then `git push` again; {prepush.OVERRIDE}"]


def _output(one: Missing) -> str:
    """`data/landing: 3 of 12 files (a.csv, b.csv, …), data/landing.dvc, commit 1a2b3c4`."""
    what = line(one.added.path)
    if one.files:
        names = ", ".join(line(name, 60) for name in one.files[:3]) + (", …" if len(one.files) > 3 else "")
        what += f": {len(one.files):,} of {one.of:,} file{'s' * (one.of != 1)} ({names})"
    elif one.added.obj.is_folder:
        what += ": the list of its files"
    lost = "" if one.here else ", nor in this clone's cache"
    return f"{what}, {line(one.added.by)}, commit {one.added.commit[:7]}{lost}"


def _outcome(found: Outcome) -> list[str]:
    """What deserves a line after a switch or a merge."""
    if found.busy:
        return [
            f"{found.busy} in progress: the data was left as it was; `dvc checkout` brings what this commit records"
        ]
    lines = []
    if found.done:
        lines.append(f"data checked out: {_listed(found.done)}")
    if found.removed:
        lines.append(f"data not recorded here any more, removed (the cache has it): {_listed(found.removed)}")
    for path, names in found.unsaved.items():
        what = f"{_listed(names)} {'are' if len(names) > 1 else 'is'}" if names else "it is"
        lines.append(f"{line(path)} was left as it was: {what} neither recorded nor in the cache")
        lines.append(f" hint: `git switch -` goes back; `dvc checkout --force {_quoted(path)}` drops the changes")
    if found.absent:
        lines.append(f"not in this clone's cache: {_listed(found.absent)}; `dvc pull` brings it")
    lines += [f"{line(problem)}: its data was left as it was" for problem in found.problems]
    return [*lines, *(f"dvc checkout: {line(said)}" for said in found.failed)]


def _listed(paths: Sequence[str]) -> str:
    """The first few."""
    more = f" and {len(paths) - FEW:,} more" if len(paths) > FEW else ""
    return ", ".join(line(path, 80) for path in paths[:FEW]) + more


def _quoted(path: str) -> str:
    """A path as a shell takes it."""
    import shlex

    return line(shlex.quote(path))
