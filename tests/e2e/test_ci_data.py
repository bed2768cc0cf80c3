"""scripts/ci_data.py on a history of six commits, in fresh shallow checkouts of a bare remote, as CI has them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd
import pytest
from checkout import SMALL, Repo

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1800)]  # four minutes alone, ten on a busy machine


class World:
    """A team's repository, its bare remote, and the checkouts that CI makes of it."""

    def __init__(self, repo: Repo, folder: Path) -> None:
        self.repo, self.folder, self.made = repo, folder, 0
        self.origin = folder / "origin.git"

    def checkout(self, *options: str) -> Repo:
        """What `actions/checkout` leaves: the newest commit alone, detached, no tags, no data."""
        self.made += 1
        path = self.folder / f"ci-{self.made}"
        self.repo.run("git", "clone", "-q", "--depth", "1", "--no-tags", *options, f"file://{self.origin}", str(path))
        ci = Repo(path)
        ci.run("git", "checkout", "-q", "--detach")
        ci.run("dataops", "store", "connect", str(self.repo.path))
        return ci

    def commit(self, message: str) -> None:
        """What a person does: commit and push, data first."""
        self.repo.run("dvc", "push", "-q")
        self.repo.commit(message)
        self.repo.run("git", "push", "-q", "origin", "main")

    def tags(self) -> list[str]:
        """The versions on the remote."""
        return self.repo.out("git", "-C", str(self.origin), "tag", "--list", "*@v*").split()

    def tip(self) -> str:
        """The last commit of main on the remote."""
        return self.repo.out("git", "-C", str(self.origin), "rev-parse", "main")

    def pull(self) -> None:
        """Take over what CI pushed."""
        self.repo.run("git", "pull", "-q", "--ff-only", "--tags", "origin", "main")
        self.repo.run("dvc", "pull", "-q")


def ci_data(ci: Repo, *options: str, status: int = 0) -> str:
    """Run it as a workflow does; its report."""
    ci.run("python", "scripts/ci_data.py", *options, status=status, GITHUB_REF_NAME="main")
    return (ci.path / ".dataops/ci-report.md").read_text()


@pytest.fixture(scope="module")
def world(planted: Callable[[str], Repo], tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A repository with data and nothing computed yet, on its remote."""
    repo = planted("ci")
    made = World(repo, tmp_path_factory.mktemp("ci"))
    repo.run("git", "init", "-q", "--bare", "-b", "main", str(made.origin))
    repo.run("git", "remote", "add", "origin", str(made.origin))
    params = repo.path / "params.yaml"
    params.write_text(params.read_text().replace("rounds: 500 ", "rounds: 30 ").replace("threads: 2 ", "threads: 1 "))
    repo.run("dataops", "store", "up")
    repo.run("dataops", "ingest", "sample", *SMALL)
    made.commit("Data")
    yield made
    for path in made.folder.glob("ci-*"):
        shutil.rmtree(path)


def test_six_commits(world: World) -> None:
    """What is done at each: released, trained, left alone or refused; and a second run of each does nothing."""
    repo = world.repo
    ci_data(world.checkout())
    assert world.tags() == ["dataset@v1.0.0", "model@v1.0.0"]
    world.pull()

    def nothing() -> None:
        """A run in a fresh checkout changes nothing."""
        before = world.tip(), world.tags()
        ci = world.checkout()
        assert "nothing to do" in ci_data(ci)
        assert (world.tip(), world.tags()) == before
        assert not (ci.path / "data/raw").exists()

    nothing()
    # 1. code only
    (repo.path / "src/dataops/cli/verify.py").open("a").write("# a remark\n")
    world.commit("Code only")
    nothing()
    # 2. data appended
    repo.run("dataops", "ingest", "sample", "--until", "2024-12-31")
    world.commit("December")
    report = ci_data(world.checkout())
    assert world.tags() == ["dataset@v1.0.0", "dataset@v1.1.0", "model@v1.0.0", "model@v1.1.0"]
    assert "31 days added" in report
    world.pull()
    # 3. data drifted
    rows = pd.read_parquet(repo.path / "data/raw/2024-12.parquet")
    rows["date"] = pd.to_datetime(rows["date"]) + pd.Timedelta(days=31)
    rows["price"] *= 3
    rows.to_csv(world.folder / "january.csv", index=False)
    repo.run("dataops", "ingest", str(world.folder / "january.csv"), "--mix", "--received", "2025-02-01")
    world.commit("January, dearer")
    report = ci_data(world.checkout())
    assert "the data changed; drift in sales, price" in report
    assert "| price | 0." in report
    assert "| high | distribution, out of range |" in report
    assert world.tags()[-3:] == ["model@v1.0.0", "model@v1.1.0", "model@v1.2.0"]
    world.pull()
    assert json.loads((repo.path / "reports/drift_reference.json").read_text())["version"] == "dataset@v1.2.0"
    nothing()
    # 4. params only
    params = repo.path / "params.yaml"
    params.write_text(params.read_text().replace("num_leaves: 31", "num_leaves: 15"))
    world.commit("Fewer leaves")
    report = ci_data(world.checkout())
    assert world.tags()[-1] == "model@v1.2.1"
    assert "train.num_leaves: 31 → 15" in report
    assert "dataset@v1.3.0" not in world.tags()
    world.pull()
    # 5. docs only
    (repo.path / "docs/training.md").open("a").write("\nA remark.\n")
    world.commit("Docs only")
    nothing()
    # 6. broken data
    rows["date"] += pd.Timedelta(days=31)
    rows["sales"] = -5
    rows.to_csv(world.folder / "february.csv", index=False)
    repo.run("dataops", "ingest", str(world.folder / "february.csv"), "--mix", "--received", "2025-03-01")
    world.commit("February, broken")
    before = world.tip(), world.tags()
    report = ci_data(world.checkout(), status=1)
    assert "## Data: refused" in report
    assert "**validate**: 465 of" in report
    assert "| sales >= 0 | 465 | store_id 1, product_id 1, date 2025-02-01; " in report
    assert (world.tip(), world.tags()) == before
