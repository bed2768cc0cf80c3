"""`python`, `dvc` and `dataops` as forked programs find them: a server of warm.py forks what they start, too.

Run as `python -IS` from a copy in a folder `bin`, beside which `real` has the environment's programs and `KEY` are the
servers' sockets. What no server has loaded is started as ever.
"""

from __future__ import annotations

import binascii
import json
import os
import socket
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

AT_START = ("LANG", "LC_", "PYTHON", "SOCKET_GUARD", "TZ")  # what is read of the environment once
PROGRAMS = ("dataops", "dvc")


def preloaded(words: Sequence[str]) -> str:
    """Which of two sets of packages `python WORDS` uses."""
    return "dvc" if "dvc" in (Path(words[0]).name, *words[1:3]) else "others"


def key(kind: str, env: Mapping[str, str]) -> str:
    """The name of the server which starts as this environment says."""
    found = {name: value for name, value in env.items() if name.startswith(AT_START)}
    found["PYTHONPATH"] = os.pathsep.join(paths(env, at_start=True))
    return f"{kind}-{binascii.crc32(json.dumps(sorted(found.items())).encode()):08x}"


def paths(env: Mapping[str, str], *, at_start: bool) -> list[str]:
    """The folders of PYTHONPATH with code that runs at the start, or those which only add modules."""
    given = filter(None, env.get("PYTHONPATH", "").split(os.pathsep))
    return [path for path in given if Path(path, "sitecustomize.py").exists() == at_start]


def ask(server: str, request: Sequence[object], streams: Sequence[int]) -> int | None:
    """The exit status of what has these three streams; nothing where no server listens.

    A request is: the words after `python`, folder, environment, what the program takes for its Python.
    """
    with socket.socket(socket.AF_UNIX) as line:
        try:
            line.connect(server)
        except OSError:
            return None
        socket.send_fds(line, [b"!"], list(streams))
        line.sendall(json.dumps(request).encode())
        line.shutdown(socket.SHUT_WR)
        return int(line.recv(16))


def forked(command: Sequence[str]) -> list[str]:
    """What follows `python` where a server would fork it; else nothing."""
    name = Path(command[0]).name
    if name in PROGRAMS:
        return [f"{REAL}/{name}", *command[1:]]
    rest = command[2:] if command[1:2] == ["-P"] else command[1:]
    module = rest[1] if rest[0:1] == ["-m"] and rest[1:] else ""
    return list(command[1:]) if module in PROGRAMS or module.startswith("pipeline.") else []


def main() -> None:
    """Ask, else start."""
    if words := forked(sys.argv):
        server = f"{PLACE}/{key(preloaded(words), os.environ)}"
        status = ask(server, [words, str(Path.cwd()), dict(os.environ), f"{PLACE}/bin/python"], (0, 1, 2))
        if status is not None and status < 0:
            os.kill(os.getpid(), -status)
        if status is not None:
            os._exit(status)
    program = f"{REAL}/{Path(sys.argv[0]).name}"
    os.execv(program, [program, *sys.argv[1:]])


if __name__ == "__main__":
    PLACE = Path(__file__).absolute().parents[1]
    REAL = (PLACE / "real").readlink()  # Python looks for its environment beside the name that it is started by
    main()
