"""A repository made by hand in milliseconds: git, DVC's files and objects as DVC writes them, and a remote."""

from __future__ import annotations

import hashlib
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from dataops.repo import git
from dataops.store import manifest
from dataops.store.cache import Cache
from dataops.store.choose import for_root
from dataops.store.objects import Object, Store
from dataops.versions.context import Context

STAGES = """\
stages:
  collect:
    cmd: collect
    outs: [data/raw]
  split:
    cmd: split
    deps: [data/raw, src]
    outs:
      - data/dataset
      - reports/evaluation: {cache: false}
      - reports/validation.json: {cache: false}
artifacts:
  dataset: {path: data/dataset, type: dataset, meta: {gates: [reports/validation.json]}}
"""
IDENTITY = {f"GIT_{who}_{what}": value for who in ("AUTHOR", "COMMITTER")
            for what, value in (("NAME", "Tess Ter"), ("EMAIL", "tess@example.com"))}  # fmt: skip
Files = Mapping[str, bytes]


def md5(content: bytes) -> str:
    """As DVC names it."""
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def folder(files: Files) -> tuple[str, bytes]:
    """The digest and list of a folder."""
    digests = {path: md5(content) for path, content in files.items()}
    return manifest.digest(digests), manifest.dump(digests)


@dataclass
class Depot:
    """A clone."""

    path: Path

    def git(self, *words: str) -> str:
        """Run git as Tess."""
        done = subprocess.run(["git", *words], cwd=self.path, env={**os.environ, **IDENTITY}, capture_output=True,
                              text=True, check=False)  # fmt: skip
        assert done.returncode == 0, f"git {' '.join(words)}\n{done.stdout}{done.stderr}"
        return done.stdout.strip()

    @property
    def context(self) -> Context:
        """As the commands see it."""
        return Context(git.of(self.path), self.path)

    @property
    def store(self) -> Store:
        """Its default remote."""
        return for_root(self.path)

    @property
    def cache(self) -> Cache:
        """Its cache."""
        return Cache(self.path / ".dvc/cache")

    def keep(self, content: bytes, digest: str = "", *, remote: bool = True, algorithm: str = "md5") -> Object:
        """Put an object into the cache, and onto the remote."""
        obj = Object(digest or md5(content), algorithm)
        scratch = self.path / ".dvc/tmp/scratch"
        scratch.parent.mkdir(parents=True, exist_ok=True)
        scratch.write_bytes(content)
        if remote:
            self.store.put(obj, scratch)
        self.cache.add(obj, scratch)
        return obj

    def hold(self, files: Files, *, remote: bool = True) -> str:
        """The same with a folder; returns its digest."""
        for content in files.values():
            self.keep(content, remote=remote)
        digest, content = folder(files)
        self.keep(content, digest, remote=remote)
        return digest

    def record(self, dataset: Files, raw: Files | None = None, *, remote: bool = True) -> str:
        """Have `split` make this dataset, of that raw data: objects, dvc.yaml and dvc.lock. Returns its digest."""
        digest = self.hold(dataset, remote=remote)
        before = self.hold(raw or {"rows.csv": b"raw"}, remote=remote)
        elsewhere = md5(digest.encode())  # of folders that DVC keeps no list of
        report = b'{"passed": true}'
        (self.path / "reports").mkdir(exist_ok=True)
        (self.path / "reports/validation.json").write_bytes(report)
        (self.path / "dvc.yaml").write_text(STAGES)
        (self.path / "dvc.lock").write_text(
            "schema: '2.0'\nstages:\n"
            "  collect:\n    cmd: collect\n    outs:\n"
            f"    - path: data/raw\n      hash: md5\n      md5: {before}\n"
            "  split:\n    cmd: split\n    deps:\n"
            f"    - path: data/raw\n      hash: md5\n      md5: {before}\n"
            f"    - path: src\n      hash: md5\n      md5: {elsewhere}.dir\n"
            "    outs:\n"
            f"    - path: data/dataset\n      hash: md5\n      md5: {digest}\n"
            f"    - path: reports/evaluation\n      hash: md5\n      md5: {elsewhere[::-1]}.dir\n"
            f"    - path: reports/validation.json\n      hash: md5\n      md5: {md5(report)}\n"
        )
        return digest

    def commit(self, message: str = "data") -> str:
        """Everything; returns the commit."""
        self.git("add", "-A")
        self.git("commit", "-qm", message)
        return self.git("rev-parse", "HEAD")

    def release(self, number: str, dataset: Files, raw: Files | None = None, body: str = "") -> str:
        """Record, commit and tag; returns the dataset's digest."""
        digest = self.record(dataset, raw)
        self.commit(number)
        self.git("tag", "-a", f"dataset@{number}", "-m", f"dataset {number}", *(["-m", body] if body else []))
        return digest


def make(path: Path, url: str, options: Mapping[str, str] | None = None) -> Depot:
    """An empty one, whose default remote is `url`."""
    (path / ".dvc").mkdir(parents=True)
    lines = ["[core]", "    remote = storage", "['remote \"storage\"']", f"    url = {url}"]
    (path / ".dvc/config").write_text(
        "\n".join([*lines, *(f"    {k} = {v}" for k, v in (options or {}).items())]) + "\n"
    )
    (path / ".dvc/.gitignore").write_text("/cache\n/tmp\n")
    (path / ".gitignore").write_text("/data\n/models\n/.dataops\n")
    depot = Depot(path)
    depot.git("init", "-qb", "main")
    return depot
