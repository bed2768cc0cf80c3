"""Every rule, through `pre-commit run` and a real `git commit`: refused or warned; accepted after the printed fix."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from guardrepo import Repo, fixes, told

LINKS = ("copy", "hardlink", "symlink")


def data_by_place(repo: Repo) -> None:
    repo.write("data/notes.json", "{}")
    repo.shell("git add -f data/notes.json")


def data_by_suffix(repo: Repo) -> None:
    repo.write("src/Sales.CSV", "a,b\n1,2\n")
    repo.shell("git add -f src/Sales.CSV")


def data_by_size(repo: Repo) -> None:
    repo.write("log.txt", "no table at all\n" * 40_000)
    repo.shell("git add log.txt")


def tracked_data_renamed(repo: Repo) -> None:
    repo.shell("cp data/one.csv changes.md", "git add changes.md")


def data_without_suffix(repo: Repo) -> None:
    repo.write("stuff", "day;shop;sold\n1;a;10\n2;a;11\n3;b;12\n")
    repo.shell("git add stuff")


def data_renamed_in_git(repo: Repo) -> None:
    """`git mv` shows as a rename, which has no addition in it."""
    repo.write("config.json", "{}")
    repo.shell("git add config.json", "git commit -q -m config", "git mv config.json data/config.json")


def tracked_data_forced_in(repo: Repo) -> None:
    repo.shell("git add -f data/month/jan.csv")


def file_modified(repo: Repo) -> None:
    repo.write("data/one.csv", "month,sales\n1,10\n2,99\n")


def file_modified_in_place(repo: Repo) -> None:
    """Through the link, into the cache: DVC's write protection doesn't hold everybody off."""
    target = Path(os.path.realpath(repo.path / "data/one.csv"))
    target.chmod(0o644)
    target.write_text("month,sales\n1,10\n2,99\n")


def modified_in_folder(repo: Repo) -> None:
    repo.write("data/month/jan.csv", "day,sales\n1,99\n")


def added_to_folder(repo: Repo) -> None:
    repo.write("data/month/mar.csv", "day,sales\n1,12\n")


def deleted_from_folder(repo: Repo) -> None:
    (repo.path / "data/month/jan.csv").unlink()


def output_edited(repo: Repo) -> None:
    repo.write("data/total.csv", "total\n1\n")


def unknown_file(repo: Repo) -> None:
    repo.write("data/new.csv", "a,b\n1,2\n")


def unknown_and_ignored(repo: Repo) -> None:
    repo.write("data/deep/new.csv", "a,b\n1,2\n")
    repo.write(".gitignore", "/data/deep\n/data/deep.dvc\n")
    repo.shell("git add .gitignore")


def record_staged_in_part(repo: Repo) -> None:
    repo.write("data/one.csv", "month,sales\n1,10\n2,98\n")
    repo.shell("dvc add -q data/one.csv", "git add data/one.csv.dvc")
    repo.write("data/one.csv", "month,sales\n1,10\n2,99\n")
    repo.shell("dvc add -q data/one.csv")


def lock_without_its_metrics(repo: Repo) -> None:
    repo.write("params.yaml", "total:\n  scale: 3\n")
    repo.shell("dvc repro -q", "git add dvc.lock params.yaml")


def metrics_without_their_lock(repo: Repo) -> None:
    repo.write("params.yaml", "total:\n  scale: 3\n")
    repo.shell("dvc repro -q", "git add metrics.json params.yaml")


def link_out_of_the_data(repo: Repo) -> None:
    """Moved to a larger disk: the same bytes, so that DVC sees no change."""
    repo.write("../elsewhere.csv", repo.read("data/month/jan.csv"))
    (repo.path / "data/month/jan.csv").unlink()
    (repo.path / "data/month/jan.csv").symlink_to(repo.path.parent / "elsewhere.csv")


def link_out_of_git(repo: Repo) -> None:
    repo.write("../elsewhere.txt", "some words\n")
    (repo.path / "words.txt").symlink_to("../elsewhere.txt")
    repo.shell("git add words.txt")


def records_ignored(repo: Repo) -> None:
    repo.write(".gitignore", "*.log\n*.dvc\n")
    repo.shell("git add .gitignore")


def lock_ignored(repo: Repo) -> None:
    repo.write(".gitignore", "dvc.lock\n")
    repo.shell("git add .gitignore")


def conflict_markers(repo: Repo) -> None:
    theirs = repo.read("data/one.csv.dvc")
    repo.write("data/one.csv.dvc", f"<<<<<<< HEAD\n{theirs}=======\n{theirs}>>>>>>> other\n")
    repo.shell("git add data/one.csv.dvc")


def secret_in_config(repo: Repo) -> None:
    repo.shell("dvc remote add -d store s3://bucket/x", "dvc remote modify store secret_access_key hunter2hunter2")
    repo.shell("git add .dvc/config")


def env_forced_in(repo: Repo) -> None:
    repo.write(".env", "DATAOPS_S3_PORT=1\nDATAOPS_S3_SECRET_ACCESS_KEY=hunter2\n")
    repo.shell("git add -f .env")


def code_changed(repo: Repo) -> None:
    repo.write("total.py", repo.read("total.py") + "# more\n")
    repo.shell("git add total.py")


def parameter_changed(repo: Repo) -> None:
    repo.write("params.yaml", "total:\n  scale: 7\n")
    repo.shell("git add params.yaml")


def executable(repo: Repo) -> None:
    Path(os.path.realpath(repo.path / "data/one.csv")).chmod(0o755)


def record_not_staged(repo: Repo) -> None:
    repo.write("data/one.csv", "month,sales\n1,10\n2,99\n")
    repo.shell("dvc add -q data/one.csv")


def record_unknown_to_git(repo: Repo) -> None:
    repo.write("data/new.csv", "a,b\n1,2\n")
    repo.shell("dvc add -q data/new.csv")


def files_leave_a_folder(repo: Repo) -> None:
    (repo.path / "data/month/jan.csv").unlink()
    repo.shell("dvc add -q data/month", "git add data/month.dvc")


Break = Callable[[Repo], None]
ANYWHERE: tuple[tuple[str, Break], ...] = (
    ("DATA001", data_by_place),
    ("DATA001", data_by_suffix),
    ("DATA001", data_by_size),
    ("DATA001", tracked_data_renamed),
    ("DATA001", data_without_suffix),
    ("DATA001", data_renamed_in_git),
    ("DATA003", unknown_file),
    ("DATA003", unknown_and_ignored),
    ("DATA005", link_out_of_git),
    ("DATA006", records_ignored),
    ("DATA006", lock_ignored),
    ("DATA008", secret_in_config),
    ("DATA008", env_forced_in),
    ("DATA101", code_changed),
    ("DATA101", parameter_changed),
)
BY_LINKS: tuple[tuple[str, Break], ...] = (
    ("DATA001", tracked_data_forced_in),
    ("DATA002", file_modified),
    ("DATA002", file_modified_in_place),
    ("DATA002", modified_in_folder),
    ("DATA002", added_to_folder),
    ("DATA002", deleted_from_folder),
    ("DATA002", output_edited),
    ("DATA004", record_staged_in_part),
    ("DATA004", lock_without_its_metrics),
    ("DATA004", metrics_without_their_lock),
    ("DATA005", link_out_of_the_data),
    ("DATA102", executable),
    ("DATA103", record_not_staged),
    ("DATA103", record_unknown_to_git),
    ("DATA104", files_leave_a_folder),
)
CASES = [(rule, broken, "copy") for rule, broken in ANYWHERE]
CASES += [(rule, broken, link) for link in LINKS for rule, broken in BY_LINKS]


@pytest.mark.parametrize(("rule", "broken", "cache_type"), CASES, ids=lambda value: getattr(value, "__name__", value))
def test_a_rule(plant: Callable[[str], Repo], rule: str, broken: Break, cache_type: str) -> None:
    """Refused, or let through with a warning; silent once the printed commands have run."""
    repo = plant(cache_type)
    broken(repo)
    blocks = rule.startswith("DATA0")
    by_hand = repo.run("pre-commit", "run")
    assert (by_hand.status != 0) == blocks, by_hand.text
    assert rule in told(by_hand.text)
    before = repo.head()
    commit = repo.commit("broken", "--allow-empty")
    assert rule in told(commit.text), commit.text
    assert (commit.status != 0) == blocks, commit.text
    assert (repo.head() == before) == blocks
    commands = fixes(commit.text, rule)
    assert commands, commit.text
    repo.shell(*(command.replace("VALUE", "hunter2hunter2") for command in commands))
    mended = repo.commit("mended", "--allow-empty")
    assert mended.status == 0, mended.text
    assert rule not in told(mended.text), mended.text


def test_silent_when_all_is_well(repo: Repo) -> None:
    """No line at all, by hand and in the hook's own output."""
    assert repo.check().text == ""
    repo.write("README.md", "hello\n")
    repo.shell("git add README.md")
    assert not told(repo.commit().text)


def test_conflict_markers_are_refused(repo: Repo) -> None:
    """The fix is the person's own; after it the commit is accepted."""
    conflict_markers(repo)
    commit = repo.commit()
    assert commit.status != 0
    assert "DATA007" in told(commit.text)
    repo.shell("git checkout -q HEAD -- data/one.csv.dvc")
    repo.write("README.md", "hello\n")
    repo.shell("git add README.md")
    assert repo.commit().status == 0
