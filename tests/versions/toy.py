"""A small DVC repository of real parts: git and its remote, DVC, an S3 server; a table, a model, a gate for each."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import warm

TEMPLATE = Path(__file__).parents[2]
SRC = TEMPLATE / "src"
PIPELINE = """\
stages:
  build:
    cmd: python build.py
    deps: [build.py, data/source]
    outs: [data/dataset]
  check:
    cmd: python check.py
    deps: [check.py, data/dataset]
    outs:
      - reports/validation.json: {cache: false}
  fit:
    cmd: python fit.py
    deps: [data/dataset, fit.py]
    outs: [models/model.bin]
  score:
    cmd: python score.py
    deps: [models/model.bin, score.py]
    outs:
      - reports/evaluation.json: {cache: false}
artifacts:
  dataset:
    path: data/dataset
    type: dataset
    meta: {gates: [reports/validation.json]}
  model:
    path: models/model.bin
    type: model
    meta: {gates: [reports/evaluation.json]}
"""
BUILD = """\
import pathlib, shutil
out = pathlib.Path("data/dataset")
shutil.rmtree(out, ignore_errors=True)
for path in sorted(pathlib.Path("data/source").glob("*.csv")):
    target = out / ("test" if path.stem > "2024-02" else "train") / path.name
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(path, target)
"""
CHECK = """\
import json, pathlib
bad = sum(",-" in path.read_text() for path in pathlib.Path("data/dataset").rglob("*.csv"))
report = {"passed": not bad, "problems": [f"{bad} file(s) with negative sales"] if bad else []}
pathlib.Path("reports").mkdir(exist_ok=True)
pathlib.Path("reports/validation.json").write_text(json.dumps(report))
"""
FIT = """\
import hashlib, pathlib
pathlib.Path("models").mkdir(exist_ok=True)
text = b"".join(path.read_bytes() for path in sorted(pathlib.Path("data/dataset").rglob("*.csv")))
pathlib.Path("models/model.bin").write_bytes(b"model of " + hashlib.sha256(text).digest())
"""
SCORE = """\
import json, pathlib
pathlib.Path("reports/evaluation.json").write_text(json.dumps({"passed": True, "model": {"wape": 0.2}}))
"""
PARAMS = """\
contract:
  time: date
  target: sales
  keys: [store]
  columns:
    date: {type: date}
    store: {type: integer}
    sales: {type: integer}
"""


def month(name: str, *, stores: int = 3, sales: int = 5, column: str = "sales") -> str:
    """A month of rows as CSV."""
    rows = [f"{name}-{day:02},{store},{sales + day % 3}" for store in range(1, stores + 1) for day in range(1, 29)]
    return "\n".join([f"date,store,{column}", *rows]) + "\n"


@dataclass
class Toy:
    """A checkout with its git remote."""

    path: Path

    @property
    def origin(self) -> Path:
        """The bare repository that it pushes to."""
        return self.path.with_name(self.path.name + ".git")

    def run(self, *command: str, status: int | None = 0, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a program as its user would."""
        done = warm.run(command, self.path, environ(environment))
        if status is not None:
            assert done.returncode == status, f"{' '.join(command)}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    def out(self, *command: str) -> str:
        """What it prints."""
        return self.run(*command).stdout.strip()

    def dataops(self, *words: str, status: int | None = 0, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run the command of this tree."""
        return self.run(sys.executable, "-m", "dataops", *words, status=status, **environment)

    def json(self, *words: str) -> dict[str, object]:
        """What a command says as JSON."""
        found: dict[str, object] = json.loads(self.dataops(*words, "--json").stdout)
        return found

    def dvc(self, *words: str) -> str:
        """Run DVC."""
        return self.out(sys.executable, "-m", "dvc", *words)

    def put(self, **months: str) -> None:
        """Change the source: m2024_03=text; an empty text takes the month away."""
        for name, text in months.items():
            path = self.path / "data/source" / f"{name[1:].replace('_', '-')}.csv"
            path.write_text(text) if text else path.unlink()
        self.dvc("add", "-q", "data/source")
        self.dvc("repro", "-q")

    def commit(self, message: str = "change", push: bool = True) -> None:
        """Commit everything and push the branch."""
        self.run("git", "add", "-A")
        self.run("git", "commit", "-qm", message)
        if push:
            self.run("git", "push", "-q", "origin", "HEAD:main")

    def tags(self, *, remote: bool = False) -> list[str]:
        """The names of the tags, here or on the git remote."""
        where = self.origin if remote else self.path
        return self.out("git", "-C", str(where), "tag", "--list").split()

    def clone(self, path: Path) -> Toy:
        """A colleague's, with the same remotes."""
        self.run("git", "clone", "-q", str(self.origin), str(path))
        local = self.path / ".dvc/config.local"
        if local.is_file():
            shutil.copy2(local, path / ".dvc/config.local")
        other = Toy(path)
        other.run("git", "config", "user.name", "Colleague")
        other.run("git", "config", "user.email", "colleague@example.com")
        return other


def environ(more: dict[str, str]) -> dict[str, str]:
    """This environment's programs, nobody's settings."""
    identity = {f"GIT_{who}_{what}": value for who in ("AUTHOR", "COMMITTER")
                for what, value in (("NAME", "Tess Ter"), ("EMAIL", "tess@example.com"))}  # fmt: skip
    kept = {name: os.environ[name] for name in ("HOME", "TMPDIR") if name in os.environ}
    path = f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin"
    base = {"LANG": "C.UTF-8", "PATH": path, "DVC_NO_ANALYTICS": "1", "PYTHONPATH": str(SRC)}
    return {**base, **kept, **identity, **more}


def make(path: Path, remote: str, options: dict[str, str] | None = None) -> Toy:
    """A repository after its first `dvc repro`, committed and pushed; its DVC remote is `remote`."""
    toy = Toy(path)
    (path / "data/source").mkdir(parents=True)
    for name, text in {"dvc.yaml": PIPELINE, "build.py": BUILD, "check.py": CHECK, "fit.py": FIT, "score.py": SCORE,
                       "params.yaml": PARAMS}.items():  # fmt: skip
        (path / name).write_text(text)
    toy.run("git", "init", "-qb", "main")
    toy.run("git", "init", "-q", "--bare", "-b", "main", str(toy.origin))
    toy.run("git", "remote", "add", "origin", str(toy.origin))
    toy.dvc("init", "-q")
    connect(toy, remote, options or {})
    toy.put(m2024_01=month("2024-01"), m2024_02=month("2024-02"), m2024_03=month("2024-03"))
    toy.commit("first")
    return toy


def connect(toy: Toy, remote: str, options: dict[str, str]) -> None:
    """Point this clone at a DVC remote."""
    toy.dvc("remote", "add", "-q", "-d", "--local", "-f", "storage", remote)
    for key, value in options.items():
        toy.dvc("remote", "modify", "-q", "--local", "storage", key, value)


def copy(toy: Toy, path: Path, remote: str) -> Toy:
    """The same again, with its own git remote and an empty DVC remote: quicker than `make`."""
    shutil.copytree(toy.path, path, symlinks=True)
    shutil.copytree(toy.origin, path.with_name(path.name + ".git"))
    other = Toy(path)
    other.run("git", "remote", "set-url", "origin", str(other.origin))
    config = path / ".dvc/config.local"
    lines = [f"    url = {remote}" if "url = " in line and "endpoint" not in line else line
             for line in config.read_text().splitlines()]  # fmt: skip
    config.write_text("\n".join(lines) + "\n")
    return other
