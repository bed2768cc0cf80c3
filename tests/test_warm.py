"""tests/warm.py: what is forked does what a started process does."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import warm

SEEN = """\
import atexit, os, sys, threading, time
atexit.register(lambda: print("at exit"))
threading.Thread(target=lambda: (time.sleep(0.1), print("from a thread"))).start()
print(sys.argv, sys.path[0], os.getcwd(), sorted(os.environ.items()), sys.stdin.read(), __name__)
print("told", file=sys.stderr)
"""
PROGRAMS = {
    "everything": SEEN,
    "a status": "import sys; sys.exit(3)",
    "a reason": "import sys; sys.exit('no luck')",
    "no reason": "import sys; sys.exit()",
    "killed": "import os; print('begun', flush=True); os.kill(os.getpid(), 9)",
    "lines": "print('a\\r\\nb\\rc')",
}


def started(command: list[str], cwd: Path, env: dict[str, str]) -> tuple[int, str, str]:
    """As everybody starts it."""
    done = subprocess.run(command, cwd=cwd, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    return done.returncode, done.stdout, done.stderr


def forked(command: list[str], cwd: Path, env: dict[str, str]) -> tuple[int, str, str]:
    """By `warm.run`, whose first call only starts it."""
    warm.run([sys.executable, "-c", ""], cwd, env)
    done = warm.run(command, cwd, env)
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("program", PROGRAMS)
def test_text_and_file(tmp_path: Path, program: str) -> None:
    """Arguments, folder, environment, no input, both streams, threads, what is registered for the end, the status."""
    (tmp_path / "code").mkdir()
    (tmp_path / "code/program.py").write_text(PROGRAMS[program])
    env = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "MINE": "ü"}
    for words in (["-c", PROGRAMS[program], "a b"], ["code/program.py", "a b"]):
        assert forked([sys.executable, *words], tmp_path, env) == started([sys.executable, *words], tmp_path, env)


def test_an_exception(tmp_path: Path) -> None:
    """Its traceback, on standard error, and 1."""
    status, out, err = forked([sys.executable, "-c", "print(1); {}['key']"], tmp_path, dict(os.environ))
    assert (status, out, err.splitlines()[-1]) == (1, "1\n", "KeyError: 'key'")


def test_commands(tmp_path: Path) -> None:
    """dvc and dataops by name and as modules."""
    for words in (["dvc", "--version"], ["dvc", "status"], ["dataops", "versions"], ["dataops", "nonsense"]):
        for command in (words, [sys.executable, "-m", *words]):
            assert forked(command, tmp_path, dict(os.environ)) == started(command, tmp_path, dict(os.environ))


def test_another_dvc(tmp_path: Path) -> None:
    """What PATH has is what runs."""
    (tmp_path / "dvc").write_text("#!/bin/sh\necho mine\n")
    (tmp_path / "dvc").chmod(0o755)
    env = os.environ | {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    assert forked(["dvc", "status"], tmp_path, env) == (0, "mine\n", "")


@pytest.mark.parametrize("kind", [list, tuple])
def test_it_is_forked(tmp_path: Path, kind: type[list[str]] | type[tuple[str, ...]]) -> None:
    """From the second call on, whatever sequence the command is."""
    command = kind([sys.executable, "-c", "import sys; print('pandas' in sys.modules)"])
    env = dict(os.environ) | {"LANG": f"C.{kind.__name__}"}  # a server of its own
    assert [warm.run(command, tmp_path, env).stdout for _ in range(3)] == ["False\n", "True\n", "True\n"]


def test_both_streams_in_one(tmp_path: Path) -> None:
    """In the order of writing."""
    command = [sys.executable, "-c", "import sys; print(1, flush=True); print(2, file=sys.stderr); print(3)"]
    for _ in range(2):
        done = warm.run(command, tmp_path, merged=True)
        assert (done.stdout, done.stderr) == ("1\n2\n3\n", "")
