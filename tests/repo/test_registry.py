"""Versions and stages agree with GTO, whatever the order of events; odd tags don't matter."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from pathlib import Path

import pytest
from tagrepo import TagRepo, plant

from dataops.repo import hashes, registry
from dataops.repo.registry import Registry

GTO = str(Path(sys.executable).with_name("gto"))
NAMES = ("dataset", "sub/dir:model")
STAGES = ("dev", "prod", "a/b")


def gto(repo: TagRepo, *arguments: str) -> object:
    """What real GTO says."""
    return json.loads(repo.run(GTO, *arguments, "--json"))


def play(repo: TagRepo, seed: int) -> None:
    """Random events on a few commits; about every third in the same second as the one before."""
    draw = random.Random(seed)
    commits = [repo.commit(f"c{i}") for i in range(5)]
    registered: dict[tuple[str, str], str] = {}
    for counter in range(1, 40):
        name, commit = draw.choice(NAMES), draw.choice(commits)
        named = name.replace(":", "=")
        at = repo.clock + (draw.random() > 0.3)
        number = registered.get((name, commit))
        if number is None:
            number = registered[name, commit] = f"v{draw.randint(0, 2)}.{len(registered)}.0"
            repo.tag(f"{named}@{number}", commit, at=at)
            continue
        stage = draw.choice(STAGES)
        what = draw.choice(
            [f"@{number}!#{counter}", f"@{number}#{counter}", *[f"#{stage}#{counter}"] * 4, f"#{stage}!#{counter}"]
            + (["@deprecated#99"] if counter == 25 else [])
        )
        repo.tag(named + what, commit, at=at)


def summary(found: Registry) -> dict[str, object]:
    """As `gto show --json` has it."""
    stages = sorted({stage for artifact in found.artifacts.values() for stage in artifact.staged})
    return {
        name: {
            "version": str(artifact.latest.number) if artifact.latest else None,
            "stage": {s: str(artifact.stages[s].number) if s in artifact.stages else None for s in stages},
        }
        for name, artifact in found.artifacts.items()
        if not artifact.deprecated
    }


@pytest.mark.parametrize("seed", range(12))
def test_agrees_with_gto(repo: TagRepo, seed: int) -> None:
    """`gto show`, `gto show NAME` and `gto history` after random events."""
    play(repo, seed)
    found = registry.read(repo.git)
    shown = gto(repo, "show")
    assert isinstance(shown, dict)
    ours = summary(found)
    theirs = {name: {key: entry[key] for key in ("version", "stage")} for name, entry in shown.items()}
    for entry in theirs.values():
        entry["stage"] = {key: value for key, value in entry["stage"].items() if value}
    for entry in ours.values():
        entry["stage"] = {key: value for key, value in entry["stage"].items() if value}  # type: ignore[index]
    assert ours == theirs
    for name, artifact in found.artifacts.items():
        listed = gto(repo, "show", name)
        assert isinstance(listed, list)
        active = {
            (str(version.number), version.commit, version.tag, version.stages)
            for version in artifact.versions
            if version.deprecated is None
        }
        assert active == {
            (v["version"], v["commit_hexsha"], v["ref"], tuple(sorted(s["stage"] for s in v["stages"]))) for v in listed
        }
        assert registry.read(repo.git, name).artifacts[name] == artifact
    events = gto(repo, "history")
    assert isinstance(events, list)
    assert {(event["ref"], event["commit"]) for event in events} == {
        (ref.name, ref.commit) for artifact in found.artifacts.values() for _, ref in artifact.events
    }


def test_odd_tags(repo: TagRepo) -> None:
    """Lightweight tags and tags of files are none; a tag of a tag is its commit's; refs may be packed."""
    commit = repo.commit(a="1")
    repo.run("git", "tag", "dataset@v9.0.0")
    repo.run("git", "tag", "dataset#prod#17")
    repo.tag("dataset@v8.0.0", "HEAD:a")
    repo.tag("inner")
    repo.tag("dataset@v1.0.0", "inner")
    repo.run("git", "pack-refs", "--all")
    repo.tag("dataset@v1.1.0", message="subject\r\n\r\nbody\r\n")
    found = registry.read(repo.git)
    assert [str(version.number) for version in found.versions("dataset")] == ["v1.0.0", "v1.1.0"]
    assert {version.commit for version in found.versions("dataset")} == {commit}
    assert found.last_counter("dataset") == 17  # GTO counts lightweight ones too
    latest = found.artifacts["dataset"].latest
    assert latest is not None
    assert (latest.subject, latest.body) == ("subject", "body")
    assert (latest.author, latest.email) == ("Tess Ter", "tess@example.com")
    assert latest.card is None
    assert found.versions("nobody") == ()
    assert registry.read(repo.git, "--exec=x").artifacts == {}


def test_strange_makers(repo: TagRepo) -> None:
    """No tagger, no name, no known encoding, a time beyond every calendar."""
    commit = repo.commit()
    makers = (b"", b"tagger  <> 1700000000 +0000\n", b"tagger M\xfcller <m@x> 99999999999999999 +0000\n", b"tagger x\n")
    for i, maker in enumerate(makers):
        raw = b"object %b\ntype commit\ntag t\n%b\nM\xfcller says\n" % (commit.encode(), maker)
        done = subprocess.run(
            ["git", "hash-object", "-t", "tag", "-w", "--stdin", "--literally"],
            input=raw, cwd=repo.path, capture_output=True, check=True,
        )  # fmt: skip
        repo.run("git", "update-ref", f"refs/tags/d@v{i}.0.0", done.stdout.decode().strip())
    versions = registry.read(repo.git).versions("d")
    assert [version.subject for version in versions] == ["Müller says"] * 4
    assert [version.email for version in versions] == ["", "", "m@x", ""]
    assert [version.time.year for version in versions] == [1970, 2023, 9999, 1970]


def test_signed(repo: TagRepo, tmp_path: Path) -> None:
    """The signature is no part of the message, and the card in front of it is found."""
    repo.commit()
    key = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    for name, value in (("gpg.format", "ssh"), ("user.signingkey", str(key))):
        repo.run("git", "config", name, value)
    repo.run("git", "tag", "-s", "-m", 'subject\n\n{\n  "format": 1,\n  "rows": 3\n}', "dataset@v1.0.0")
    (version,) = registry.read(repo.git).versions("dataset")
    assert "-----BEGIN" in repo.run("git", "cat-file", "tag", "dataset@v1.0.0")
    assert "-----BEGIN" not in version.body
    assert version.card == {"format": 1, "rows": 3}


def test_merged(repo: TagRepo) -> None:
    """Only what a commit has behind it."""
    first = repo.commit()
    repo.tag("dataset@v1.0.0")
    repo.commit()
    repo.tag("dataset@v1.1.0")
    assert [str(v.number) for v in registry.read(repo.git, "dataset", merged=first).versions("dataset")] == ["v1.0.0"]


def test_many(tmp_path: Path) -> None:
    """2,000 versions with cards, all of them (10,000 are measured in benchmarks/versions.py)."""
    script = Path(__file__).parents[2] / "scripts/many_versions.py"
    subprocess.run([sys.executable, str(script), str(tmp_path / "many"), "--versions", "2000"], check=True)
    git = plant(tmp_path / "other").git.__class__(tmp_path / "many")
    versions = registry.read(git).versions("dataset")
    cards = [version.card for version in versions]
    assert len(versions) == 2000
    assert all(card and card["commit"] == version.commit for card, version in zip(cards, versions, strict=True))
    assert hashes.content_hashes(git, versions) == [card["hash"] for card in cards if card]
