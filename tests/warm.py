"""Python programs that needn't import first: each is forked from a process that has imported what they use.

Two thirds of a `dvc` command's processor time are imports, and the tests run `dvc` and `dataops` thousands of times.
What runs here is the real program in a process of its own, with its own folder, environment, arguments and exit status;
only packages from outside this repository are there already. A test about the start itself (what is imported, hash
seeds, a broken environment), or one that needs the process while it runs, uses `subprocess`, as tests/e2e always does.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import importlib
import json
import os
import runpy
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
PROGRAMS = ("dataops", "dvc")
AT_START = ("LANG", "LC_", "PYTHON", "SOCKET_GUARD", "TZ")  # what is read of the environment once
Key = tuple[tuple[str, ...], tuple[tuple[str, str], ...]]
_servers: dict[Key, socket.socket | None] = {}


def run(
    command: Sequence[str], cwd: Path, env: Mapping[str, str] | None = None, *, merged: bool = False
) -> subprocess.CompletedProcess[str]:
    """`subprocess.run` without input and with its output as text; `merged` has both streams in stdout."""
    command = list(command)  # a slice of a tuple equals no list
    env = os.environ if env is None else env
    words = _words(command, env.get("PATH"))
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        streams = out, out if merged else err
        server = _server(words, env) if words else None
        if server is None:
            stdin = subprocess.DEVNULL
            done = subprocess.run(
                command, cwd=cwd, env=env, stdin=stdin, stdout=streams[0], stderr=streams[1], check=False
            )
            status = done.returncode
        else:
            status = _ask(server, [words, str(cwd), dict(env)], streams)
        return subprocess.CompletedProcess(command, status, _text(out), _text(err))


def _words(command: list[str], path: str | None) -> list[str]:
    """What follows `python` where that is what runs, and it is one of ours; else nothing."""
    if command[0] in PROGRAMS:
        program = str(Path(sys.executable).with_name(command[0]))
        return [program, *command[1:]] if shutil.which(command[0], path=path) == program else []
    is_module = command[1:2] == ["-m"] and command[2] in PROGRAMS
    is_python = command[0] == sys.executable and (is_module or command[1] == "-c" or command[1].endswith(".py"))
    return command[1:] if is_python else []


def _server(words: list[str], env: Mapping[str, str]) -> socket.socket | None:
    """The one that starts as this program would; None for the first call, which may be the only one."""
    preloaded = DVC if "dvc" in (Path(words[0]).name, *words[1:2]) else OTHERS
    key = preloaded, tuple(sorted((name, value) for name, value in env.items() if name.startswith(AT_START)))
    if key not in _servers:
        _servers[key] = None
    elif _servers[key] is None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            subprocess.Popen(
                [sys.executable, __file__, str(theirs.fileno()), *preloaded],
                env=env,
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
            )
        _servers[key] = ours
    return _servers[key]


def _ask(server: socket.socket, request: list[object], streams: Sequence[IO[bytes]]) -> int:
    """The program's exit status."""
    ours, theirs = os.pipe()
    with os.fdopen(ours) as status, tempfile.TemporaryFile() as asked:
        asked.write(json.dumps(request).encode())
        asked.seek(0)
        socket.send_fds(server, [b"run"], [file.fileno() for file in (asked, *streams)] + [theirs])
        os.close(theirs)
        return int(status.read())


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode().replace("\r\n", "\n").replace("\r", "\n")


def serve(server: socket.socket) -> list[str]:
    """Fork for each request; returns, in what is forked, the words after `python` that it is to run."""
    while True:
        _, files, *_ = socket.recv_fds(server, 16, 4)
        if not files:
            os._exit(0)
        if os.fork() == 0:
            break
        for file in files:
            os.close(file)
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
    server.close()
    asked, out, err, status = files
    if program := os.fork():
        code = os.waitstatus_to_exitcode(os.waitpid(program, 0)[1])
        os.write(status, str(code).encode())
        os._exit(0)
    os.close(status)
    with os.fdopen(asked) as file:
        words, cwd, env = json.load(file)
    for file, number in ((out, 1), (err, 2)):
        os.dup2(file, number)
        os.close(file)
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(env)
    return words


def become(words: list[str]) -> None:
    """What `python WORDS` does."""
    if words[0] == "-m":
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
    with socket.socket(fileno=int(sys.argv[1])) as server:
        sys.path.pop(0)  # this folder
        for name in sys.argv[2:]:
            importlib.import_module(name)
        gc.collect()
        gc.freeze()
        words = serve(server)
    try:
        become(words)
    finally:
        end(sys.exception())


if __name__ == "__main__":
    main()
