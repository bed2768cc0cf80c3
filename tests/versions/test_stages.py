"""`promote` and `deprecate` on a real git remote: idempotent, and one winner where two are at it."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path

import pytest
import warm

from dataops.errors import DataOpsError, Refused
from dataops.repo import names, publish_tag, registry
from dataops.repo.git import Git
from dataops.repo.names import Target
from dataops.versions import stages

GTO = str(Path(sys.executable).with_name("gto"))


@dataclass
class Team:
    """Two clones and their remote."""

    remote: Path
    mine: Path
    theirs: Path

    def run(self, *command: str, cwd: Path | None = None) -> str:
        """A program in one of them."""
        done = subprocess.run(command, cwd=cwd or self.mine, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
        return done.stdout.strip()

    def target(self, asked: str, clone: Path | None = None) -> Target:
        """As the commands resolve it."""
        git = Git(clone or self.mine)
        return names.resolve(git, registry.read(git), asked)

    def tags(self) -> list[str]:
        """What the remote has."""
        return self.run("git", "tag", cwd=self.remote).splitlines()


@pytest.fixture
def team(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Team:
    """Three released versions."""
    for who in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{who}_NAME", "Tess Ter")
        monkeypatch.setenv(f"GIT_{who}_EMAIL", "tess@example.com")
    made = Team(tmp_path / "remote.git", tmp_path / "mine", tmp_path / "theirs")
    made.run("git", "init", "-q", "--bare", "-b", "main", str(made.remote), cwd=tmp_path)
    made.run("git", "clone", "-q", str(made.remote), str(made.mine), cwd=tmp_path)
    (made.mine / ".dvc").mkdir()
    (made.mine / ".dvc/config").write_text("")
    (made.mine / "dvc.yaml").write_text("stages:\n  s: {cmd: x, outs: [d]}\nartifacts:\n  dataset: {path: d}\n")
    for number in ("v1.0.0", "v1.1.0", "v2.0.0"):
        digest = number[1:].replace(".", "").ljust(32, "0")
        entry = f"  s:\n    cmd: x\n    outs:\n    - path: d\n      hash: md5\n      md5: {digest}\n      size: 1\n"
        (made.mine / "dvc.lock").write_text(f"schema: '2.0'\nstages:\n{entry}")
        made.run("git", "add", "-A")
        made.run("git", "commit", "-qm", number)
        card = {"format": 1, "hash": digest, "rows": 1234, "bytes": 5678, "bump": "minor", "reason": "1 day added"}
        text = f"dataset {number}: 1 day added\n\n{json.dumps(card, indent=2)}\n"
        made.run("git", "tag", "-am", text, f"dataset@{number}")
    made.run("git", "push", "-q", "-u", "origin", "main", "--tags")
    made.run("git", "clone", "-q", str(made.remote), str(made.theirs), cwd=tmp_path)
    return made


def test_promote(team: Team) -> None:
    """The tag is on the remote and here, GTO agrees, and the same again changes nothing."""
    done = stages.promote(Git(team.mine), team.target("v1.1.0"), "prod")
    assert (done.tag, done.already, done.pushed) == ("dataset#prod#1", False, "origin")
    assert "dataset#prod#1" in team.tags()
    again = stages.promote(Git(team.mine), team.target("v1.1.0"), "prod")
    assert (again.tag, again.already) == ("dataset#prod#1", True)
    for asked in ("v2.0.0", "v1.0.0", "v2.0.0"):  # all within a second: the last one counts
        done = stages.promote(Git(team.mine), team.target(asked), "prod")
    assert done.tag == "dataset#prod#4"
    assert team.target("#prod").version == team.target("v2.0.0").version
    shown = json.loads(team.run(GTO, "show", "--json"))
    assert shown["dataset"]["stage"] == {"prod": "v2.0.0"}


def test_no_push_then_push(team: Team) -> None:
    """A tag kept here is pushed by the next call."""
    done = stages.promote(Git(team.mine), team.target("v1.0.0"), "dev", push=False)
    assert done.pushed is None
    assert "dataset#dev#1" not in team.tags()
    done = stages.promote(Git(team.mine), team.target("v1.0.0"), "dev")
    assert (done.already, done.pushed) == (True, "origin")
    assert "dataset#dev#1" in team.tags()


def test_what_a_colleague_did(team: Team) -> None:
    """Tags that were not fetched count: the counter, and who holds a stage."""
    stages.promote(Git(team.theirs), team.target("v2.0.0", team.theirs), "prod")
    done = stages.promote(Git(team.mine), team.target("v1.0.0"), "prod")
    assert done.tag == "dataset#prod#2"
    done = stages.promote(Git(team.theirs), team.target("v1.0.0", team.theirs), "prod")
    assert (done.already, done.tag) == (True, "dataset#prod#2")


def test_race(team: Team) -> None:
    """Two at once: each gets a number of its own, and both clones end up saying the same."""
    done: dict[Path, stages.Done] = {}

    def work(clone: Path, asked: str) -> None:
        done[clone] = stages.promote(Git(clone), team.target(asked, clone), "prod")

    threads = [threading.Thread(target=work, args=pair) for pair in ((team.mine, "v1.0.0"), (team.theirs, "v2.0.0"))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {one.tag for one in done.values()} == {"dataset#prod#1", "dataset#prod#2"}
    for clone in (team.mine, team.theirs):
        team.run("git", "fetch", "-q", "--tags", cwd=clone)
    last = next(one for one in done.values() if one.tag == "dataset#prod#2")
    assert team.target("#prod").version == team.target("#prod", team.theirs).version
    assert team.target("#prod").commit == last.version.commit


def test_taken_in_between(team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody takes the name between looking and pushing: told, and the next number is used."""
    original = publish_tag.push

    def late(git: Git, remote: str, sha: str, name: str) -> str:
        if name == "dataset#prod#1":
            team.run("git", "tag", "-am", "quick", name, "dataset@v2.0.0", cwd=team.theirs)
            team.run("git", "push", "-q", "origin", name, cwd=team.theirs)
        return original(git, remote, sha, name)

    monkeypatch.setattr(publish_tag, "push", late)
    done = stages.promote(Git(team.mine), team.target("v1.0.0"), "prod")
    assert done.tag == "dataset#prod#2"
    assert "Tess Ter made dataset#prod#1" in done.notes[0]
    assert done.artifact.stages["prod"].name == "dataset@v1.0.0"


def test_deprecate(team: Team) -> None:
    """`latest` and a stage pass it over; the same again says so; it can't be promoted."""
    stages.promote(Git(team.mine), team.target("v1.1.0"), "prod")
    stages.promote(Git(team.mine), team.target("v2.0.0"), "prod")
    done = stages.deprecate(Git(team.mine), team.target("v2.0.0"), "Store 7\ntwice")
    assert done.tag == "dataset@v2.0.0!#3"
    assert done.artifact.latest
    assert done.artifact.latest.name == "dataset@v1.1.0"
    assert done.artifact.stages["prod"].name == "dataset@v1.1.0"
    assert (done.version.deprecated or "").endswith(": Store 7 twice")
    shown = json.loads(team.run(GTO, "show", "--json"))["dataset"]
    assert (shown["version"], shown["stage"]) == ("v1.1.0", {"prod": "v1.1.0"})
    again = stages.deprecate(Git(team.mine), team.target("v2.0.0"))
    assert (again.already, again.tag) == (True, "dataset@v2.0.0!#3")
    with pytest.raises(Refused, match="is deprecated: Tess Ter"):
        stages.promote(Git(team.mine), team.target("v2.0.0"), "prod")


def test_refusals(team: Team, tmp_path: Path) -> None:
    """A protected tag, no network, no remote, a version that isn't pushed, names that are none: a line each."""
    git, target = Git(team.mine), team.target("v1.0.0")
    for stage in ("pro d", "", "-x", "a!"):
        with pytest.raises(DataOpsError, match="no name of a stage"):
            stages.promote(git, target, stage)
    with pytest.raises(DataOpsError, match="is no version"):
        stages.promote(git, Target("main", None, target.commit, None), "prod")
    hook = team.remote / "hooks/update"
    hook.write_text("#!/bin/sh\necho 'GH013: tags are protected' >&2\nexit 1\n")
    hook.chmod(0o755)
    with pytest.raises(
        DataOpsError, match=r"origin refused the tag dataset#prod#1: GH013: tags are protected \(hook d"
    ):
        stages.promote(git, target, "prod")
    assert "dataset#prod#1" not in team.run("git", "tag").splitlines()
    hook.unlink()
    team.run("git", "tag", "-am", "x", "dataset@v3.0.0")
    with pytest.raises(DataOpsError, match=r"dataset@v3\.0\.0 itself is not on origin yet"):
        stages.promote(git, team.target("v3.0.0"), "prod")
    team.remote.rename(tmp_path / "away")
    with pytest.raises(DataOpsError, match="origin can't be reached"):
        stages.promote(git, target, "prod")
    team.run("git", "remote", "remove", "origin")
    with pytest.raises(DataOpsError, match="no git remote") as error:
        stages.promote(git, target, "prod")
    assert "--no-push" in error.value.hint


def dataops(team: Team, *arguments: str, status: int = 0) -> str:
    """The command itself."""
    command = [sys.executable, "-m", "dataops", *arguments]
    done = warm.run(command, team.mine)
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_commands(team: Team) -> None:
    """What a person sees."""
    assert "dataset@v1.1.0 is prod (tag dataset#prod#1, pushed to origin)" in dataops(team, "promote", "v1.1.0", "prod")
    assert "already is prod" in dataops(team, "promote", "v1.1.0", "prod")
    told = dataops(team, "deprecate", "v2.0.0", "-m", "Store 7 twice")
    assert "latest is dataset@v1.1.0 now" in told
    table = dataops(team, "versions").splitlines()
    assert [line.split()[0] for line in table] == ["dataset", "version", "v2.0.0", "v1.1.0", "v1.0.0"]
    assert "1,234" in table[3]
    assert "prod" in table[3]
    assert "Store 7 twice" in table[2]
    listed = json.loads(dataops(team, "versions", "dataset", "--json"))
    assert [entry["version"] for entry in listed] == ["v2.0.0", "v1.1.0", "v1.0.0"]
    assert listed[1]["stages"] == ["prod"]
    assert listed[1]["rows"] == 1234
    shown = json.loads(dataops(team, "show", "#prod", "--json"))
    assert (shown["version"], shown["hash"], shown["warnings"]) == ("v1.1.0", "110".ljust(32, "0"), [])
    assert shown["card"]["rows"] == 1234
    assert json.loads(dataops(team, "show", "latest", "--repo", f"file://{team.remote}", "--json")) == shown
    text = dataops(team, "show", "v1.1.0")
    assert "1,234 rows" in text
    assert "minor: 1 day added" in text
    assert "nothing has no versions" in dataops(team, "versions", "nothing", status=2)


def test_disagreement_and_escapes(team: Team) -> None:
    """A card that dvc.lock contradicts is said; a tag's text does nothing to the terminal; a commit is shown too."""
    card = {"format": 1, "hash": "f" * 32, "rows": "many", "schema": {"a\x1b[31m": "int"}}
    text = f"evil \x1b[2J subject\n\n{json.dumps(card, indent=2)}\n"
    team.run("git", "tag", "-am", text, "dataset@v4.0.0")
    shown = dataops(team, "show", "v4.0.0")
    assert f"warning: the card says {'f' * 32}, dvc.lock at" in shown
    assert "\x1b" not in shown + dataops(team, "versions")
    (team.mine / "x").write_text("")
    team.run("git", "add", "x")
    team.run("git", "commit", "-qm", "later")
    told = dataops(team, "show", "main")
    assert "no version of dataset" in told
    assert "dataset@v2.0.0" in told


def test_listing_is_light(team: Team) -> None:
    """Nothing that takes long to import is needed for a list."""
    heavy = ("pydantic", "pandas", "pyarrow", "boto3", "dvc", "yaml", "numpy", "tqdm")
    code = "import sys; from dataops.cli import main\ntry: main(['versions', '--json'])\nexcept SystemExit: pass\n"
    command = [sys.executable, "-c", f"{code}print([name for name in {heavy} if name in sys.modules])"]
    done = subprocess.run(command, cwd=team.mine, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
