"""Python programs that needn't import first: each is forked from a process that has imported what they use.

Two thirds of a `dvc` command's processor time are imports, and the tests run `dvc` and `dataops` thousands of times.
What runs here is the real program in a process of its own, with its own folder, environment, arguments and exit status;
only packages from outside this repository are there already. What it starts itself, as dataops does dvc and dvc the
stages, comes from such a process, too (warmstub.py). A test about the start itself (what is imported, hash
seeds, a broken environment), or one that needs the process while it runs, uses `subprocess`, as tests/e2e always does.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import gc
import importlib
import json
import os
import runpy
import select
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

import warmstub

DVC = (
    "configobj",
    "dvc.cli.parser",
    "dvc.daemon",
    "dvc.lock",
    "dvc.render",
    "dvc.repo",
    "dvc.scm",
    "dvc.stage.loader",
    "dvc_s3",
    "flufl.lock",
    "networkx",
    "psutil",
    "pygit2",
    "rich.table",
    "ruamel.yaml",
    "scmrepo.git",
)
OTHERS = ("boto3", "pandas", "psutil", "pyarrow.parquet", "pydantic", "requests", "ruamel.yaml", "yaml")
REAL = Path(sys.executable).parent
_servers: dict[str, socket.socket | None] = {}  # by key; ours of a pair whose end they wait for


def run(
    command: Sequence[str], cwd: Path, env: Mapping[str, str] | None = None, *, merged: bool = False
) -> subprocess.CompletedProcess[str]:
    """`subprocess.run` without input and with its output as text; `merged` has both streams in stdout."""
    command, env = list(command), os.environ if env is None else env
    words = _words(command, env.get("PATH"))
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err, Path(os.devnull).open() as nothing:
        streams = nothing.fileno(), out.fileno(), (out if merged else err).fileno()
        status = _ask(words, cwd, env, streams) if words else None
        if status is None:
            stdin, stdout, stderr = streams
            status = subprocess.run(
                command, cwd=cwd, env=env, stdin=stdin, stdout=stdout, stderr=stderr, check=False
            ).returncode
        return subprocess.CompletedProcess(list(command), status, _text(out), _text(err))


def _words(command: Sequence[str], path: str | None) -> list[str]:
    """What follows `python` where that is what runs, and it is one of ours; else nothing."""
    if command[0] in warmstub.PROGRAMS:
        program = str(REAL / command[0])
        return [program, *command[1:]] if shutil.which(command[0], path=path) == program else []
    is_module = command[1:2] == ["-m"] and command[2] in warmstub.PROGRAMS
    is_python = command[0] == sys.executable and (is_module or command[1] == "-c" or command[1].endswith(".py"))
    return list(command[1:]) if is_python else []


def _ask(words: list[str], cwd: Path, env: Mapping[str, str], streams: Sequence[int]) -> int | None:
    """By the server that starts as this program would; None for the first call, which may be the only one."""
    kind = warmstub.preloaded(words)
    name = warmstub.key(kind, env)
    if name not in _servers:
        _servers[name] = None
        return None
    ours = kind == "dvc" or words[0] == "-m" or Path(words[0]).parent == REAL
    for each in {kind, "dvc"} if ours else {kind}:  # what dataops starts is dvc
        _start(each, env)
    inner = (_inner(env), f"{_place()}/bin/python") if ours else (dict(env), None)
    return warmstub.ask(f"{_place()}/{name}", [words, str(cwd), *inner], streams)


def _start(kind: str, env: Mapping[str, str]) -> None:
    """The server, where it isn't there."""
    name = warmstub.key(kind, env)
    if _servers.get(name):
        return
    env = dict(env) | {"PYTHONPATH": os.pathsep.join(warmstub.paths(env, at_start=True))}
    ours, theirs = socket.socketpair()
    with theirs, socket.socket(socket.AF_UNIX) as door:
        door.bind(f"{_place()}/{name}")
        door.listen(64)
        files = [door.fileno(), theirs.fileno()]
        subprocess.Popen(
            [sys.executable, __file__, *map(str, files), *(DVC if kind == "dvc" else OTHERS)],
            env=env,
            pass_fds=files,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )
    _servers[name] = ours


@functools.cache
def _place() -> Path:
    """A folder with the servers' sockets, and with the environment's programs, of which some ask the servers."""
    place = Path(tempfile.mkdtemp(prefix="warm"))
    atexit.register(shutil.rmtree, place, ignore_errors=True)
    (place / "real").symlink_to(REAL)
    (place / "bin").mkdir()
    stub = f"#!{sys.executable} -IS\n{Path(warmstub.__file__).read_text()}"
    for program in REAL.iterdir():
        mine = place / "bin" / program.name
        if program.name.startswith("python") or program.name in warmstub.PROGRAMS:
            mine.write_text(stub)
            mine.chmod(0o755)
        else:
            mine.symlink_to(program)
    return place


def _inner(env: Mapping[str, str]) -> dict[str, str]:
    """The environment whose programs are those of the place."""
    found = dict(env)
    if "PATH" in env:
        folders = env["PATH"].split(os.pathsep)
        found["PATH"] = os.pathsep.join(str(_place() / "bin") if Path(each) == REAL else each for each in folders)
    if env.get("VIRTUAL_ENV", str(REAL.parent)) == str(REAL.parent):
        found["VIRTUAL_ENV"] = str(_place())
    return found


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode().replace("\r\n", "\n").replace("\r", "\n")


def serve(door: socket.socket, life: socket.socket) -> list[str]:
    """Fork for each request; returns, in what is forked, the words after `python` that it is to run."""
    while True:
        if life in select.select([door, life], [], [])[0]:
            os._exit(0)
        line, _ = door.accept()
        if os.fork() == 0:
            break
        line.close()
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
    door.close()
    life.close()
    _, files, *_ = socket.recv_fds(line, 1, 3)
    if program := os.fork():
        for file in files:
            os.close(file)
        code = os.waitstatus_to_exitcode(os.waitpid(program, 0)[1])
        with contextlib.suppress(BrokenPipeError):
            line.sendall(str(code).encode())
        os._exit(0)
    with line, line.makefile() as asked:
        words, cwd, env, python = json.load(asked)
    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(env)
    sys.executable = python or sys.executable
    return words


def become(words: list[str]) -> None:
    """What `python WORDS` does."""
    sys.path[:0] = warmstub.paths(os.environ, at_start=False)
    safe = words[0] == "-P"
    words = words[safe:]
    if words[0] == "-m":
        if not safe:
            sys.path.insert(0, str(Path.cwd()))
        sys.argv = words[1:]
        runpy.run_module(words[1], run_name="__main__", alter_sys=True)
    elif words[0] == "-c":
        sys.path.insert(0, "")
        sys.argv = ["-c", *words[2:]]
        exec(compile(words[1], "<string>", "exec"), {"__name__": "__main__"})
    else:
        sys.path.insert(0, str(Path(words[0]).resolve().parent))
        sys.argv = words
        runpy.run_path(words[0], run_name="__main__")


def end(reason: BaseException | None) -> None:
    """What Python does at its end, except for taking a thousand modules apart, which takes longer than all the rest."""
    status = reason.code if isinstance(reason, SystemExit) else reason and 1
    if isinstance(status, str):
        print(status, file=sys.stderr)
    elif reason and not isinstance(reason, SystemExit):
        traceback.print_exception(reason)
    vars(threading)["_shutdown"]()  # waits for threads, those of executors too
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(1 if isinstance(status, str) else status or 0)


def main() -> None:
    """Import, then become one program after the other."""
    door, life = (socket.socket(fileno=int(number)) for number in sys.argv[1:3])
    sys.path.pop(0)  # this folder
    for name in sys.argv[3:]:
        importlib.import_module(name)
    gc.collect()
    gc.freeze()
    words = serve(door, life)
    try:
        become(words)
    finally:
        end(sys.exception())


if __name__ == "__main__":
    main()
