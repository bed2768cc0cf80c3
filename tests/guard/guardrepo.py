"""Real repositories for tests of the guards: plain git and DVC, one for each `cache.type`, with the hook installed."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import warm

BIN = Path(sys.executable).parent
CONFIG = """\
default_install_hook_types: [pre-commit]
repos:
  - repo: local
    hooks:
      - id: dataops-check
        name: check
        entry: dataops check
        language: system
        stages: [pre-commit]
        always_run: true
        pass_filenames: false
        require_serial: true
        verbose: true
"""
STAGES = """\
stages:
  total:
    cmd: python total.py
    deps: [data/one.csv, total.py]
    params: [total]
    outs: [data/total.csv]
    metrics:
      - metrics.json: {cache: false}
"""
CODE = """\
import json, pathlib, re
scale = int(re.search(r"scale: (\\d+)", pathlib.Path("params.yaml").read_text())[1])
total = sum(int(line.split(",")[1]) for line in pathlib.Path("data/one.csv").read_text().splitlines()[1:]) * scale
pathlib.Path("data/total.csv").write_text(f"total\\n{total}\\n")
pathlib.Path("metrics.json").write_text(json.dumps({"total": total}))
"""


@dataclass
class Done:
    """How a command ended."""

    status: int
    text: str
    """What it printed, both streams."""


@dataclass
class Repo:
    """One repository."""

    path: Path

    def run(self, *command: str, env: dict[str, str] | None = None) -> Done:
        """Run a program in it; no terminal, no input."""
        kept = {
            name: value for name, value in os.environ.items() if not name.startswith(("GIT_", "DATAOPS_", "PRE_COMMIT"))
        }
        who = {
            f"GIT_{role}_{what}": value
            for role in ("AUTHOR", "COMMITTER")
            for what, value in (("NAME", "Tess Ter"), ("EMAIL", "tess@example.com"))
        }
        private = {
            "GIT_CONFIG_GLOBAL": "/dev/null",
            "DVC_NO_ANALYTICS": "1",
            "PRE_COMMIT_HOME": str(self.path.parent / "pre-commit"),
        }
        path = {"PATH": f"{BIN}{os.pathsep}{kept['PATH']}", "PYTHONPATH": str(Path(__file__).parents[2] / "src")}
        done = warm.run(command, self.path, {**kept, **who, **private, **path, **(env or {})}, merged=True)
        return Done(done.returncode, done.stdout)

    def ok(self, *command: str) -> str:
        """Run a program that has to end well."""
        done = self.run(*command)
        assert done.status == 0, f"{command}: {done.text}"
        return done.text

    def shell(self, *lines: str) -> None:
        """Commands of a shell, as they are printed."""
        for line in lines:
            needs_shell = re.search(r"[^\w\s./@:-]", line)
            self.ok(*(["bash", "-c", line] if needs_shell else line.split()))

    def write(self, name: str, content: str | bytes) -> None:
        """One file; a link of DVC's is replaced, as an editor does."""
        target = self.path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.unlink(missing_ok=True)
        target.write_bytes(content if isinstance(content, bytes) else content.encode())

    def read(self, name: str) -> str:
        """One file."""
        return (self.path / name).read_text()

    def check(self, *arguments: str) -> Done:
        """`dataops check`."""
        return self.run("dataops", "check", *arguments)

    def commit(self, message: str = "x", *arguments: str) -> Done:
        """`git commit` of what is staged, with the hook."""
        return self.run("git", "commit", "-q", "-m", message, *arguments)

    def head(self) -> str:
        """The commit that is checked out."""
        return self.ok("git", "rev-parse", "HEAD").strip()


def planted(path: Path, cache_type: str) -> Repo:
    """A repository with a file, a folder and a stage that DVC tracks, all committed; the hook is installed."""
    path.mkdir(parents=True)
    repo = Repo(path)
    repo.shell(
        "git init -q -b main", "dvc init -q", f"dvc config cache.type {cache_type}", "dvc config core.analytics false"
    )
    repo.write("data/one.csv", "month,sales\n1,10\n2,20\n")
    repo.write("data/month/jan.csv", "day,sales\n1,10\n2,20\n")
    repo.write("data/month/feb.csv", "day,sales\n1,11\n2,21\n")
    repo.write("dvc.yaml", STAGES)
    repo.write("total.py", CODE)
    repo.write("params.yaml", "total:\n  scale: 2\n")
    repo.write(".pre-commit-config.yaml", CONFIG)
    repo.shell("dvc add -q data/one.csv data/month", "dvc repro -q", "git add -A", "git commit -q -m start")
    repo.shell("pre-commit install --install-hooks")
    return repo


def copied(source: Repo, path: Path) -> Repo:
    """The same once more, hard links and links into the cache included."""
    subprocess.run(["cp", "-a", str(source.path), str(path)], check=True)
    for folder, _, names in os.walk(path / "data"):
        for link in (Path(folder, name) for name in names):
            if link.is_symlink():
                target = str(link.readlink()).replace(str(source.path), str(path))
                link.unlink()
                link.symlink_to(target)
    return Repo(path)


def fixes(text: str, rule: str) -> list[str]:
    """The commands that the hook printed for a rule, up to the first alternative."""
    found: list[str] = []
    inside = stopped = False
    for line in text.splitlines():
        if line.startswith("DATA"):
            inside = line.startswith(rule)
        elif inside and line.startswith("      "):
            stopped = stopped or line.strip().startswith("# or")
            if not stopped and not line.strip().startswith("#"):
                found.append(line.strip())
        elif inside:
            stopped = False
    return found


def told(text: str) -> list[str]:
    """The rules that a check or the hook named."""
    return [line.split()[0] for line in text.splitlines() if line.startswith("DATA")]
