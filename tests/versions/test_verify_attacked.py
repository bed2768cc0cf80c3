"""`dataops verify --repair` where the same object belongs on several remotes."""

from __future__ import annotations

from pathlib import Path

import depot as depots
import pytest
from depot import STAGES, Depot

from dataops.store.objects import Object
from dataops.versions.verify import Options, Sample, verify


@pytest.fixture
def depot(tmp_path: Path) -> Depot:
    """A release on the default remote, and one of the same file whose dataset dvc.yaml pins to another."""
    made = depots.make(tmp_path / "clone", str(tmp_path / "remote"))
    with (made.path / ".dvc/config").open("a") as file:
        file.write(f"['remote \"archive\"']\n    url = {tmp_path}/archive\n")
    made.release("v1.0.0", {"train/a.csv": b"same"})
    (tmp_path / "archive").mkdir()
    made.record({"train/a.csv": b"same", "train/b.csv": b"more"})
    (made.path / "dvc.yaml").write_text(STAGES.replace("- data/dataset\n", "- data/dataset: {remote: archive}\n"))
    made.commit("pinned")
    made.git("tag", "-a", "dataset@v1.1.0", "-m", "pinned")
    return made


def test_each_remote_is_repaired(depot: Depot) -> None:
    """What is missing on one is not mended on the other."""
    obj = Object(depots.md5(b"same"))
    depot.store.delete([obj])
    report = verify(depot.context, None, Options(every=True))
    assert not any(one.sound for one in report.versions)
    assert verify(depot.context, None, Options(every=True, repair=True)).sound
    assert depot.store.head(obj)
    assert depot.context.store("archive").head(obj)
    assert verify(depot.context, None, Options(every=True, read=Sample())).sound


def test_only_the_version_that_it_is_of(depot: Depot) -> None:
    """An object that one remote lacks is nothing to a version that has it on another."""
    verify(depot.context, None, Options(every=True, repair=True))
    depot.store.delete([Object(depots.md5(b"same"))])
    report = verify(depot.context, None, Options(every=True))
    assert {one.subject.name: one.sound for one in report.versions} == {"dataset@v1.0.0": False, "dataset@v1.1.0": True}
