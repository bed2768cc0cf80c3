"""The first hour with the template: everything runs, nothing is left behind, a colleague gets the same bytes."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
import yaml
from checkout import SMALL, Repo, clean

pytestmark = pytest.mark.e2e


def lock(repo: Repo) -> dict[str, dict[str, str]]:
    """{path: md5} of every output of every stage."""
    stages = yaml.safe_load((repo.path / "dvc.lock").read_text())["stages"]
    return {name: {out["path"]: out["md5"] for out in stage["outs"]} for name, stage in stages.items()}


def test_repro_again_changes_nothing_and_says_so(first_hour: Repo) -> None:
    """A second run is a no-op: same lock, nothing to commit, and it says so."""
    before = (first_hour.path / "dvc.lock").read_bytes()
    said = first_hour.out("python", "scripts/repro.py")
    assert "Nothing changed" in said
    assert "commit  nothing" in said
    assert (first_hour.path / "dvc.lock").read_bytes() == before
    assert first_hour.out("git", "status", "--porcelain") == ""


def test_everything_is_clean_afterwards(first_hour: Repo) -> None:
    """`dvc status`, against the work tree and against the remote, has nothing to say."""
    assert "up to date" in first_hour.out("dvc", "status")
    assert "in sync" in first_hour.out("dvc", "status", "-c")
    assert "evaluate" in first_hour.out("dvc", "dag")
    metrics = json.loads(first_hour.out("dvc", "metrics", "show", "--json"))[""]["data"]
    assert metrics["reports/metrics/evaluate.json"]["data"]["wape"] < 1


def test_the_model_beats_seasonal_naive(first_hour: Repo) -> None:
    """The evaluation is of the model in the archive, on the test part, and better than the baseline."""
    report = json.loads((first_hour.path / "reports/evaluation.json").read_text())
    assert report["beats_naive"] is True
    assert report["rows"] > 500


def test_force_gives_the_same_lock(clone: Repo) -> None:
    """Running every stage again, in another clone, gives dvc.lock byte for byte."""
    before = (clone.path / "dvc.lock").read_bytes()
    clone.run("dvc", "pull")
    clone.run("dvc", "repro", "--force")
    assert (clone.path / "dvc.lock").read_bytes() == before


def test_a_second_clone_finds_everything_up_to_date(first_hour: Repo, clone: Repo) -> None:
    """`store connect`, `dvc pull`, `dvc repro`: nothing to do, and the files are the same."""
    clone.run("dvc", "pull")
    assert "up to date" in clone.out("dvc", "repro").splitlines()[-1]
    assert clone.out("git", "status", "--porcelain") == ""
    for path in ("data/dataset/test", "data/landing"):
        ours = sorted(p.relative_to(clone.path) for p in (clone.path / path).rglob("*") if p.is_file())
        assert ours
        assert all((clone.path / p).read_bytes() == (first_hour.path / p).read_bytes() for p in ours)


def test_experiments(clone: Repo) -> None:
    """`dvc exp run -S`, in the workspace and in a temporary folder, and what they show."""
    clone.run("dvc", "pull")
    clone.run("dvc", "exp", "run", "-q", "-S", "train.num_leaves=7")
    assert "train.num_leaves" in clone.out("dvc", "params", "diff")
    clone.run("git", "checkout", "-q", ".")
    clone.run("dvc", "checkout", "-q")
    clone.run("dvc", "exp", "run", "-q", "--temp", "-S", "evaluate.naive_lag=371")
    assert clone.out("git", "status", "--porcelain") == ""
    shown = clone.out("dvc", "exp", "show", "--csv")
    assert len(re.findall(r"branch_(?:base|commit)", shown)) == 2


def test_plots(clone: Repo) -> None:
    """Every plot of dvc.yaml has data, and numbers on the x axis of its lines: dates there leave the page blank."""
    clone.run("dvc", "pull", "train")
    shown = json.loads(clone.out("dvc", "plots", "show", "--json"))
    assert shown.get("errors", []) == []
    assert {"Forecast against actual", "Error by store", "Error by horizon", "Training curve"} <= set(shown["data"])
    assert len([name for name in shown["data"] if name.endswith(".png")]) == 4
    axes = yaml.safe_load((clone.path / "dvc.yaml").read_text())["plots"]
    for name, plot in (item for entry in axes if isinstance(entry, dict) for item in entry.items()):
        for path in plot["y"]:
            table = pd.read_csv(clone.path / path, sep=None, engine="python")
            assert pd.api.types.is_numeric_dtype(table[plot["x"]]), name


def test_one_more_month_uploads_that_month(clone: Repo) -> None:
    """An appended month costs its own files and manifests, whatever the history's length."""
    clone.run("dvc", "pull")
    before = folder_objects(clone)
    clone.run("dataops", "ingest", "sample", *SMALL[:4], "--until", "2024-12-31")
    clone.run("dvc", "repro")  # nothing was run here before: all of it is computed
    after = folder_objects(clone)
    new = {folder: after[folder].keys() - before[folder].keys() for folder in after}
    assert {folder: len(files) for folder, files in new.items()} == {
        "data/landing": 2,  # the month and its batch.json
        "data/raw": 1,
        "data/validated": 1,
        "data/features": 1,
        "data/dataset": 1,
        "data/feature_store": 2,  # the month, and the latest rows
    }
    # validated is raw's month and dataset is features': a distinct object once
    distinct = {md5 for files in new.values() for md5 in files}
    assert len(distinct) == 6
    pushed = clone.out("dvc", "push")
    assert re.search(r"\d+ files? pushed", pushed)
    assert "in sync" in clone.out("dvc", "status", "-c")
    # and the months that were there aren't computed again
    clone.run("dataops", "ingest", "sample", *SMALL[:4], "--until", "2025-01-31")
    said = clone.out("dvc", "repro")
    for stage in ("collected", "built", "feature store"):
        assert re.search(rf"{stage}.*\(36 of 37 files as before\)", said), said
    lock = (clone.path / "dvc.lock").read_bytes()
    clone.run("dvc", "repro", "--force", DATAOPS_STAGES__MEMO="false")
    assert (clone.path / "dvc.lock").read_bytes() == lock


def folder_objects(repo: Repo) -> dict[str, dict[str, int]]:
    """{folder: {md5: bytes}} of the work tree's data."""
    folders = ["landing", "raw", "validated", "features", "dataset", "feature_store"]
    return {f"data/{name}": {file_md5(path): path.stat().st_size
                             for path in (repo.path / "data" / name).rglob("*") if path.is_file()}
            for name in folders}  # fmt: skip


def file_md5(path: Path) -> str:
    """DVC's name for a file's content."""
    return hashlib.md5(path.read_bytes()).hexdigest()


def test_ingest_into_a_clone_that_never_pulled_keeps_the_history(clone: Repo) -> None:
    """The recorded landing comes back first; nothing that was recorded is lost."""
    clone.run("dataops", "ingest", "sample", *SMALL[:4], "--until", "2024-12-31")
    months = {path.name for path in (clone.path / "data/landing").rglob("*.csv")}
    assert len(months) == 36
    assert "nfiles: 38" in (clone.path / "data/landing.dvc").read_text()


def test_make_repro_in_a_clone_brings_the_data_and_ends_at_the_same_lock(clone: Repo) -> None:
    """A colleague's first command: what is recorded comes from the remote, and nothing else is made of it."""
    before = (clone.path / "dvc.lock").read_bytes()
    said = clone.out("python", "scripts/repro.py")
    assert "commit  nothing" in said
    assert (clone.path / "dvc.lock").read_bytes() == before
    assert clone.out("git", "status", "--porcelain") == ""


def test_only_one_make_repro_at_a_time(clone: Repo) -> None:
    """The second says so in a line; a stage that outlived its killed parent counts as the first."""
    (clone.path / ".dataops").mkdir(exist_ok=True)
    with (clone.path / ".dataops/repro.lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        done = clone.run("python", "scripts/repro.py", status=2)
    assert done.stderr.startswith("error: another `make repro` is at work here")


def test_the_stages_find_the_environment_themselves(clone: Repo, tmp_path: Path) -> None:
    """`.venv/bin/dvc repro` in a shell that didn't activate anything: the stages run in .venv all the same."""
    (clone.path / ".venv").symlink_to(Path(sys.prefix))
    bare = tmp_path / "bin"
    bare.mkdir()
    (bare / "python").write_text("#!/bin/sh\necho the wrong python; exit 7\n")
    (bare / "python").chmod(0o755)
    clone.run("dvc", "pull")
    path = f"{bare}:/usr/local/bin:/usr/bin:/bin"
    clone.run(f"{clone.path}/.venv/bin/dvc", "repro", "--force", "-s", "validate", PATH=path)


def test_ingest_refuses_where_the_history_cannot_be_had(first_hour: Repo, tmp_path: Path) -> None:
    """Without the remote there is no history, so nothing is recorded."""
    path = tmp_path / "lonely"
    first_hour.run("git", "clone", "-q", str(first_hour.path), str(path))
    lonely = Repo(path)
    before = (path / "data/landing.dvc").read_text()
    done = lonely.run("dataops", "ingest", "sample", *SMALL[:4], "--until", "2024-12-31", status=2)
    assert done.stderr.startswith("error: ")
    assert "hint: " in done.stderr
    assert "Traceback" not in done.stderr
    assert (path / "data/landing.dvc").read_text() == before


def test_repro_without_data_is_one_clear_line(first_hour: Repo, tmp_path: Path) -> None:
    """A clone without data says what is missing and how to get it, and writes nothing."""
    path = tmp_path / "empty"
    first_hour.run("git", "clone", "-q", str(first_hour.path), str(path))
    done = Repo(path).run("dvc", "repro", status=None)
    assert done.returncode != 0
    assert "Traceback" not in done.stdout + done.stderr
    assert Repo(path).out("git", "status", "--porcelain") == ""


@pytest.mark.parametrize("after", [4.0, 9.0, 14.0])
def test_killed_repro_can_be_run_again(clone: Repo, after: float) -> None:
    """kill -9 of the whole process group in the middle; the next run ends where an undisturbed one does."""
    clone.run("dvc", "pull")
    before = (clone.path / "dvc.lock").read_bytes()
    process = subprocess.Popen(
        ["dvc", "repro", "--force"],
        cwd=clone.path,
        env=clean({}),
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    time.sleep(after)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    clone.run("python", "scripts/repro.py")  # DVC may have been writing dvc.lock
    assert (clone.path / "dvc.lock").read_bytes() == before
    assert clone.out("git", "status", "--porcelain") == ""


@pytest.mark.parametrize("kept", ["-> no mapping", "a stage of nothing", "conflict"])
def test_a_dvc_lock_that_was_cut_short(clone: Repo, kept: str) -> None:
    """`make repro` goes on from what git has of it; conflicts are somebody's work, and stay."""
    clone.run("dvc", "pull")
    lock = clone.path / "dvc.lock"
    before = lock.read_bytes()
    middle = before.index(b"path: data/validated")
    half = {
        "-> no mapping": before[: middle + 3],
        "a stage of nothing": before[: before.index(b"  validate:") + 12],
        "conflict": before[:middle] + b"\n<<<<<<< HEAD\n",
    }[kept]
    lock.write_bytes(half)
    done = clone.run("python", "scripts/repro.py", status=2 if kept == "conflict" else 0)
    if kept == "conflict":
        assert lock.read_bytes() == half
    else:
        assert "dvc.lock was cut short: what git has of it is back" in done.stdout
        assert (clone.path / ".dataops/dvc.lock.cut").read_bytes() == half
        assert lock.read_bytes() == before


BAD_PARAMS = {
    "unknown key": ("horizon: 28 ", "horizn: 28 ", "featurize", "did you mean horizon"),
    "wrong type": ("horizon: 28 ", "horizon: soon ", "featurize", "horizon"),
    "lag in the future": ("lags: [28,", "lags: [7,", "featurize", "younger than the horizon"),
    "unknown objective key": ("num_leaves: 31", "num_leafs: 31", "train", "unknown key num_leafs"),
    "not YAML": ("contract:", "contract: [", "collect", "no valid YAML"),
    "role without a column": ("target: sales", "target: revenue", "collect", "revenue"),
}


@pytest.mark.parametrize("case", BAD_PARAMS)
def test_bad_params_are_one_clear_line(first_hour: Repo, case: str, tmp_path: Path) -> None:
    """A mistake in params.yaml names file, section and key; the stage's outputs stay as they were."""
    old, new, stage, words = BAD_PARAMS[case]
    params = first_hour.path / "params.yaml"
    text = params.read_text()
    assert old in text
    try:
        params.write_text(text.replace(old, new, 1))
        command = ["-m", f"pipeline.{stage}"] if stage != "train" else ["-m", "dataops", "train", "run"]
        done = first_hour.run("python", *command, status=None, PYTHONPATH="src")
        assert done.returncode in (1, 2)
        assert words in done.stderr
        assert "Traceback" not in done.stderr
    finally:
        params.write_text(text)
    assert first_hour.out("git", "status", "--porcelain") == ""


def test_a_make_target_explains_itself(planted: Callable[[str], Repo]) -> None:
    """`make` alone lists the targets of the README."""
    repo = planted("help")
    said = repo.out("make")
    for target in ("install", "repro", "test", "lint", "clean"):
        assert f"make {target}" in said
