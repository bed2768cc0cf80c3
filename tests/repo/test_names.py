"""Every name that a version has; what means two things or none is an error that helps."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import tagrepo
from tagrepo import TagRepo

from dataops.errors import DataOpsError
from dataops.repo import names, registry
from dataops.repo.names import Target

CARD = 'told\n\n{\n  "format": 1,\n  "hash": "%s.dir"\n}'


@pytest.fixture
def versions(repo: TagRepo) -> dict[str, str]:
    """Versions of two artifacts, an hour or a day apart; name → commit."""
    day = 86_400
    repo.clock = 1_705_276_800  # 2024-01-15 00:00 UTC
    made = {}
    for number, later in (("v1.0.0", 60), ("v1.2.0", 7200), ("v1.2.1", day), ("v1.10.0", 2 * day), ("v2.0.0", 3 * day)):
        made[number] = repo.commit(number)
        repo.tag(f"dataset@{number}", message=CARD % f"{len(made)}abc".ljust(32, "0"), at=1_705_276_800 + later)
    repo.tag("dataset@v2.0.0!#1", message="counted twice")
    repo.tag("model@v1.0.0", made["v1.2.0"])
    repo.tag("sub=deep@v3.0.0", made["v1.0.0"])
    repo.tag("dataset#prod#2", made["v1.2.0"])
    repo.tag("dataset#prod#3", made["v1.2.1"])
    repo.run("git", "branch", "stable", made["v1.2.0"])
    return made


def ask(repo: TagRepo, asked: str, default: str = "dataset") -> Target:
    """As every command asks."""
    return names.resolve(repo.git, registry.read(repo.git), asked, default)


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("v1.2.0", "dataset@v1.2.0"),
        ("dataset@v1.2.0", "dataset@v1.2.0"),
        ("v2.0.0", "dataset@v2.0.0"),
        ("v1.2", "dataset@v1.2.1"),
        ("v1", "dataset@v1.10.0"),
        ("v2", "dataset@v2.0.0"),
        ("latest", "dataset@v1.10.0"),
        ("greatest", "dataset@v1.10.0"),
        (" latest ", "dataset@v1.10.0"),
        ("dataset@latest", "dataset@v1.10.0"),
        ("model@latest", "model@v1.0.0"),
        ("sub:deep@latest", "sub:deep@v3.0.0"),
        ("sub=deep@v3.0.0", "sub:deep@v3.0.0"),
        ("2024-01-15", "dataset@v1.2.0"),
        ("dataset@2024-01-16", "dataset@v1.2.1"),
        ("dataset#prod", "dataset@v1.2.1"),
        ("#prod", "dataset@v1.2.1"),
        ("dataset#prod#2", "dataset@v1.2.0"),
        ("hash-3abc", "dataset@v1.2.1"),
        ("hash-3abc0000000000000000000000000000.dir", "dataset@v1.2.1"),
        ("stable", "dataset@v1.2.0"),
        ("model@stable", "model@v1.0.0"),
        ("main~1", "dataset@v1.10.0"),
        ("HEAD", "dataset@v2.0.0"),
        ("dataset@HEAD~1", "dataset@v1.10.0"),
        ("refs/tags/dataset@v1.0.0", "dataset@v1.0.0"),
    ],
)
def test_names(repo: TagRepo, versions: dict[str, str], asked: str, expected: str) -> None:
    """What each name means."""
    target = ask(repo, asked)
    assert target.version is not None
    assert target.version.name == expected
    assert target.commit == target.version.commit


def test_names_made_of_ids(repo: TagRepo, versions: dict[str, str]) -> None:
    """A commit, of a version or not, and number, day and commit together."""
    sha = versions["v1.2.0"]
    for asked in (sha, sha[:9], f"commit-{sha[:7]}", f"commit-{sha}", f"v1.2.0-2024-01-15-{sha[:7]}"):
        target = ask(repo, asked)
        assert target.version, asked
        assert target.version.name == "dataset@v1.2.0", asked
    target = ask(repo, f"model@commit-{sha[:8]}")
    assert target.version
    assert target.version.name == "model@v1.0.0"
    other = repo.commit("no version")
    for asked in (f"commit-{other[:8]}", "main", f"dataset@commit-{other}"):
        assert (ask(repo, asked).commit, ask(repo, asked).version) == (other, None)
    with pytest.raises(DataOpsError, match=r"not that of dataset@v1\.2\.0") as error:
        ask(repo, f"v1.2.0-2024-01-16-{sha[:7]}")
    assert error.value.hint == f"it is v1.2.0-2024-01-15-{sha[:7]}"


def test_two_meanings(repo: TagRepo, versions: dict[str, str]) -> None:
    """Both are listed; the same commit is one meaning; a qualified name is never a tag of the code."""
    repo.run("git", "tag", "v1.2.0", versions["v1.0.0"])
    with pytest.raises(DataOpsError, match=r"v1\.2\.0 means dataset@v1\.2\.0 .* and git's v1\.2\.0"):
        ask(repo, "v1.2.0")
    assert ask(repo, "dataset@v1.2.0").commit == versions["v1.2.0"]
    repo.run("git", "tag", "v1.2.1", versions["v1.2.1"])
    target = ask(repo, "v1.2.1")
    assert target.version
    assert target.version.name == "dataset@v1.2.1"
    again = repo.commit("again")
    repo.tag("dataset@v3.0.0", message=CARD % "3abc".ljust(32, "0"))
    with pytest.raises(DataOpsError, match=r"means dataset@v1\.2\.1 .* and dataset@v3\.0\.0"):
        ask(repo, "hash-3abc")
    assert ask(repo, "latest").commit == again


@pytest.mark.parametrize(
    ("asked", "message", "hint"),
    [
        ("v1.3.0", "v1.3.0 is no version of dataset", "v1.2.0"),
        ("latset", "latset is no version of dataset, and no revision of git", "latest"),
        ("datset@latest", "no artifact datset", "did you mean dataset@latest?"),
        ("nothing@latest", "no artifact nothing", "there is: dataset, model, sub:deep"),
        ("dataset#dev", "has the stage dev", "there is: prod"),
        ("model#dev", "has the stage dev", "dataops promote model@latest dev"),
        ("2024-01-20", "was made on 2024-01-20", "2024-01-18"),
        ("model", "model is an artifact", "model@latest"),
        ("--upload-pack=x", "no version", ""),
        ("-x", "no version", ""),
        ("", "no name", ""),
        ("a\nb", "no name", ""),
        ("v99999999999999999999", "no version", ""),
        ("9999-99-99", "was made on", ""),
    ],
)
def test_unknown(repo: TagRepo, versions: dict[str, str], asked: str, message: str, hint: str) -> None:
    """One line, and the nearest names."""
    with pytest.raises(DataOpsError) as error:
        ask(repo, asked)
    assert message in error.value.message
    assert "\n" not in error.value.message
    assert hint in error.value.hint


def test_nothing_yet(repo: TagRepo, tmp_path: Path) -> None:
    """No version at all; tags that were not fetched."""
    repo.commit()
    with pytest.raises(DataOpsError, match="no versions yet") as error:
        ask(repo, "latest")
    assert "dataops release" in error.value.hint
    repo.run("git", "clone", "-q", "--no-tags", str(repo.path), str(tmp_path / "clone"))
    repo.tag("dataset@v1.0.0")
    clone = TagRepo(tmp_path / "clone")
    for asked in ("latest", "v1.0.0", "dataset@v1.0.0"):
        with pytest.raises(DataOpsError, match=r"dataset@v1\.0\.0 is on the git remote origin only") as error:
            ask(clone, asked)
        assert error.value.hint == "git fetch --tags"


def test_every_version_deprecated(repo: TagRepo) -> None:
    """`latest` is nothing then; the number still means it."""
    repo.commit()
    repo.tag("dataset@v1.0.0")
    repo.tag("dataset@v1.0.0!#1", message="wrong")
    with pytest.raises(DataOpsError, match="every version of dataset is deprecated"):
        ask(repo, "latest")
    target = ask(repo, "v1.0")
    assert target.version
    assert target.version.deprecated == "Tess Ter, 2023-11-14: wrong"


def test_registered_again(tmp_path: Path) -> None:
    """A number that was cancelled and registered at another commit is the new one."""
    repo = tagrepo.plant(tmp_path / "again")
    first = repo.commit("a")
    repo.tag("dataset@v1.0.0")
    repo.tag("dataset@v1.0.0!#1")
    second = repo.commit("b")
    repo.tag("dataset@v1.0.0#2")
    assert ask(repo, "v1.0.0").commit == second
    assert ask(repo, "latest").commit == second
    assert ask(repo, f"commit-{first[:8]}").version is not None


@pytest.fixture
def imported(versions: dict[str, str], repo: TagRepo) -> TagRepo:
    """Two versions that had other names before: `v1.0` and one of a day on which another was made, too."""
    for number, alias, at in (("v0.9.0", "v1.0", 1_600_000_000), ("v0.9.1", "2024-01-16", 1_600_000_100)):
        card = json.dumps({"format": 1, "aliases": [alias], "hash": number[-1] * 32}, indent=2)
        repo.tag(f"dataset@{number}", repo.commit(number), message=f"told\n\n{card}", at=at)
    return repo


@pytest.mark.parametrize(("asked", "expected"), [("v1.0", "v0.9.0"), ("dataset@v1.0", "v0.9.0"), ("v1", "v1.10.0")])
def test_an_old_name_is_exact(imported: TagRepo, asked: str, expected: str) -> None:
    """`v1.0` is the version that was called so, not the greatest v1.0.x; what nothing was called is short for."""
    found = ask(imported, asked).version
    assert found is not None
    assert str(found.number) == expected


def test_an_old_name_with_another_meaning(imported: TagRepo) -> None:
    """Was it called so, or made on that day? Both are named."""
    with pytest.raises(DataOpsError, match=r"dataset@v0\.9\.1 .* and dataset@v1\.2\.1"):
        ask(imported, "2024-01-16")
    with pytest.raises(DataOpsError) as info:
        ask(imported, "2024-01-61x")
    assert "2024-01-16" in info.value.hint
