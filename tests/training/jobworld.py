"""A repository that is ready to train: git, what dvc.lock says of data/dataset, DVC's cache, a remote at the host."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import warm
import yaml
from host import TrainingHost
from workbench import ROOT, Bench, sales

from dataops.store import manifest
from dataops.store.hashing import hash_file

TEMPLATE = ("src/pipeline", "requirements/image.txt", ".sagemaker", "data/.gitignore")
PYPROJECT = '[project]\nname = "demand"\n\n[tool.dataops.train.sagemaker]\nrole = "{role}"\npoll_seconds = 0.1\n'
IGNORED = "/.dataops/\n__pycache__/\n/models/\n"
DVC_YAML = """\
stages:
  split:
    cmd: split
    outs: [data/dataset]
artifacts:
  dataset: {path: data/dataset, type: dataset}
"""


@dataclass
class Clone:
    """One checkout, and the environment in which a person works in it."""

    path: Path
    environment: dict[str, str] = field(default_factory=dict)

    def git(self, *words: str) -> str:
        """Run git."""
        done = subprocess.run(
            ["git", *words], cwd=self.path, env=self.env(), capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    def commit(self, message: str) -> str:
        """Commit everything; the commit."""
        self.git("add", "-A")
        self.git("commit", "-qm", message)
        return self.git("rev-parse", "HEAD")

    def env(self, more: Mapping[str, str] | None = None) -> dict[str, str]:
        """As a process gets it."""
        kept = {n: v for n, v in os.environ.items() if not n.startswith(("AWS_", "DATAOPS_", "DVC_", "GIT_"))}
        identity = {f"GIT_{who}_{what}": value for who in ("AUTHOR", "COMMITTER")
                    for what, value in (("NAME", "Tess Ter"), ("EMAIL", "tess@example.com"))}  # fmt: skip
        paths = [str(ROOT / "src"), *filter(None, [os.environ.get("PYTHONPATH")])]
        found = {"PYTHONPATH": os.pathsep.join(paths), "DATAOPS_TRAIN__BACKEND": "sagemaker"}
        return kept | identity | found | self.environment | dict(more or {})

    def start(self, *words: str, **more: str) -> subprocess.Popen[str]:
        """`dataops …` as a process."""
        return subprocess.Popen(
            [sys.executable, "-m", "dataops", *words],
            cwd=self.path,
            env=self.env(more),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def dataops(self, *words: str, status: int = 0, **more: str) -> tuple[str, str]:
        """`dataops …`; what it prints on both streams."""
        done = warm.run([sys.executable, "-m", "dataops", *words], self.path, self.env(more))
        assert done.returncode == status, f"{words}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        assert "Traceback" not in done.stderr, done.stderr
        return done.stdout, done.stderr

    def train(self, status: int = 0, **more: str) -> str:
        """`dataops train run`; everything it prints."""
        return "".join(self.dataops("train", "run", status=status, **more))

    def plan(self, **more: str) -> dict[str, Any]:
        """`dataops train plan`."""
        found: dict[str, Any] = json.loads(self.dataops("train", "plan", **more)[0])
        return found

    @property
    def model(self) -> bytes:
        """The model in place."""
        return (self.path / "models/model.tar.gz").read_bytes()

    @property
    def record(self) -> dict[str, Any]:
        """The training record."""
        found: dict[str, Any] = json.loads((self.path / "reports/training.json").read_text())
        return found

    def params(self, **train: Any) -> None:
        """Change the section `train` of params.yaml."""
        path = self.path / "params.yaml"
        values = yaml.safe_load(path.read_text())
        values["train"] |= train
        path.write_text(yaml.safe_dump(values, sort_keys=False))

    def record_dataset(self) -> str:
        """Do what DVC does with data/dataset: objects into the cache, the hash into dvc.lock; the hash."""
        folder = self.path / "data/dataset"
        files = {}
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            files[path.relative_to(folder).as_posix()] = digest = hash_file(path).md5
            self._cache(digest, path.read_bytes())
        digest = manifest.digest(files)
        self._cache(digest, manifest.dump(files))
        out = {"path": "data/dataset", "hash": "md5", "md5": digest, "nfiles": len(files)}
        lock = {"schema": "2.0", "stages": {"split": {"cmd": "split", "outs": [out]}}}
        (self.path / "dvc.lock").write_text(yaml.safe_dump(lock, sort_keys=False))
        return digest

    def _cache(self, digest: str, content: bytes) -> None:
        place = self.path / ".dvc/cache/files/md5" / digest[:2] / digest[2:]
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)


def until(holds: Any, seconds: float = 60) -> None:
    """Wait for something."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


@contextlib.contextmanager
def held(host: TrainingHost, *phases: str) -> Iterator[None]:
    """Jobs wait in these phases inside the block."""
    host.hold(*phases)
    try:
        yield
    finally:
        host.release()


def build(folder: Path) -> Clone:
    """The repository, without a remote."""
    folder.mkdir()
    with contextlib.chdir(folder):
        bench = Bench(folder)
        bench.put("validated", sales(days=150))
        bench.through("featurize", "split")
    for name in ("validated", "features", "exclusions.csv"):
        path = folder / "data" / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    shutil.rmtree(folder / "reports")
    for name in TEMPLATE:
        source, target = ROOT / name, folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        elif source.is_file():
            shutil.copyfile(source, target)
    (folder / ".gitignore").write_text(IGNORED + "/data/dataset\n")
    (folder / "dvc.yaml").write_text(DVC_YAML)
    (folder / ".dvc").mkdir()
    (folder / ".dvc/.gitignore").write_text("/cache\n/config.local\n/tmp\n")
    (folder / ".dvc/config").write_text("[core]\n    remote = storage\n")
    clone = Clone(folder)
    clone.git("init", "-qb", "main")
    return clone


def connect(clone: Clone, host: TrainingHost) -> None:
    """Name the host's bucket as the remote and its role in the settings, and commit."""
    (clone.path / ".dvc/config").write_text(
        f"[core]\n    remote = storage\n['remote \"storage\"']\n    url = s3://{host.bucket}/dvc\n"
        f"    endpointurl = {host.url}\n    region = {host.region}\n"
    )
    (clone.path / "pyproject.toml").write_text(PYPROJECT.format(role=host.role_arn))
    clone.environment = host.env()
    clone.commit("Connected")


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Clone:
    """The repository, to be copied."""
    clone = build(tmp_path_factory.mktemp("job") / "clone")
    clone.record_dataset()
    clone.commit("Data")
    return clone


@pytest.fixture
def ready(built: Clone, host: TrainingHost, tmp_path: Path, loopback_only: Path) -> Clone:
    """A copy of it, with its remote at the host; whatever it runs, nothing but loopback is asked for."""
    del loopback_only
    shutil.copytree(built.path, tmp_path / "clone", symlinks=True)
    clone = Clone(tmp_path / "clone")
    connect(clone, host)
    return clone
