"""`dataops doctor` on this machine's side: one line each, never a traceback, whatever is broken."""

from __future__ import annotations

import importlib.metadata
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import warm
from tagrepo import TagRepo
from tagrepo import plant as planted
from watched import environ

from dataops.guard.doctor import gittags
from dataops.guard.doctor.examine import examine
from dataops.guard.doctor.finding import Finding


@pytest.fixture(autouse=True)
def _nobody(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A person without settings of their own."""
    for name in list(os.environ):
        if name.startswith(("AWS_", "DVC_", "GIT_", "DATAOPS_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.fixture
def repo(tmp_path: Path) -> TagRepo:
    """A git and DVC repository with a folder as its remote and one commit."""
    found = planted(tmp_path / "repo")
    found.run("git", "config", "user.name", "Tess Ter")
    found.run("git", "config", "user.email", "tess@example.com")
    (tmp_path / "remote").mkdir()
    found.write(".dvc/config", f"[core]\n    remote = store\n['remote \"store\"']\n    url = {tmp_path / 'remote'}\n")
    found.write("dvc.yaml", "stages:\n  one:\n    cmd: touch a\n    outs: [a]\n")
    found.commit()
    return found


def answers(folder: Path, *, offline: bool = False) -> dict[str, Finding]:
    """Every finding by its name; none twice."""
    found = examine(folder, offline=offline)
    assert len({one.name for one in found}) == len(found), found
    return {one.name: one for one in found}


def command(folder: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """The command itself."""
    return warm.run([sys.executable, "-m", "dataops", "doctor", *words], folder, environ(**environment))


def test_all_is_well(repo: TagRepo) -> None:
    """Nothing fails, and each question has its line."""
    found = answers(repo.path)
    assert [one for one in found.values() if one.state == "fail"] == []
    assert list(found) == [
        "python",
        "git",
        "identity",
        "dvc",
        "files",
        "records",
        "hooks",
        "merge drivers",
        "cache",
        "disk",
        "training",
        "dvc remote",
        "writable",
        "git remote",
    ]
    assert found["dvc"].found.startswith(importlib.metadata.version("dvc"))
    assert found["writable"].state == "ok"
    assert not any((repo.path.parent / "remote").iterdir())


def test_command(repo: TagRepo) -> None:
    """Status 0 with warnings, 1 when something fails; JSON says the same."""
    done = command(repo.path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "ok    dvc remote" in done.stdout
    assert done.stdout.splitlines()[-1].endswith("0 wrong")
    (repo.path.parent / "remote").rmdir()
    done = command(repo.path, "--json")
    assert done.returncode == 1
    found = json.loads(done.stdout)
    assert found["fine"] is False
    (wrong,) = [one for one in found["findings"] if one["state"] == "fail"]
    assert (wrong["name"], "is not there" in wrong["found"]) == ("reachable", True)
    assert command(repo.path, "--offline").returncode == 0


def test_outside_of_everything(tmp_path: Path) -> None:
    """What can be said of the machine is."""
    done = command(tmp_path)
    assert (done.returncode, done.stderr) == (1, "")
    assert "is in no DVC repository" in done.stdout
    assert "ok    python" in done.stdout


def test_only_git(tmp_path: Path) -> None:
    """A git repository without DVC."""
    found = answers(planted(tmp_path / "repo").path)
    assert found["repository"].state == "fail"
    assert found["git remote"].state == "warn"


def test_only_dvc(repo: TagRepo) -> None:
    """A DVC repository without git."""
    (repo.path / ".git").rename(repo.path.parent / "away")
    found = answers(repo.path)
    assert found["repository"].fix == "git init"


@pytest.mark.parametrize(
    ("file", "content", "name"),
    [
        (".dvc/config", "[core\n", "dvc config"),
        ("pyproject.toml", "[tool.dataops", "settings"),
        ("pyproject.toml", "[tool.dataops]\nnonsense = 1\n", "settings"),
        ("dvc.yaml", "stages: [", "records"),
        ("dvc.yaml", "- 1\n", "records"),
        ("dvc.lock", "<<<<<<< ours\n", "records"),
        ("data/a.dvc", "outs: {", "records"),
        ("data/\x1b[2J.dvc", "outs: {", "records"),
    ],
)
def test_broken_files(repo: TagRepo, file: str, content: str, name: str) -> None:
    """Each is one line that fails; the rest is said nonetheless, and nothing reaches the terminal raw."""
    repo.write(file, content)
    done = command(repo.path)
    assert (done.returncode, done.stderr) == (1, "")
    (wrong,) = [line for line in done.stdout.splitlines() if line.startswith("FAIL")]
    assert wrong.split("  ")[1].strip() == name
    assert "\x1b" not in done.stdout
    assert "git remote" in done.stdout


def test_identity(repo: TagRepo, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody, somebody that git guesses, and somebody."""
    for what in ("name", "email"):
        repo.run("git", "config", "--unset", f"user.{what}")
    repo.run("git", "config", "user.useConfigOnly", "true")
    assert answers(repo.path)["identity"].state == "fail"
    repo.run("git", "config", "user.name", "Tess")
    repo.run("git", "config", "user.email", "tess@example.com")
    assert answers(repo.path)["identity"].found == "Tess <tess@example.com>"
    monkeypatch.setenv("GIT_COMMITTER_NAME", "Other")
    assert answers(repo.path)["identity"].found == "Other <tess@example.com>"


def test_pins(repo: TagRepo) -> None:
    """Packages that are not as requirements/main.txt has them; another environment than the repository's."""
    version = importlib.metadata.version("pytest")
    repo.write("requirements/main.txt", f"pytest=={version}\nfoo==1 ; python_version < '3'\n")
    found = answers(repo.path)
    assert (found["packages"].state, found["python"].state) == ("ok", "warn")
    repo.write("requirements/main.txt", "pytest==0.1\nno-such-package==1\n")
    (repo.path / ".venv").symlink_to(sys.prefix)
    found = answers(repo.path)
    assert found["packages"].found == (
        f"not as requirements/main.txt pins them: pytest {version} (there 0.1), no-such-package not installed (there 1)"
    )
    assert found["python"].state == "ok"


@pytest.mark.parametrize(
    ("rule", "hidden"), [("*.lock", "dvc.lock"), ("/data/", "data/a.dvc"), ("*.dvc", "data/a.dvc")]
)
def test_records_that_git_ignores(repo: TagRepo, rule: str, hidden: str) -> None:
    """Also a dvc.lock that is not there yet; not what git has already."""
    repo.write("data/a.dvc", "outs:\n- md5: d41d8cd98f00b204e9800998ecf8427e\n  hash: md5\n  path: a\n")
    assert answers(repo.path)["records"].state == "ok"
    repo.write(".gitignore", f"{rule}\n")
    found = answers(repo.path)["records"]
    assert (found.state, hidden in found.found) == ("fail", True)
    repo.write(hidden, "" if hidden == "dvc.lock" else (repo.path / "data/a.dvc").read_text())
    repo.run("git", "add", "-f", hidden)
    assert answers(repo.path)["records"].state == "ok"


def test_sagemaker(repo: TagRepo) -> None:
    """A backend without a role can't train."""
    repo.write("pyproject.toml", '[tool.dataops.train]\nbackend = "sagemaker"\n')
    assert answers(repo.path)["training"].state == "fail"
    repo.write(
        "pyproject.toml",
        '[tool.dataops.train]\nbackend = "sagemaker"\n[tool.dataops.train.sagemaker]\n'
        'role = "arn:aws:iam::123456789012:role/train"\n',
    )
    found = answers(repo.path)["training"]
    assert (found.state, "role/train" in found.found) == ("ok", True)


def test_hooks(repo: TagRepo) -> None:
    """Missing, and after the command that is printed."""
    found = answers(repo.path)
    assert (found["hooks"].state, found["merge drivers"].state) == ("warn", "warn")
    assert "pre-push" in found["hooks"].found
    done = subprocess.run(
        found["merge drivers"].fix,
        shell=True,
        cwd=repo.path,
        env=environ(),
        check=False,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    found = answers(repo.path)
    assert found["merge drivers"].state == "ok"
    assert "pre-push" not in found["hooks"].found


def test_cache_that_nothing_can_be_put_into(repo: TagRepo) -> None:
    """As in a container that has not got the folder which .dvc/config.local names on the host."""
    (repo.path / "file").touch()
    (repo.path / ".dvc/config.local").write_text(f"[cache]\n    dir = {repo.path}/file/cache\n")
    found = answers(repo.path)["cache"]
    assert (found.state, found.fix) == ("fail", "`dvc config --show-origin cache.dir` says where it is set")


def test_cache_on_another_file_system(repo: TagRepo) -> None:
    """Hard links don't reach there."""
    elsewhere = Path("/dev/shm")
    if not elsewhere.is_dir() or elsewhere.stat().st_dev == repo.path.stat().st_dev:
        pytest.skip("there is no second file system here")
    config = (repo.path / ".dvc/config").read_text()
    repo.write(".dvc/config", f'{config}[cache]\n    dir = {elsewhere}/none-such\n    type = "hardlink,reflink"\n')
    assert answers(repo.path)["cache"].state == "warn"
    repo.write(".dvc/config", f"{config}[cache]\n    dir = {elsewhere}/none-such\n    type = symlink\n")
    assert answers(repo.path)["cache"].state == "ok"


def test_no_default_remote(repo: TagRepo) -> None:
    """And the template's placeholder."""
    repo.write(".dvc/config", "")
    assert answers(repo.path)["dvc remote"].state == "fail"
    repo.write(".dvc/config", "[core]\n    remote = storage\n['remote \"storage\"']\n    url = s3://replace-me/dvc\n")
    found = answers(repo.path)
    assert "placeholder" in found["dvc remote"].found
    assert "reachable" not in found
    assert "credentials" not in found


@pytest.fixture
def origin(repo: TagRepo) -> TagRepo:
    """A bare git remote of it."""
    bare = repo.path.with_name("origin.git")
    repo.run("git", "init", "-q", "--bare", str(bare))
    repo.run("git", "remote", "add", "origin", str(bare))
    repo.run("git", "push", "-q", "-u", "origin", "main")
    return TagRepo(bare)


def test_tags(repo: TagRepo, origin: TagRepo) -> None:
    """Fetched, missing, not pushed, another one of the same name."""
    assert answers(repo.path)["tags"].found == "origin has none yet"
    repo.tag("dataset@v1.0.0")
    repo.tag("backup")
    found = answers(repo.path)["tags"]
    assert (found.state, found.fix) == ("warn", "git push origin dataset@v1.0.0")
    repo.run(*found.fix.split())
    assert answers(repo.path)["tags"].state == "ok"
    repo.run("git", "tag", "-d", "dataset@v1.0.0")
    found = answers(repo.path)["tags"]
    assert (found.state, found.found) == ("warn", "1 of 1 not fetched: dataset@v1.0.0")
    repo.run(*found.fix.split())
    assert answers(repo.path)["tags"].state == "ok"
    repo.run("git", "tag", "-d", "dataset@v1.0.0")
    repo.tag("dataset@v1.0.0", message="another")
    assert answers(repo.path)["tags"].state == "fail"
    origin.path.rename(origin.path.with_name("gone"))
    found = answers(repo.path)["git remote"]
    assert (found.state, found.fix) == ("fail", "`git ls-remote origin` must work")


def test_tags_of_a_folder_are_kept_by_the_hook_that_is_printed(repo: TagRepo, origin: TagRepo) -> None:
    """git's own receive.denyDeletes and denyNonFastForwards don't; what the doctor prints does."""
    repo.tag("dataset@v1.0.0")
    repo.run("git", "push", "-q", "origin", "dataset@v1.0.0")
    origin.run("git", "config", "receive.denyDeletes", "true")
    origin.run("git", "config", "receive.denyNonFastForwards", "true")
    found = answers(repo.path)["tags kept"]
    assert found.state == "warn"
    repo.run("git", "push", "-q", "origin", ":dataset@v1.0.0")
    repo.run("git", "push", "-q", "origin", "dataset@v1.0.0")
    subprocess.run(["sh", "-c", found.fix], check=True)
    assert answers(repo.path)["tags kept"].state == "unknown"
    repo.commit("more")
    repo.run("git", "tag", "-f", "-a", "-m", "moved", "dataset@v1.0.0")
    for refspec in ("+dataset@v1.0.0", ":dataset@v1.0.0"):
        assert not repo.git.ok("push", "-q", "origin", refspec)
    repo.tag("dataset@v1.1.0")
    repo.run("git", "push", "-q", "origin", "dataset@v1.1.0", "main")


@pytest.mark.parametrize(
    ("url", "fix"),
    [
        ("git@github.com:acme/retail.git", "gh api -X POST repos/acme/retail/rulesets "),
        ("https://github.com/acme/retail", "gh api -X POST repos/acme/retail/rulesets "),
        ("ssh://git@github.com:22/acme/a;rm", "gh api -X POST repos/acme/a%3Brm/rulesets "),
        ("https://gitlab.example.com/a/b/c.git", "glab api -X POST projects/a%2Fb%2Fc/protected_tags "),
        ("https://git.example.com/retail", "protect tags there"),
    ],
)
def test_tags_of_a_host(url: str, fix: str, tmp_path: Path) -> None:
    """Nothing is asked; the command that protects them is given."""
    found = gittags.protection(url, tmp_path)
    assert (found.name, found.state) == ("tags kept", "unknown")
    assert found.fix.startswith(fix)


def test_host_that_never_answers(repo: TagRepo) -> None:
    """The network has so many seconds; then that is said."""
    import socket

    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        repo.run("git", "remote", "add", "origin", f"git://127.0.0.1:{server.getsockname()[1]}/x")
        found = {one.name: one for one in examine(repo.path, seconds=1.0)}
    assert (found["git remote"].state, found["git remote"].found) == ("fail", "no answer in time")
