"""Run as a program, in a worktree: DVC's own `repro` of single stages in a given order, and what came of each.

One process for all, as DVC takes seconds to start. It says what happens as lines of JSON on a pipe of its own, which no
stage has. When whoever started it is gone, everything that it started goes with it.

    python rerun.py PLAN      PLAN: {"root", "targets", "logs", "events", "life"} as JSON
"""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any


def main(plan: dict[str, Any]) -> None:
    """Look at every stage, then run one after the other, each when it is told to, until one fails."""
    threading.Thread(target=_watch, args=(plan["life"],), daemon=True).start()
    with os.fdopen(plan["events"], "w") as events:

        def say(event: str, **facts: Any) -> None:
            print(json.dumps({"event": event, **facts}), file=events, flush=True)

        _log(plan["logs"][0])
        try:
            from dvc.repo import Repo

            logging.getLogger("dvc").setLevel(logging.INFO)
            with Repo(plan["root"]) as repo:
                for target in plan["targets"]:
                    say("looked", target=target, **_looked(repo, target))
                say("ready")
                if not _all(repo, plan, say):
                    return
        except Exception as error:  # noqa: BLE001  whatever it is, it is told
            say("broken", message=_reasons(error))
            return
        say("done")


GO = threading.Semaphore(0)


def _watch(life: int) -> None:
    """A byte lets the next stage run; the end of the pipe says that nobody waits for the answer any more."""
    while os.read(life, 1):
        GO.release()
    os.killpg(0, signal.SIGKILL)


def _all(repo: Any, plan: dict[str, Any], say: Any) -> bool:
    for target, log in zip(plan["targets"], plan["logs"], strict=True):
        GO.acquire()
        _log(log)
        say("started", target=target)
        begun = time.monotonic()
        try:
            repo.reproduce(targets=[target], single_item=True, force=True, run_cache=False, no_commit=True)
            outs = _hashes(repo, _stage(repo, target).outs)
        except Exception as error:  # noqa: BLE001  a stage may fail in any way
            say("failed", target=target, message=_reasons(error), seconds=time.monotonic() - begun)
            return False
        say("ran", target=target, outs=outs, seconds=time.monotonic() - begun)
    return True


def _looked(repo: Any, target: str) -> dict[str, Any]:
    """What differs from dvc.lock before anything has run: {path: modified | deleted | new | {parameter: …}}."""
    stage = _stage(repo, target)
    found: dict[str, Any] = {}
    for dep in stage.deps:
        try:
            for state in dep.workspace_status().values():
                found[_path(repo, dep)] = state
        except Exception as error:  # noqa: BLE001  an external one may be out of reach
            found[_path(repo, dep)] = f"not known: {_reasons(error)}"
    outside = [str(out.def_path) for out in stage.outs if not _inside(repo, out)]
    return {
        "inputs": found,
        "cmd": bool(getattr(stage, "cmd_changed", False)),
        "notes": _odd(stage),
        "outside": outside,
    }


def _inside(repo: Any, out: Any) -> bool:
    """Does it lie in the worktree, links followed? DVC removes outputs before a stage runs."""
    if out.protocol != "local":
        return False
    real = Path(os.path.realpath(Path(out.fs_path).parent))
    return real.is_relative_to(os.path.realpath(repo.root_dir))


def _odd(stage: Any) -> list[str]:
    """What makes a stage one that can't be expected to give the same again."""
    persisted = [f"keeps {out.def_path} from run to run (persist)" for out in stage.outs if out.persist]
    return [*persisted, *(["is marked always_changed"] if stage.always_changed else [])]


def _stage(repo: Any, target: str) -> Any:
    (stage,) = repo.stage.collect(target)
    return stage


def _hashes(repo: Any, outs: Any) -> dict[str, str]:
    return {_path(repo, out): str(out.hash_info.value or "") for out in outs}


def _path(repo: Any, out: Any) -> str:
    """As dvc.lock's paths are read: relative to the DVC root, or a URL."""
    if out.protocol != "local":
        return str(out.def_path)
    return Path(os.path.relpath(out.fs_path, repo.root_dir)).as_posix()


def _log(path: str) -> None:
    """What DVC and the stage's command print goes there from now on."""
    sys.stdout.flush()
    sys.stderr.flush()
    log = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.close(log)


def _reasons(error: BaseException | None) -> str:
    """An error with what it came from, in one line."""
    told: list[str] = []
    while error is not None and len(told) < 5:
        told.append(" ".join(str(error).split()) or type(error).__name__)
        error = error.__cause__
    return ": ".join(dict.fromkeys(told))


if __name__ == "__main__":
    main(json.loads(Path(sys.argv[1]).read_text()))
