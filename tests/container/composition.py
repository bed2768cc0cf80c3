"""This repository as compose runs it, and the way a person works with it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from checkout import plant

DOCKER = ("DOCKER_HOST", "DOCKER_CONFIG", "DATAOPS_BASE_IMAGE", "DATAOPS_CA")


@dataclass
class Composition:
    """A fresh clone with its `.env`, and its two services."""

    path: Path
    uid: int

    def run(self, *command: str, status: int | None = 0) -> subprocess.CompletedProcess[str]:
        """Run a command on the host; fails the test when the exit status is another."""
        done = subprocess.run(
            command, cwd=self.path, env=environment(), stdin=subprocess.DEVNULL, capture_output=True, text=True
        )
        if status is not None:
            assert done.returncode == status, f"{' '.join(command)}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    def compose(self, *arguments: str, status: int | None = 0) -> str:
        """`docker compose …`; what it printed."""
        done = self.run("docker", "compose", *arguments, status=status)
        return done.stdout + done.stderr

    def inside(self, script: str, status: int | None = 0) -> str:
        """A line of shell in the service `dvc`; what it printed."""
        return self.compose("exec", "-T", "dvc", "bash", "-c", script, status=status)

    def begin(self, script: str) -> subprocess.Popen[bytes]:
        """The same, not waited for."""
        command = ["docker", "compose", "exec", "-T", "dvc", "bash", "-c", script]
        return subprocess.Popen(
            command,
            cwd=self.path,
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def container(self, service: str) -> str:
        """The id of a service's container."""
        return self.run("docker", "compose", "ps", "-q", service).stdout.strip()

    def settings(self) -> dict[str, str]:
        """What `.env` says."""
        lines = (self.path / ".env").read_text().splitlines()
        return dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))


def environment() -> dict[str, str]:
    """This environment's programs and its Docker engine, nobody's settings."""
    kept = {name: os.environ[name] for name in ("HOME", "TMPDIR", *DOCKER) if os.environ.get(name)}
    path = f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin"
    return {"LANG": "C.UTF-8", "PATH": path, "DVC_NO_ANALYTICS": "1", **kept}


@contextmanager
def composition(folder: Path, lines: Sequence[str] = ()) -> Iterator[Composition]:
    """A clone whose owner is not root, with these lines in its `.env`; what Docker made of it goes at the end."""
    plant(folder)
    uid = os.getuid() or 33  # one that the image has already
    (folder / ".env").write_text("".join(f"{line}\n" for line in [f"DATAOPS_UID={uid}", f"DATAOPS_GID={uid}", *lines]))
    made = Composition(folder, uid)
    made.run("bash", "scripts/compose_env.sh")
    if uid != os.getuid():
        made.run("chown", "-R", f"{uid}:{uid}", ".")
    try:
        yield made
    finally:
        made.compose("down", "--volumes", "--rmi", "all", status=None)
