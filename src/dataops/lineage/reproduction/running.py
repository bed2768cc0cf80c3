"""Having stages run in a worktree by a process of its own, with nothing of this one's place in its environment."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from dataops.errors import DataOpsError
from dataops.lineage.reproduction.scratchtree import Scratch
from dataops.repo.gitenv import LOCAL

PROGRAM = Path(__file__).with_name("rerun.py")
LAST = 12  # lines of a failed stage that are shown
LONGEST = 400  # characters of one of them


@dataclass
class Running:
    """The process, and the lines that it says."""

    process: subprocess.Popen[bytes]
    events: IO[str]
    life: int
    logs: Sequence[Path]

    def looked(self) -> dict[str, dict[str, Any]]:
        """What each stage finds changed against dvc.lock, by target, before anything runs.

        Raises:
            DataOpsError: DVC can't read that commit.
        """
        found: dict[str, dict[str, Any]] = {}
        for event in self.said():
            if event["event"] == "ready":
                return found
            found[str(event["target"])] = event
        last = last_lines(self.logs[0])
        raise DataOpsError("dvc ended before anything ran", last[-1] if last else "it was killed: is memory short?")

    def go(self) -> None:
        """Let the next stage run."""
        with contextlib.suppress(BrokenPipeError):  # it is gone, as its silence will tell
            os.write(self.life, b"g")

    def said(self) -> Iterator[dict[str, Any]]:
        """One event after the other until it is done.

        Raises:
            DataOpsError: DVC itself failed, outside of any stage.
        """
        for line in self.events:
            event: dict[str, Any] = json.loads(line)
            if event["event"] == "broken":
                raise DataOpsError(
                    f"dvc can't work with that commit: {event['message']}",
                    "the DVC that is installed here may be too new for it, or too old",
                )
            if event["event"] == "done":
                return
            yield event


@contextlib.contextmanager
def running(scratch: Scratch, root: Path, targets: Sequence[str], environment: Mapping[str, str]) -> Iterator[Running]:
    """Start it at the DVC root `root` of the worktree; at the end of the block nothing of it is left."""
    folder = scratch.folder / "logs"
    folder.mkdir()
    logs = [folder / f"{place:02}-{_plain(target)}.txt" for place, target in enumerate(targets, 1)]
    told, tell = os.pipe()
    alive, life = os.pipe()
    plan = {"root": str(root), "targets": list(targets), "logs": list(map(str, logs)), "events": tell, "life": alive}
    (scratch.folder / "plan.json").write_text(json.dumps(plan))
    try:
        process = subprocess.Popen(
            [sys.executable, "-P", str(PROGRAM), str(scratch.folder / "plan.json")],
            cwd=root,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=(tell, alive, scratch.lock),
            start_new_session=True,
        )
    finally:
        os.close(tell)
        os.close(alive)
    try:
        with os.fdopen(told) as events:
            yield Running(process, events, life, logs)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        os.close(life)


def environment(scratch: Scratch, top: Path) -> dict[str, str]:
    """The user's own environment for stages that run in the worktree instead of in `top`.

    What git's hooks pass on is left out. Code that is imported from `top` (PYTHONPATH, an editable installation) is
    imported from the worktree: else today's code would run, not the commit's. Training is done here: a job on
    SageMaker with these inputs would be found completed, and its model taken, which proves nothing.
    """
    kept = {name: value for name, value in os.environ.items() if name not in LOCAL}
    paths = [*filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep)), *_editable(top)]
    moved = dict.fromkeys(str(_moved(path, top, scratch.top)) for path in paths)
    search = {"PYTHONPATH": os.pathsep.join(moved)} if moved else {}
    own = {"DVC_NO_ANALYTICS": "1", "DVC_SITE_CACHE_DIR": str(scratch.folder / "site")}
    return {**kept, **search, **own, "DATAOPS_TRAIN__BACKEND": "local"}


def last_lines(log: Path) -> tuple[str, ...]:
    """How a log ends."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - LAST * LONGEST * 2))
            lines = file.read().decode(errors="replace").splitlines()
    except OSError:
        return ()
    return tuple(line[:LONGEST] for line in [line for line in lines if line.strip()][-LAST:])


def _editable(top: Path) -> list[str]:
    """Where this environment imports code of the work tree from, its own programs aside."""
    return [path for path in sys.path if Path(path).is_absolute() and _moved(path, top, Path("/")) != Path(path)]


def _moved(path: str, top: Path, other: Path) -> Path:
    whole = Path(path).absolute()
    own = whole.is_relative_to(top) and not whole.is_relative_to(sys.prefix)
    return other / whole.relative_to(top) if own else Path(path)


def _plain(target: str) -> str:
    return "".join(letter if letter.isalnum() or letter in "._@-" else "-" for letter in target)[-80:]
