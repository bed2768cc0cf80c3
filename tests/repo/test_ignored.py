"""What .dvcignore hides, with git's own opinion of the same patterns for a judge."""

from __future__ import annotations

import subprocess

import pytest
from tagrepo import TagRepo

from dataops.errors import DataOpsError
from dataops.repo import recorded
from dataops.repo.ignored import Ignored

PATHS = [
    "dvc.yaml", "a.dvc", "junk/dvc.yaml", "junk/deep/x.dvc", "sub/junk/dvc.yaml", "sub/keep/dvc.yaml", "sub/bad.dvc",
    "sub/deep/bad.dvc", "build1/dvc.yaml", "build/dvc.yaml", "x/build/y/dvc.yaml", "old/v1/dvc.yaml", "old/dvc.yaml",
    "a/b/c/dvc.lock", "a/c/dvc.lock", "#odd/dvc.yaml", "with space/dvc.yaml",
]  # fmt: skip


@pytest.mark.parametrize(
    "lines",
    [
        ["junk"],
        ["junk/"],
        ["/junk"],
        ["dvc.yaml/"],
        ["sub/*.dvc"],
        ["*.dvc", "!sub/bad.dvc"],
        ["junk", "!junk/dvc.yaml"],
        ["build[0-9]", "buil[^e]"],
        ["old/**"],
        ["a/**/dvc.lock"],
        ["**/deep"],
        ["# comment", "", "\\#odd", "with space"],
        ["*", "!dvc.yaml"],
        ["/*", "!/sub", "/sub/junk"],
        ["?uild"],
    ],
)
def test_as_git_would(repo: TagRepo, lines: list[str]) -> None:
    """Each path, under each set of lines."""
    repo.write(".gitignore", "\n".join(lines) + "\n")
    command = ["git", "check-ignore", "--no-index", "--stdin"]
    done = subprocess.run(command, cwd=repo.path, input="\n".join(PATHS), capture_output=True, text=True, check=False)
    hidden = Ignored({"": "\n".join(lines).encode()})
    assert [path for path in PATHS if hidden(path)] == [line.strip('"') for line in done.stdout.splitlines()]


def test_a_file_further_down_counts_from_there_and_last() -> None:
    """It can hide more, and bring back what the upper one hid."""
    hidden = Ignored({"": b"*.dvc\n", "sub": b"!a.dvc\n/x\n"})
    paths = ("a.dvc", "sub/a.dvc", "sub/b.dvc", "sub/x/dvc.yaml", "x/dvc.yaml")
    assert [path for path in paths if hidden(path)] == ["a.dvc", "sub/b.dvc", "sub/x/dvc.yaml"]


@pytest.mark.timeout(60)
def test_a_hostile_pattern_costs_nothing() -> None:
    """No pattern makes matching run for ever."""
    hidden = Ignored({"": ("*a" * 200 + "b\n" + "**/" * 200 + "x\n").encode()})
    assert not hidden("a" * 250 + "/" + "a/" * 500 + "c.dvc")


def test_a_broken_file_that_dvc_never_reads(repo: TagRepo) -> None:
    """It is an error only where DVC would stumble over it, too."""
    repo.write("old/dvc.yaml", "stages: [broken\n")
    repo.write("sub/bad.dvc", "outs: [\n")
    commit = repo.commit(**{"a.dvc": f"outs:\n- md5: {'a' * 32}\n  path: a\n", ".dvc/config": ""})
    with pytest.raises(DataOpsError, match=r"old/dvc\.yaml"):
        recorded.snapshot(repo.git, commit)
    commit = repo.commit(**{".dvcignore": "old\n*.dvc\n!/a.dvc\n"})
    assert [stage.address for stage in recorded.snapshot(repo.git, commit).stages] == ["a.dvc"]
