"""A clone with the hooks installed, its bare git remote and its DVC remote, which is a folder: all of it real."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from toy import TEMPLATE, Toy

PIPELINE = """\
stages:
  sum:
    cmd: cat data/months/* > total.csv
    deps: [data/months]
    outs: [total.csv]
  scale:
    cmd: cp scale.yaml scaled.txt
    params:
      - scale.yaml: [by]
    outs: [scaled.txt]
  name:
    cmd: cp name.yaml named.txt
    params:
      - name.yaml: [it]
    outs: [named.txt]
"""


def make(world: Path) -> Toy:
    """`world`/clone, `world`/clone.git and `world`/store; one commit."""
    (world / "clone/data/months").mkdir(parents=True)
    (world / "store").mkdir()
    clone = Toy(world / "clone")
    clone.run("git", "init", "-qb", "main")
    clone.run("git", "init", "-q", "--bare", "-b", "main", str(clone.origin))
    clone.run("git", "remote", "add", "origin", "../clone.git")
    clone.dvc("init", "-q")
    connect(clone, store(clone))
    write(
        clone,
        {
            "dvc.yaml": PIPELINE,
            "scale.yaml": "by: 1\n",
            "name.yaml": "it: a\n",
            "data/single.csv": "1\n",
            "data/months/01.csv": "1\n",
            "data/months/02.csv": "2\n",
        },
    )
    shutil.copy(TEMPLATE / ".gitattributes", clone.path)
    clone.dvc("add", "-q", "data/months", "data/single.csv")
    clone.dvc("repro", "-q")
    clone.dataops("hook", "install")
    clone.commit("first", push=False)
    return clone


def copy(clone: Toy, world: Path) -> Toy:
    """The same world again: quicker than `make`."""
    shutil.copytree(clone.path.parent, world, symlinks=True, dirs_exist_ok=True)
    connect(Toy(world / "clone"), world / "store")
    return Toy(world / "clone")


def connect(clone: Toy, folder: Path) -> None:
    """Make a folder the DVC remote. In config.local, as that counts for every commit: with `--all-commits` dvc reads
    each commit's own config, and takes a relative path in it for one below /.
    """
    text = f"[core]\n    remote = storage\n['remote \"storage\"']\n    url = {folder}\n"
    (clone.path / ".dvc/config.local").write_text(text)


def write(clone: Toy, files: dict[str, str]) -> None:
    """Files of the work tree."""
    for name, text in files.items():
        target = clone.path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.unlink(missing_ok=True)  # it may be a link into the cache
        target.write_text(text)


def add(clone: Toy, files: dict[str, str], message: str = "more") -> str:
    """Change data below data/, record and commit it; the commit."""
    write(clone, files)
    tops = sorted({"/".join(name.split("/")[:2]) for name in files})
    clone.dvc("add", "-q", *tops)
    clone.commit(message, push=False)
    return clone.out("git", "rev-parse", "HEAD")


def push(clone: Toy, *words: str, status: int | None = 0) -> str:
    """`git push`; what it said. A refused one ends with 1."""
    done = clone.run("git", "push", "-q", *words, status=status)
    assert "Traceback" not in done.stderr
    return done.stderr


def store(clone: Toy) -> Path:
    """The DVC remote's folder."""
    return clone.path.parent / "store"


def held(clone: Toy) -> list[str]:
    """The branches and tags of the git remote."""
    return clone.out("git", "-C", str(clone.origin), "for-each-ref", "--format=%(refname)").split()


def raw(clone: Toy, *command: bytes) -> None:
    """A command with bytes that are no UTF-8."""
    subprocess.run(command, cwd=os.fsencode(clone.path), check=True, capture_output=True, stdin=subprocess.DEVNULL)
