"""What once got past `dataops check`, or made it cry wolf: other people's repositories, hostile content, odd clones."""

from __future__ import annotations

import hashlib
import json
import subprocess
from pathlib import Path

import pytest
from guardrepo import Repo, fixes, told

from dataops.guard.stats import FILE, Stats
from dataops.repo.ignored import Ignored

PROGRAM = "#!/bin/sh\necho hello\n"


def lose(repo: Repo, content: str) -> None:
    """Take the object of these bytes out of DVC's cache."""
    digest = hashlib.md5(content.encode(), usedforsecurity=False).hexdigest()
    (repo.path / f".dvc/cache/files/md5/{digest[:2]}/{digest[2:]}").unlink()


def test_a_partial_pull_is_no_deletion(repo: Repo) -> None:
    """What was never fetched isn't deleted, and `dvc add`, as the fix was, would have recorded it so."""
    repo.shell("dvc remote add -q -d store ../store", "dvc push -q", "git commit -q --no-verify -am remote")
    repo.shell("git clone -q . ../clone")
    clone = Repo(repo.path.parent / "clone")
    clone.shell("dvc pull -q data/month/jan.csv")
    assert sorted(path.name for path in (clone.path / "data/month").iterdir()) == ["jan.csv"]
    assert clone.check().text == ""
    clone.write("data/month/jan.csv", "day,sales\n1,99\n")
    assert told(clone.check().text) == ["DATA002"]
    clone.shell("dvc checkout -q -f --allow-missing data/month", "dvc pull -q data/month")
    (clone.path / "data/month/feb.csv").unlink()
    assert told(clone.check().text) == ["DATA002"]


def test_a_list_in_the_cache_does_not_make_its_files_safe(repo: Repo) -> None:
    """A fetch that was interrupted, or a cache that somebody tidied: the list is there, the new file is nowhere."""
    new = "day,sales\n5,5\n"
    repo.write("data/month/mar.csv", new)
    repo.shell("dvc add -q data/month")
    lose(repo, new)
    repo.shell("git checkout -q data/month.dvc")
    assert "DATA002" in told(repo.check().text)


def test_a_truncated_object_is_no_copy(repo: Repo) -> None:
    """Of another size than the file, it is another file's."""
    new = "month,sales\n1,10\n2,99\n"
    repo.write("data/one.csv", new)
    repo.shell("dvc add -q data/one.csv")
    lose(repo, new)
    digest = hashlib.md5(new.encode(), usedforsecurity=False).hexdigest()
    repo.write(f".dvc/cache/files/md5/{digest[:2]}/{digest[2:]}", "")
    repo.shell("git checkout -q data/one.csv.dvc")
    assert "DATA002" in told(repo.check().text)


def test_a_clone_of_gits_as_tracked_data(repo: Repo) -> None:
    """DVC passes over the .git in a folder that it tracks, as of a dataset that somebody has cloned."""
    repo.write("data/hub/a.csv", "a,b\n1,2\n")
    repo.shell("git init -q data/hub", "dvc add -q data/hub", "git add data/hub.dvc data/.gitignore")
    assert repo.check().text == ""
    repo.write("data/hub/b.csv", "a,b\n1,2\n")
    assert told(repo.check().text) == ["DATA002"]


def test_a_dvc_root_among_the_data(repo: Repo) -> None:
    """It is checked by itself; to the one around it, it is no unknown data."""
    team = Repo(repo.path / "data/team")
    team.path.mkdir()
    team.shell("dvc init -q --subdir")
    team.write("x.csv", "a,b\n1,2\n")
    team.shell("dvc add -q x.csv", "git add .")
    assert repo.check().text == ""
    team.write("x.csv", "a,b\n1,3\n")
    assert told(repo.check().text) == ["DATA002"]


def test_printed_commands_leave_other_patterns_alone(repo: Repo) -> None:
    """Several records that one line hides, and lines after it: each command may be run, and every one was."""
    repo.write(".gitignore", "*.dvc\n/secrets\ndvc.lock\n/build\n")
    repo.shell("git add .gitignore")
    commands = fixes(repo.check().text, "DATA006")
    assert len(commands) > 3
    repo.shell(*commands)
    assert [line for line in repo.read(".gitignore").splitlines() if line] == ["/secrets", "/build"]
    assert repo.check().text == ""


def test_a_pattern_above_a_nested_root(tmp_path: Path) -> None:
    """The commands are for the DVC root, and the .gitignore lies at git's top."""
    top = Repo(tmp_path / "mono")
    team = Repo(top.path / "teams/a")
    team.path.mkdir(parents=True)
    top.shell("git init -q -b main")
    team.shell("dvc init -q --subdir")
    team.write("data/x.csv", "a,b\n1,2\n")
    team.shell("dvc add -q data/x.csv")
    top.write(".gitignore", "*.dvc\n")
    top.shell("git add -A")
    team.shell(*fixes(team.check().text, "DATA006"))
    assert top.read(".gitignore").strip() == ""
    assert team.check().text == ""


def test_a_value_that_json_has_not(repo: Repo) -> None:
    """YAML has more types than what is remembered from run to run."""
    meta = "{when: !!timestamp 2024-01-01, !!timestamp 2024-01-02: x}"
    section = f"artifacts:\n  one:\n    path: data/one.csv\n    meta: {meta}\n"
    repo.write("dvc.yaml", repo.read("dvc.yaml") + section)
    repo.shell("git add dvc.yaml")
    assert repo.check().text == ""
    assert repo.check().text == ""


def test_malformed_stats_are_none(repo: Repo) -> None:
    """Valid JSON, of the right form, and nonsense."""
    for files, folders in (({"data/one.csv": 5}, {}), ({"data/one.csv": [1]}, {}), ({}, {"data/month": None})):
        repo.write(str(FILE), json.dumps({"form": 2, "files": files, "folders": folders}))
        assert repo.check().text == ""


def test_what_a_commit_brings_is_not_remembered(repo: Repo) -> None:
    """Somebody commits the memory of a check that allows everything: it came with a commit, so nobody here made it."""
    repo.check()
    path = repo.path / ".dvc/tmp/dataops-guard.json"
    memory = json.loads(path.read_text())
    memory["settings"]["value"]["allow"] = {"DATA001": ["**"]}
    path.write_text(json.dumps(memory))
    repo.shell(f"git add -f {path}", "git commit -q --no-verify -m trap")
    repo.write("leak.csv", "a,b\n1,2\n")
    repo.shell("git add leak.csv")
    assert "DATA001" in told(repo.check().text)


def test_one_rule_forgets_nothing(repo: Repo) -> None:
    """`dataops check DATA006` looks at no data; the next check needn't read it all again for that."""
    repo.check()
    before = json.loads((repo.path / FILE).read_text())["files"]
    assert before
    repo.check("DATA006")
    assert json.loads((repo.path / FILE).read_text())["files"] == before


def test_a_deep_chain_of_folders(repo: Repo) -> None:
    """Said, in one line, and no traceback."""
    (repo.path / "data" / "/".join("d" * 600)).mkdir(parents=True)
    done = repo.check()
    assert told(done.text) == ["DATA003"]
    assert "Traceback" not in done.text
    assert "nested deeper" in done.text


def test_a_record_with_a_name_that_no_file_has(repo: Repo) -> None:
    """It can't be read, and that is said."""
    name = "a\\0b"
    dep = f'deps:\n- md5: {"0" * 32}\n  hash: md5\n  path: "x{name}"\n'
    repo.write("evil.dvc", f'{dep}outs:\n- md5: {"0" * 32}\n  hash: md5\n  path: "{name}"\n')
    repo.shell("git add -f evil.dvc")
    done = repo.check()
    assert "Traceback" not in done.text
    assert done.status == 1


def test_parameters_that_cannot_be_read(repo: Repo) -> None:
    """Every DVC command fails on such a commit, though no template needs them."""
    repo.write("params.yaml", "total: [1\n")
    repo.shell("git add params.yaml")
    done = repo.check()
    assert told(done.text) == ["DATA007"]
    assert "params.yaml" in done.text


@pytest.mark.parametrize(
    "url",
    ["https://ghp_0123456789abcdef@github.com/o/r", "https://bob:hunter2@example.com/r", "s3://key:pass@bucket/x"],
)
def test_a_secret_in_an_import(repo: Repo, url: str) -> None:
    """`dvc import https://TOKEN@…` writes it into the .dvc file."""
    deps = f"frozen: true\ndeps:\n- path: x.csv\n  repo:\n    url: {url}\n    rev_lock: {'0' * 40}\n"
    repo.write("data/imported.csv.dvc", f"{deps}outs:\n- md5: {'0' * 32}\n  hash: md5\n  path: imported.csv\n")
    repo.shell("git add -f data/imported.csv.dvc")
    done = repo.check()
    assert told(done.text) == ["DATA008"]
    assert "hunter2" not in done.text
    repo.write("data/imported.csv.dvc", repo.read("data/imported.csv.dvc").replace(url, "git@example.com:o/r.git"))
    repo.shell("git add data/imported.csv.dvc")
    assert repo.check().text == ""


@pytest.mark.parametrize(
    "line", ['"secret_access_key" = hunter2', "url = https://x.blob.core.windows.net/c?sv=2&sig=hunter2"]
)
def test_a_secret_that_is_spelled_otherwise(repo: Repo, line: str) -> None:
    """A quoted option, and Azure's shared access signature, which is a part of the URL."""
    repo.write(".dvc/config", f"{repo.read('.dvc/config')}['remote \"store\"']\n    {line}\n")
    repo.shell("git add .dvc/config")
    done = repo.check()
    assert told(done.text) == ["DATA008"]
    assert "hunter2" not in done.text


def test_line_ends_that_git_converts(repo: Repo) -> None:
    """core.autocrlf: records with CRLF here say the same, whatever their time says."""
    records = "dvc.lock dvc.yaml data/one.csv.dvc data/month.dvc"
    repo.shell(
        "git config core.autocrlf true", f"rm {records}", f"git checkout -q {records}", f"touch -d yesterday {records}"
    )
    assert b"\r\n" in (repo.path / "dvc.lock").read_bytes()
    assert repo.check().text == ""


def test_a_metric_whose_line_ends_git_converts(repo: Repo) -> None:
    """On Windows Python writes CRLF, which dvc.lock records; git keeps LF and gives CRLF back."""
    write = 'pathlib.Path("metrics.json").write_bytes(b"{\\r\\n}\\r\\n")\n'
    repo.write("total.py", repo.read("total.py") + write)
    repo.shell("git config core.autocrlf true", "dvc repro -q", "git add -A")
    assert repo.check().text == ""
    repo.write("metrics.json", "{}\n")
    repo.shell("git add -A")
    assert "DATA004" in told(repo.check().text)


def test_a_program_that_is_recorded_as_one(repo: Repo) -> None:
    """`isexec: true`: it didn't become one."""
    repo.write("tools/run", PROGRAM)
    repo.shell("chmod +x tools/run", "dvc add -q tools/run", "git add tools")
    assert repo.check().text == ""


def test_a_folder_in_git_with_files_hidden_from_dvc(repo: Repo) -> None:
    """`cache: false`, and a pattern of .dvcignore for some of it: the rest is what dvc.lock records."""
    stage = (
        "  plots:\n    cmd: mkdir -p plots && echo '[1]' > plots/x.json && echo x > plots/notes.md\n"
        "    plots:\n      - plots: {cache: false}\n"
    )
    repo.write(".dvcignore", "*.md\n")
    repo.write("dvc.yaml", repo.read("dvc.yaml") + stage)
    repo.shell("dvc repro -q", "git add -A")
    assert repo.check().text == ""
    repo.write("plots/x.json", "[2]\n")
    repo.shell("git add -A")
    assert "DATA004" in told(repo.check().text)


def test_a_pipeline_that_is_a_link(repo: Repo) -> None:
    """Git has no content of a link that could be staged in part."""
    repo.shell("mkdir pipelines", "mv dvc.yaml pipelines/", "ln -s pipelines/dvc.yaml dvc.yaml", "git add -A")
    assert "DATA004" not in told(repo.check().text)


def test_a_link_of_a_nested_stage(repo: Repo) -> None:
    """The fix stages the dvc.lock beside the stage's own dvc.yaml."""
    repo.write("sub/dvc.yaml", "stages:\n  s:\n    cmd: echo a,b > o.csv\n    outs: [o.csv]\n")
    repo.shell("dvc repro -q sub/dvc.yaml", "git add -A", "git commit -q --no-verify -m sub")
    repo.shell("mv sub/o.csv ../o.csv", "ln -s ../../o.csv sub/o.csv")
    assert fixes(repo.check().text, "DATA005")[-1] == "git add -- sub/dvc.lock"


def test_a_link_into_a_cache_behind_a_link(repo: Repo) -> None:
    """DVC writes links by the cache's name, not by the folder that the name leads to."""
    repo.shell("mv .dvc/cache ../disk", "ln -s disk ../cache", "dvc cache dir -q --local ../cache")
    repo.shell("dvc config --local cache.type symlink", "dvc checkout -q --relink", "cp -P data/one.csv stuff")
    assert "/cache/" in str((repo.path / "stuff").readlink())
    repo.shell("git add stuff")
    assert told(repo.check().text) == ["DATA001"]


def test_a_link_with_a_name_that_no_file_has(repo: Repo) -> None:
    """Git keeps any bytes as a link's target; the system ends it at the NUL."""
    made = subprocess.run(
        ["git", "hash-object", "-w", "--stdin"], cwd=repo.path, input=b"/etc/x\0y", capture_output=True, check=True
    )
    repo.shell(f"git update-index --add --cacheinfo 120000,{made.stdout.decode().strip()},evil")
    assert told(repo.check().text) == ["DATA005"]


def test_a_work_tree_that_git_is_told_of(repo: Repo) -> None:
    """`git --git-dir=… --work-tree=… commit`, as for files at home."""
    repo.shell("mv .git ../own.git")
    said = {"GIT_DIR": str(repo.path.parent / "own.git"), "GIT_WORK_TREE": str(repo.path)}
    clean = repo.run("dataops", "check", env=said)
    assert (clean.status, clean.text) == (0, "")
    repo.write("leak.csv", "a,b\n1,2\n")
    repo.run("git", "add", "leak.csv", env=said)
    assert told(repo.run("git", "--git-dir=../own.git", "--work-tree=.", "commit", "-qm", "x").text) == ["DATA001"]


def test_a_file_that_takes_long_to_read_is_not_trusted_from_its_first_moment(tmp_path: Path) -> None:
    """Written just before it was read: another write in the same tick of the clock would have the same times."""
    with (tmp_path / "big").open("wb") as file:
        file.truncate(300_000_000)
    stats = Stats(tmp_path)
    stats.content("big", Ignored({}))
    stats.save(whole=True)
    assert json.loads((tmp_path / FILE).read_text())["files"] == {}
