"""Where hooks run: partial commits, merges, rebases, worktrees, submodules, several DVC roots, clones without data."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest
from guardrepo import CONFIG, Repo, fixes, told


def changed(repo: Repo, number: int = 99) -> None:
    """One file, changed and recorded; the record is not staged."""
    repo.write("data/one.csv", f"month,sales\n1,10\n2,{number}\n")
    repo.shell("dvc add -q data/one.csv")


def test_a_partial_commit_is_judged_by_what_it_holds(repo: Repo) -> None:
    """`git commit FILE` leaves staged data out: then it is no part of this commit, and what is in it is looked at."""
    repo.write("data/leak.csv", "a,b\n1,2\n")
    repo.write("README.md", "hello\n")
    repo.shell("git add -f data/leak.csv", "git add README.md")
    assert "DATA001" not in told(repo.run("git", "commit", "-q", "-m", "part", "README.md").text)
    repo.run("git", "commit", "-q", "-m", "rest", "data/leak.csv")
    assert repo.run("git", "ls-tree", "HEAD", "data/leak.csv").text == ""


def test_commit_all_takes_the_record_along(repo: Repo) -> None:
    """`git commit -a` stages it: nothing is left to say."""
    changed(repo)
    done = repo.run("git", "commit", "-q", "-a", "-m", "data and pipeline")
    assert done.status == 0, done.text
    assert "DATA103" not in told(done.text)


def test_a_merge_brings_the_other_sides_data_without_a_word(repo: Repo) -> None:
    """What was committed on a branch is no addition of the merge; data that lags behind is no loss."""
    repo.shell("git switch -q -c other")
    repo.write("old.csv", "a,b\n1,2\n")
    changed(repo, 50)
    repo.shell("git add old.csv data", "git commit -q --no-verify -m other", "git switch -q main")
    repo.write("README.md", "hello\n")
    repo.shell("git add README.md", "git commit -q -m main", "dvc checkout -q")
    done = repo.run("git", "merge", "-q", "--no-ff", "--no-edit", "other")
    assert done.status == 0, done.text
    assert "DATA001" not in told(done.text)
    assert "DATA002" not in told(done.text)
    assert "DATA004" not in told(done.text)


def test_a_merge_that_adds_data_of_its_own_is_refused(repo: Repo) -> None:
    """Only what neither parent has."""
    repo.shell("git switch -q -c other", "git commit -q --allow-empty --no-verify -m other", "git switch -q main")
    repo.shell("git commit -q --allow-empty -m main", "git merge -q --no-ff --no-commit other")
    repo.write("leak.csv", "a,b\n1,2\n")
    repo.shell("git add leak.csv")
    assert "DATA001" in told(repo.commit().text)


def test_a_rebase_goes_through_and_is_checked_where_it_stops(repo: Repo) -> None:
    """`git rebase --continue` after a conflict runs the hook."""
    repo.shell("git switch -q -c other")
    changed(repo, 50)
    repo.shell("git add data", "git commit -q --no-verify -m other", "git switch -q main")
    changed(repo, 60)
    repo.shell("git add data", "git commit -q -m main")
    assert repo.run("git", "rebase", "other").status != 0
    assert "DATA007" in told(repo.check().text)
    repo.shell("git checkout -q --theirs data/one.csv.dvc", "git add data/one.csv.dvc")
    assert repo.check().status == 0, repo.check().text
    done = repo.run("git", "-c", "core.editor=true", "rebase", "--continue")
    assert done.status == 0, done.text


def test_in_a_worktree(repo: Repo) -> None:
    """Its own index, its own data."""
    repo.shell("git worktree add -q ../tree -b tree")
    tree = Repo(repo.path.parent / "tree")
    tree.write("leak.csv", "a,b\n1,2\n")
    tree.shell("git add leak.csv")
    assert "DATA001" in told(tree.commit().text)
    tree.shell("git rm -q --cached leak.csv", "rm leak.csv")
    tree.shell(f"dvc cache dir -q --local {repo.path}/.dvc/cache", "dvc checkout -q")
    tree.write("data/month/mar.csv", "day,sales\n1,1\n")
    assert "DATA002" in told(tree.commit("x", "--allow-empty").text)


def test_in_a_submodule(repo: Repo, tmp_path: Path) -> None:
    """Its `.git` is a file; the superproject's own commits are no business of DVC's there."""
    outer = Repo(tmp_path / "outer")
    outer.path.mkdir()
    outer.shell("git init -q -b main", f"git -c protocol.file.allow=always submodule --quiet add {repo.path} inner")
    inner = Repo(outer.path / "inner")
    inner.shell("pre-commit install")
    inner.write("leak.csv", "a,b\n1,2\n")
    inner.shell("git add leak.csv")
    done = inner.commit()
    assert done.status != 0
    assert "DATA001" in told(done.text)
    assert outer.check().status == 2


def test_several_dvc_roots_in_one_git_repository(tmp_path: Path) -> None:
    """The hook runs at git's top, which is none itself; by hand a root is checked alone. Paths count from each."""
    repo = Repo(tmp_path / "mono")
    repo.path.mkdir()
    repo.shell("git init -q -b main", "mkdir -p teams/a teams/b")
    for team in ("a", "b"):
        one = Repo(repo.path / "teams" / team)
        one.shell("dvc init -q --subdir")
        one.write("data/x.csv", f"a,b\n1,{team}\n")
        one.shell("dvc add -q data/x.csv")
    repo.write(".pre-commit-config.yaml", CONFIG)
    repo.shell("git add -A", "git commit -q -m start", "pre-commit install")
    repo.write("teams/b/data/x.csv", "a,b\n1,changed\n")
    done = repo.commit("x", "--allow-empty")
    assert told(done.text) == ["DATA002"]
    assert f"Run the commands in {repo.path}/teams/b" in done.text
    assert Repo(repo.path / "teams/a").check().text == ""
    assert told(Repo(repo.path / "teams/b/data").check().text) == ["DATA002"]


def test_the_first_commit(tmp_path: Path) -> None:
    """There is no HEAD yet."""
    repo = Repo(tmp_path / "new")
    repo.path.mkdir()
    repo.shell("git init -q -b main", "dvc init -q")
    repo.write("data/x.csv", "a,b\n1,2\n")
    repo.shell("git add -A")
    assert told(repo.check().text) == ["DATA001"]
    repo.shell("git rm -q --cached data/x.csv", "dvc add -q data/x.csv", "git add data")
    assert repo.check().text == ""


def test_a_clone_without_data_is_silent(repo: Repo) -> None:
    """Data that was never pulled is not deleted data."""
    repo.shell(f"git clone -q {repo.path} ../clone")
    assert Repo(repo.path.parent / "clone").check().text == ""


def test_another_commit_without_its_data_is_a_warning(repo: Repo) -> None:
    """Both are kept: nothing is lost."""
    changed(repo)
    repo.shell("git commit -q -a --no-verify -m data", "git checkout -q HEAD~1")
    done = repo.check()
    assert done.status == 0
    assert "DATA103" in told(done.text)


def test_a_colleagues_files_are_not_deleted_by_who_never_had_them(repo: Repo) -> None:
    """`git pull`, then `dvc repro` or `dvc add` before `dvc pull`: what lies there is taken for all there is."""
    repo.shell("dvc remote add -q -d store ../store", "git commit -q -am remote", "dvc push -q")
    repo.shell(f"git clone -q {repo.path} ../other")
    other = Repo(repo.path.parent / "other")
    other.shell("dvc pull -q")
    other.write("data/month/mar.csv", "day,sales\n1,12\n")
    other.shell("dvc add -q data/month", "git commit -q -am march", "dvc push -q")
    repo.shell("git pull -q --no-rebase ../other main")
    found = repo.check()
    assert "dvc pull data/month" in found.text
    assert "dvc checkout data/month" not in found.text
    repo.shell("dvc add -q data/month", "git add data/month.dvc")
    refused = repo.commit()
    assert refused.status != 0
    assert "DATA009" in told(refused.text)
    repo.shell(*fixes(refused.text, "DATA009"))
    assert "mar.csv" in repo.ok("ls", "data/month")
    assert repo.check().text == ""


def test_allowances(repo: Repo) -> None:
    """Patterns as in .gitignore, a rule each; a wrong table is one line and status 2."""
    repo.write("tests/small.csv", "a,b\n1,2\n")
    repo.write("data/scratch/x.csv", "a,b\n1,2\n")
    repo.shell("git add tests/small.csv")
    assert told(repo.check().text) == ["DATA001", "DATA003"]
    table = '[tool.dataops.guard]\nallow = {DATA001 = ["tests/**/*.csv"], DATA003 = ["data/scratch/"]}\n'
    repo.write("pyproject.toml", table)
    repo.shell("git add pyproject.toml")
    assert repo.check().text == ""
    repo.write("pyproject.toml", table.replace("DATA003", "DATA999"))
    wrong = repo.check()
    assert wrong.status == 2
    assert "DATA999" in wrong.text
    assert len(wrong.text.splitlines()) == 2


def test_folders_and_suffixes_are_settings(repo: Repo) -> None:
    """Also where the environment sets them."""
    repo.write("input/readme.bin", "x\n")
    repo.write("scan.las", "x\n")
    repo.shell("git add input scan.las")
    assert repo.check().text == ""
    done = repo.run(
        "dataops", "check", env={"DATAOPS_GUARD__FOLDERS": '["input"]', "DATAOPS_GUARD__SUFFIXES": '[".las"]'}
    )
    assert done.status == 1
    assert "input/readme.bin" in done.text
    assert "scan.las" in done.text


def test_json_names_rules_places_and_commands(repo: Repo) -> None:
    """Everything the text has, and no more than one document."""
    repo.write("data/month/mar.csv", "day,sales\n1,1\n")
    done = repo.check("--json")
    found = json.loads(done.text)
    assert done.status == 1
    assert found["passed"] is False
    (broken,) = found["roots"][0]["broken"]
    assert (broken["rule"], broken["blocks"]) == ("DATA002", True)
    assert broken["findings"][0]["path"] == "data/month"
    assert broken["findings"][0]["fix"][0] == "dvc add data/month"


def test_what_is_committed_already(repo: Repo) -> None:
    """`--all`, as CI asks, sees what somebody's --no-verify let in."""
    repo.write("leak.csv", "a,b\n1,2\n")
    repo.shell("git add leak.csv", "git commit -q --no-verify -m leak")
    assert repo.check().text == ""
    assert told(repo.check("--all").text) == ["DATA001"]


def test_one_rule_alone(repo: Repo) -> None:
    """And a number that no rule has is a wrong call."""
    repo.write("data/new.csv", "a,b\n1,2\n")
    repo.write("data/month/mar.csv", "day,sales\n1,1\n")
    assert told(repo.check("DATA003").text) == ["DATA003"]
    assert repo.check("DATA900").status == 2


@pytest.mark.parametrize("name", ["a b.csv", "-x.csv", "ü.csv", "quote'\".csv", "new\nline.csv", "$(touch pwned).csv"])
def test_hostile_names(repo: Repo, name: str) -> None:
    """Found, printed on one line, and the printed commands do what they say and no more."""
    repo.write(f"data/{name}", "a,b\n1,2\n")
    done = repo.check()
    assert told(done.text) == ["DATA003"]
    assert all(letter.isprintable() or letter == "\n" for letter in done.text)
    if "\n" not in name:
        commands = json.loads(repo.check("--json").text)["roots"][0]["broken"][0]["findings"][0]["fix"]
        repo.shell(*commands)
        assert "DATA003" not in told(repo.check().text)
        assert not (repo.path / "pwned").exists()


def test_an_edit_that_keeps_size_and_time_is_seen(repo: Repo) -> None:
    """The time of change can't be set back."""
    assert repo.check().text == ""
    path = repo.path / "data/month/jan.csv"
    before = path.stat()
    path.write_text(path.read_text().replace("10", "77"))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert (path.stat().st_size, path.stat().st_mtime_ns) == (before.st_size, before.st_mtime_ns)
    assert told(repo.check().text) == ["DATA002"]


def test_a_file_taken_away_and_brought_back_changed(repo: Repo) -> None:
    """A folder's remembered hash holds only while its files are the remembered ones."""
    path = repo.path / "data/month/jan.csv"
    content = path.read_text()
    path.unlink()
    assert told(repo.check().text) == ["DATA002"]
    path.write_text(content.replace("10", "77"))
    assert told(repo.check().text) == ["DATA002"]
    path.unlink()
    path.write_text(content)
    assert repo.check().text == ""


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"form": 2, "files": [], "folders": {}}', "\0" * 100])
def test_damaged_memory_is_no_memory(repo: Repo, damage: str) -> None:
    """The two files in .dvc/tmp may go at any time."""
    repo.write("data/month/mar.csv", "day,sales\n1,1\n")
    repo.check()
    for name in ("dataops-stats.json", "dataops-guard.json"):
        (repo.path / ".dvc/tmp" / name).write_text(damage)
    assert told(repo.check().text) == ["DATA002"]


def test_nothing_that_costs_is_imported(repo: Repo) -> None:
    """Neither DVC nor pandas ever; nor YAML, pydantic and boto3 where nothing has changed since the last check."""
    code = (
        "import sys\nfrom dataops.cli import main\n"
        "try:\n    main(['check'])\nexcept SystemExit:\n    pass\n"
        "print(sorted({'dvc', 'pandas', 'numpy', 'boto3', 'yaml', 'pydantic', 'configobj'} & set(sys.modules)))"
    )
    first = repo.ok("python", "-c", code)
    assert not {"dvc", "pandas", "numpy", "boto3"} & set(first.split("'"))
    assert repo.ok("python", "-c", code).strip() == "[]"


def test_outside_a_repository(tmp_path: Path) -> None:
    """One line and a hint."""
    done = Repo(tmp_path).check()
    assert done.status == 2
    assert "git" in done.text
    assert "Traceback" not in done.text


def test_an_ide_without_the_environment_on_its_path(repo: Repo, tmp_path: Path) -> None:
    """The template's own hook finds .venv beside the repository's files, whatever git was called by."""
    template = Path(__file__).parents[2]
    repo.write("scripts/in-venv.sh", (template / "scripts/in-venv.sh").read_bytes())
    (repo.path / "scripts/in-venv.sh").chmod(0o755)
    repo.write(".pre-commit-config.yaml", CONFIG.replace("entry: dataops", "entry: scripts/in-venv.sh dataops"))
    (repo.path / ".venv").symlink_to(Path(os.environ.get("VIRTUAL_ENV") or template / ".venv"))
    (repo.path / ".git/info/exclude").write_text(".venv\n")
    repo.write("leak.csv", "a,b\n1,2\n")
    repo.shell("git add scripts .pre-commit-config.yaml leak.csv")
    who = {f"GIT_{role}_{what}": "x@x" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    bare = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "PRE_COMMIT_HOME": str(tmp_path / "pc"), **who}
    done = subprocess.run(
        ["git", "commit", "-qm", "x"],
        cwd=repo.path,
        env=bare,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 1
    assert b"DATA001" in done.stdout + done.stderr
