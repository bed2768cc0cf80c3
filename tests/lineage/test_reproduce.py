"""Running a version again: what comes out is judged right, and nothing of the user's is touched, whatever happens."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numbers_repo
import pytest
from numbers_repo import edit
from toy import Toy, environ

from dataops.errors import DataOpsError
from dataops.lineage.reproduction.scratchtree import scratch
from dataops.repo.git import Git
from dataops.store import dvcconfig
from dataops.store.cache import Cache
from dataops.store.carried import carry


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Toy:
    """Made once; nobody changes it."""
    return numbers_repo.make(tmp_path_factory.mktemp("numbers") / "toy")


@pytest.fixture
def clone(made: Toy, tmp_path: Path) -> Toy:
    """A fresh clone: no data, an empty cache, a git remote of its own."""
    shutil.copytree(made.origin, tmp_path / "toy.git")
    made.run("git", "clone", "-q", str(tmp_path / "toy.git"), str(tmp_path / "clone"))
    shutil.copy2(made.path / ".dvc/config.local", tmp_path / "clone/.dvc/config.local")
    return Toy(tmp_path / "clone")


def state(repo: Toy) -> str:
    """Everything of the user's: refs, HEAD, index, the work tree with its modes."""
    script = """git for-each-ref; cat .git/HEAD; git ls-files --stage; git status --porcelain; git stash list
        git worktree list
        find . \\( -path ./.git -o -path ./.dataops -o -path ./.dvc/cache -o -path ./.dvc/tmp \\) -prune -o \\
            -printf '%p %s %m %l\\n' | sort"""
    return repo.out("sh", "-c", script)


def left(repo: Toy) -> list[str]:
    """Folders of runs that are still there."""
    return [path.name for path in (repo.path / ".dataops/reproduce").iterdir() if path.is_dir()]


def verdicts(said: str) -> list[list[str]]:
    """`[[stage, verdict], …]` of the printed lines."""
    return [line.split()[:2] for line in said.splitlines() if line.startswith("  ") and not line.startswith("   ")]


def start(repo: Toy, *words: str, **environment: str) -> subprocess.Popen[str]:
    """The command in a process group of its own."""
    command = [sys.executable, "-m", "dataops", "reproduce", *words]
    return subprocess.Popen(
        command, cwd=repo.path, env=environ(environment), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        start_new_session=True,
    )  # fmt: skip


def wait_for(found: Callable[[], Any], what: str) -> Any:
    """Until it is so, at most a minute."""
    for _ in range(600):
        if result := found():
            return result
        time.sleep(0.1)
    raise AssertionError(what)


def sleeping(repo: Toy) -> None:
    """Commit a first stage that says that it has begun, with its process id, and then waits."""
    edit(repo, "scale.py", "import csv",
         "import os, time; open('begun', 'w').write(f'{os.getpid()}.'); time.sleep(120)\nimport csv")  # fmt: skip


def begun(repo: Toy) -> int:
    """The process id of that stage, once it runs."""

    def found() -> int | None:
        texts = [path.read_text() for path in (repo.path / ".dataops/reproduce").glob("*/tree/begun")]
        return next((int(text[:-1]) for text in texts if text.endswith(".")), None)

    return int(wait_for(found, "the stage never began"))


def gone(pid: int) -> bool:
    """Is the process no more?"""
    try:
        return "\nState:\tZ" in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return True


def test_a_fresh_clone_makes_the_same_bytes(clone: Toy) -> None:
    """Every stage runs, and everything is identical; only the roots came into the cache, nothing else changed."""
    before = state(clone)
    said = clone.dataops("reproduce", "model@v1.0.0").stdout
    assert verdicts(said) == [["scale", "identical"], ["fit", "identical"]]
    assert "from data/source" in said
    assert said.splitlines()[-1] == "identical: model@v1.0.0 comes out byte for byte"
    assert state(clone) == before
    assert left(clone) == []
    cached = [path for path in (clone.path / ".dvc/cache").rglob("*") if path.is_file()]
    assert len(cached) == 3  # two months and their list


def test_nothing_is_served_from_a_cache(made: Toy, tmp_path: Path) -> None:
    """Where DVC has the outputs and the run-cache, the stage runs all the same; the run-cache doesn't grow."""
    runs = sorted((made.path / ".dvc/cache/runs").rglob("*"))
    objects = sorted((made.path / ".dvc/cache/files").rglob("*"))
    assert runs
    made.dataops("reproduce", "model@v1.0.0", RAN=str(tmp_path / "ran"))
    assert (tmp_path / "ran").read_text() == "scale fit "
    assert sorted((made.path / ".dvc/cache/runs").rglob("*")) == runs
    assert sorted((made.path / ".dvc/cache/files").rglob("*")) == objects


def test_from_data_begins_at_the_dataset(clone: Toy) -> None:
    """The recorded dataset is fetched, and only what follows runs."""
    said = clone.dataops("reproduce", "model@v1.0.0", "--from-data").stdout
    assert verdicts(said) == [["fit", "identical"]]
    assert "from data/scaled: fit" in said


def test_a_changed_line_names_the_first_stage(clone: Toy) -> None:
    """Code that is not what ran is told before anything runs; then the stage and how its output differs."""
    edit(clone, "scale.py", '["sales"]) * factor', '["sales"]) * (factor if path.stem == "2024-01" else 2)')
    done = clone.dataops("reproduce", "HEAD", "--path", "models", status=1)
    lines = done.stdout.splitlines()
    assert lines[1].startswith("note: not what ran: scale.py at ")
    assert verdicts(done.stdout) == [["scale", "different"], ["fit", "different"]]
    assert lines[-1].endswith("first differs in scale")
    assert (
        "2 of 4 files differ; 2024-02.csv: 84 of 336 values differ (level), largest relative difference 0.25"
        in done.stdout
    )


def test_a_later_stage_is_named_when_it_is_the_first(clone: Toy) -> None:
    """The stages before it are identical."""
    edit(clone, "fit.py", "mean / 3!r", "mean / 4!r")
    found = json.loads(clone.dataops("reproduce", "HEAD", "--path", "models/model.tar.gz", "--json", status=1).stdout)
    assert (found["verdict"], found["first_different"], found["artifact"]) == ("different", "fit", "different")
    assert [stage["verdict"] for stage in found["stages"]] == ["identical", "different"]
    assert found["stages"][1]["outputs"][0]["differing_values"] == 1
    assert found["stages"][1]["outputs"][0]["largest_relative_difference"] == pytest.approx(0.25)


def test_equivalent_within_the_tolerance(clone: Toy) -> None:
    """Values that are off by 1e-9, in a table, in JSON and in a model's text, are equivalent; to 1e-12 they aren't."""
    edit(clone, "scale.py", "* factor", "* factor * (1 + 1e-9)")
    done = clone.dataops("reproduce", "HEAD", "--path", "models")
    assert verdicts(done.stdout) == [["scale", "equivalent"], ["fit", "equivalent"]]
    assert "largest relative difference 1e-09, tolerance 1e-06" in done.stdout.splitlines()[-1]
    strict = clone.dataops("reproduce", "HEAD", "--path", "models", "--tolerance", "1e-12", status=1)
    assert verdicts(strict.stdout) == [["scale", "different"], ["fit", "different"]]
    clone.dataops("reproduce", "HEAD", "--tolerance", "-1", status=2)


def test_a_by_product_alone_does_not_make_it_different(clone: Toy) -> None:
    """A report that nothing reads is told, and what the artifact is made of decides."""
    edit(clone, "scale.py", '"rows": len(rows)', '"rows": 7')
    done = clone.dataops("reproduce", "HEAD", "--path", "models")
    assert "reports/scale.json is different (a by-product" in done.stdout
    assert done.stdout.splitlines()[-1].startswith("identical: ")


def test_a_failing_stage_says_its_last_lines(clone: Toy) -> None:
    """Exit status 1, the stage, and what it said; the escape sequences that it printed do nothing."""
    edit(clone, "fit.py", "import io", "print('\\x1b[2J'); raise SystemExit('the end')\nimport io")
    done = clone.dataops("reproduce", "HEAD", "--path", "models", status=1)
    assert verdicts(done.stdout) == [["scale", "identical"], ["fit", "failed"]]
    assert "| the end" in done.stdout
    assert "\x1b" not in done.stdout
    assert "failed: fit of models at" in done.stdout
    assert left(clone) == []


@pytest.mark.parametrize("command", ["os.kill(os.getppid(), 9)", "os.killpg(0, 9)", "os.kill(os.getpid(), 9)"])
def test_a_stage_that_kills_is_a_stage_that_failed(clone: Toy, command: str) -> None:
    """Itself, or dvc with it."""
    edit(clone, "scale.py", "import csv", f"import os; {command}\nimport csv")
    done = clone.dataops("reproduce", "HEAD", status=1)
    assert verdicts(done.stdout) == [["scale", "failed"]]
    assert left(clone) == []


def test_what_can_not_be_tried(clone: Toy, made: Toy) -> None:
    """Exit status 2, one line and a hint; nothing is left."""
    for words, said in (
        (("model@v9.0.0",), "v9.0.0 is no version of model"),
        (("HEAD", "--path", "data/source"), "data/source came in as it is (data/source.dvc): no stage makes it"),
        (("HEAD", "--path", "nowhere"), "makes nowhere"),
        (("HEAD", "--remote", "nobody"), "there is no remote nobody"),
    ):
        done = clone.dataops("reproduce", *words, status=2)
        assert said in done.stderr
        assert len(done.stderr.splitlines()) == 2
    assert left(clone) == []


def test_a_missing_root_is_named(clone: Toy, made: Toy, tmp_path: Path) -> None:
    """The remote has lost a month: exit status 2, with its path."""
    shutil.copytree(made.path.with_name("toy.remote"), tmp_path / "remote")
    clone.dvc("remote", "modify", "-q", "--local", "storage", "url", str(tmp_path / "remote"))
    month = next(
        path for path in (tmp_path / "remote").rglob("*") if path.is_file() and b"2024-02-01,1" in path.read_bytes()
    )
    month.unlink()
    done = clone.dataops("reproduce", "v1.0.0", status=2)
    assert "has no data/source/2024-02.csv" in done.stderr
    assert left(clone) == []
    assert not list((clone.path / ".dvc/cache").rglob("*-*"))


def test_an_input_that_nobody_committed(clone: Toy) -> None:
    """It is said before anything runs."""
    edit(clone, "dvc.yaml", "deps: [scale.py, data/source]", "deps: [scale.py, data/source, local.csv]")
    done = clone.dataops("reproduce", "HEAD", status=2)
    assert "scale reads local.csv, which neither git nor DVC has at" in done.stderr


def test_no_stage_writes_outside_of_its_worktree(clone: Toy, tmp_path: Path) -> None:
    """DVC removes outputs before a stage runs: an absolute path, or one behind a committed link, is the user's."""
    mine = tmp_path / "mine/model.tar.gz"
    mine.parent.mkdir()
    mine.write_text("mine")
    edit(clone, "dvc.yaml", "outs: [models/model.tar.gz]", f"outs: [models/model.tar.gz, {mine}: {{cache: false}}]")
    assert f"fit writes {mine}, outside" in clone.dataops("reproduce", "HEAD", "--path", "models", status=2).stderr
    edit(clone, "dvc.yaml", f", {mine}: {{cache: false}}", "")
    shutil.rmtree(clone.path / "models")
    (clone.path / "models").symlink_to(mine.parent)
    clone.commit("a link")
    said = clone.dataops("reproduce", "HEAD", "--path", "models/model.tar.gz", status=2).stderr
    assert "fit writes models/model.tar.gz, outside" in said
    assert mine.read_text() == "mine"


def test_hostile_outputs_are_only_different(clone: Toy) -> None:
    """Links, escape sequences in names, folders that may not be read, broken files: judged, and removed at the end."""
    edit(clone, "scale.py", "import csv", """import atexit, os
def late():
    os.symlink("/etc/hostname", "data/scaled/link")
    open("data/scaled/\\x1b[31mred.csv", "w").write("x")
    open("data/scaled/2024-01.csv", "wb").write(bytes(range(256)))
    open("data/scaled/2024-02.csv", "w").write("a,b\\n" + '"' * 300000)
    os.makedirs("locked/in")
    os.chmod("locked", 0o500)
    os.chmod("data/scaled", 0o555)
atexit.register(late)
import csv""")  # fmt: skip
    done = clone.dataops("reproduce", "HEAD", status=1)
    assert verdicts(done.stdout) == [["scale", "different"]]
    assert "2 files new" in done.stdout
    assert "\x1b" not in done.stdout
    assert "Traceback" not in done.stderr
    assert left(clone) == []


def test_killed_it_leaves_nothing_running_and_the_next_run_tidies_up(clone: Toy) -> None:
    """After kill -9 neither dvc nor its stage lives on, git sees nothing, gc works, and the next run removes it."""
    sleeping(clone)
    running = start(clone, "HEAD")
    stage = begun(clone)
    assert "can't be reached" not in clone.dataops("gc", status=None).stderr
    os.kill(running.pid, signal.SIGKILL)
    running.communicate()
    wait_for(lambda: gone(stage), "the stage outlived its parent")
    assert len(left(clone)) == 1
    assert clone.out("git", "status", "--porcelain") == ""
    assert clone.dataops("gc").returncode == 0
    clone.dataops("reproduce", "v1.0.0")
    assert left(clone) == []
    assert len(clone.out("git", "worktree", "list").splitlines()) == 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_interrupted_it_removes_everything(clone: Toy, number: signal.Signals) -> None:
    """Also with --keep."""
    sleeping(clone)
    running = start(clone, "HEAD", "--keep")
    stage = begun(clone)
    os.kill(running.pid, number)
    said, _ = running.communicate()
    assert running.returncode == 130
    assert "Traceback" not in said
    assert gone(stage)
    assert left(clone) == []
    assert len(clone.out("git", "worktree", "list").splitlines()) == 1


def test_two_at_once(clone: Toy) -> None:
    """Neither sweeps away the other."""
    both = [start(clone, "model@v1.0.0"), start(clone, "model@v1.0.0")]
    for one in both:
        said, _ = one.communicate()
        assert one.returncode == 0, said
        assert "identical: model@v1.0.0" in said
    assert left(clone) == []


def test_a_dirty_tree_a_detached_head_and_hooks(clone: Toy) -> None:
    """Uncommitted changes, staged ones and the hooks of DVC stay out of it, and stay as they are."""
    clone.dvc("install")
    clone.run("git", "checkout", "-q", "--detach", status=None)
    (clone.path / "scale.py").write_text("raise SystemExit(1)\n")
    (clone.path / "untracked.txt").write_text("mine\n")
    clone.run("git", "rm", "-q", "--cached", "fit.py")
    before = state(clone)
    clone.dataops("reproduce", "model@v1.0.0")
    assert state(clone) == before
    inherited = {"GIT_DIR": str(clone.path / ".git"), "GIT_INDEX_FILE": str(clone.path / ".git/index")}
    clone.dataops("reproduce", "model@v1.0.0", **inherited)  # as from a hook
    assert state(clone) == before


def test_keep_and_out_leave_the_worktree(clone: Toy, tmp_path: Path) -> None:
    """It is a real one, with the outputs in it; the next run leaves it alone until somebody removes it."""
    clone.dataops("reproduce", "v1.0.0", "--keep")
    kept = clone.path / ".dataops/reproduce" / left(clone)[0] / "tree"
    assert (kept / "data/scaled/2024-01.parquet").is_file()
    said = clone.dataops("reproduce", "v1.0.0", "--out", str(tmp_path / "there")).stdout
    assert f"git worktree remove --force {tmp_path / 'there'}" in said
    assert kept.is_dir()
    assert "is there already" in clone.dataops("reproduce", "v1.0.0", "--out", str(tmp_path / "there"), status=2).stderr
    for folder in (kept, tmp_path / "there"):
        clone.run("git", "worktree", "remove", "--force", str(folder))
    clone.dataops("reproduce", "v1.0.0")
    assert left(clone) == []


def test_a_folder_that_is_taken_meanwhile_is_left_alone(clone: Toy, tmp_path: Path) -> None:
    """--out is where two runs want to be: one gets it, and the other removes nothing."""
    there = tmp_path / "there"
    both = [start(clone, "v1.0.0", "--out", str(there)) for _ in range(2)]
    ends = sorted((one.communicate()[0], one.returncode)[1] for one in both)
    assert ends == [0, 2]
    assert (there / "data/scaled/2024-01.parquet").is_file()
    assert str(there) in clone.out("git", "worktree", "list")
    mine = tmp_path / "mine"
    mine.mkdir()
    with pytest.raises(DataOpsError, match="worktree add"), scratch(Git(clone.path), clone.path, "0" * 40, "x", mine):
        pass
    assert mine.is_dir()
    assert left(clone)[1:] == []


def test_packages_that_are_not_the_commits(clone: Toy) -> None:
    """Told, with both versions; a line that is meant for another system isn't."""
    (clone.path / "requirements.txt").write_text("pandas==0.1\nnumpy==0.2 ; sys_platform == 'win32'\n# x==1\npip>=1\n")
    clone.commit("pins")
    said = clone.dataops("reproduce", "HEAD").stdout
    assert "this environment is not that of requirements.txt: pandas " in said
    assert "(there 0.1)" in said
    assert "numpy" not in said


def test_code_is_imported_from_the_worktree(clone: Toy) -> None:
    """PYTHONPATH that leads into the work tree leads into the worktree: else today's code would run."""
    (clone.path / "lib").mkdir()
    (clone.path / "lib/helper.py").write_text("FACTOR = 1\n")
    edit(clone, "scale.py", "* factor", "* factor * helper.FACTOR")
    edit(clone, "scale.py", "import csv", "import helper\nimport csv")
    (clone.path / "lib/helper.py").write_text("FACTOR = 2\n")
    paths = os.pathsep.join([environ({})["PYTHONPATH"], "lib"])
    assert clone.dataops("reproduce", "HEAD", PYTHONPATH=paths).stdout.splitlines()[-1].startswith("identical")


def test_settings_are_carried_into_the_worktree(tmp_path: Path) -> None:
    """Relative paths count from the old place, the cache is the same one, and keys stay private."""
    root, other = tmp_path / "a", tmp_path / "deeper/b"
    for folder in (root, other):
        (folder / ".dvc").mkdir(parents=True)
    (root / ".dvc/config").write_text(
        "['remote \"team\"']\n    url = ../../team\n['remote \"s3\"']\n    url = s3://b/p\n"
    )
    (root / ".dvc/config.local").write_text("['remote \"own\"']\n    url = ../own\n    password = x\n")
    carry(root, Cache(root / ".dvc/cache"), other)
    config = dvcconfig.read(other / ".dvc/config.local")
    assert dvcconfig.get(config, 'remote "team"', "url") == str(tmp_path / "team")
    assert dvcconfig.get(config, 'remote "own"', "url") == str(root / "own")
    assert dvcconfig.get(config, 'remote "own"', "password") == "x"
    assert dvcconfig.get(config, 'remote "s3"', "url") is None
    assert dvcconfig.get(config, "cache", "dir") == str(root / ".dvc/cache")
    assert (other / ".dvc/config.local").stat().st_mode & 0o777 == 0o600
