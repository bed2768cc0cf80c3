""".dvc files and dvc.lock merged by real git: what the driver, the hooks and DVC make of two branches together."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from hookworld import add, connect, push, write
from toy import Toy, environ

MONTHS = "data/months/"


def branch(clone: Toy, name: str, files: dict[str, str], **kept: str) -> None:
    """A branch off main with more data, the pipeline run on it, everything committed; main is checked out then."""
    clone.run("git", "switch", "-qc", name, "main")
    write(clone, {**files, **{key.replace("_", "."): text for key, text in kept.items()}})
    clone.dvc("add", "-q", "data/months")
    clone.dvc("repro", "-q")
    clone.commit(name, push=False)
    clone.run("git", "switch", "-q", "main")


def listed(clone: Toy) -> dict[str, str]:
    """The months in the work tree."""
    return {path.name: path.read_text() for path in sorted((clone.path / MONTHS).iterdir())}


def test_two_branches_each_with_a_month(pushed: Toy) -> None:
    """Both months are in the folder; the stages that both ran are said to be in conflict; `dvc repro` mends it."""
    branch(pushed, "march", {MONTHS + "03.csv": "3\n"}, scale_yaml="by: 3\n")
    branch(pushed, "april", {MONTHS + "04.csv": "4\n"}, name_yaml="it: b\n")
    pushed.run("git", "merge", "-q", "march")
    done = pushed.run("git", "merge", "april", status=1)
    assert "dvc.lock: changed on both sides: sum; what HEAD records of it is kept" in done.stderr
    assert "data/months.dvc: the files of both sides are in data/months now" in done.stderr
    assert "CONFLICT (content): Merge conflict in dvc.lock" in done.stdout
    assert "data/months.dvc" not in pushed.out("git", "diff", "--name-only", "--diff-filter=U")
    assert "data checked out: data/months" in done.stderr  # or `dvc repro` would record one side's months
    assert listed(pushed) == {f"0{n}.csv": f"{n}\n" for n in (1, 2, 3, 4)}
    lock = yaml.safe_load((pushed.path / "dvc.lock").read_text())["stages"]
    assert lock["scale"]["params"]["scale.yaml"] == {"by": 3}
    assert lock["name"]["params"]["name.yaml"] == {"it": "b"}
    for command in ("dvc repro -q", "git add dvc.lock", "git commit -qm merged"):
        pushed.run(*command.split())
    assert listed(pushed) == {f"0{n}.csv": f"{n}\n" for n in (1, 2, 3, 4)}
    assert (pushed.path / "total.csv").read_text() == "1\n2\n3\n4\n"
    assert pushed.dvc("status") == "Data and pipelines are up to date."
    entry = yaml.safe_load((pushed.path / "data/months.dvc").read_text())["outs"][0]
    assert (entry["nfiles"], entry["size"]) == (4, 8)
    assert "DATA201" in push(pushed, "origin", "main", status=1)
    pushed.dvc("push", "-q", "--all-branches")
    push(pushed, "origin", "main")


def test_clean_merge_checks_data_out(pushed: Toy) -> None:
    """Without a pipeline in the way the merge is done, and the hook brings the other side's files."""
    pushed.run("git", "switch", "-qc", "march")
    add(pushed, {MONTHS + "03.csv": "3\n"})
    pushed.run("git", "switch", "-q", "main")
    add(pushed, {MONTHS + "04.csv": "4\n"})
    done = pushed.run("git", "merge", "-q", "march", "-m", "both")
    assert "data checked out: data/months" in done.stderr
    assert listed(pushed) == {f"0{n}.csv": f"{n}\n" for n in (1, 2, 3, 4)}
    assert pushed.dvc("status", "data/months.dvc") == "Data and pipelines are up to date."


def test_in_a_rebase(pushed: Toy) -> None:
    """One commit after the other is replayed, each time with both sides' files; a conflict stops it in that state."""
    branch(pushed, "march", {MONTHS + "03.csv": "3\n"})
    branch(pushed, "april", {MONTHS + "04.csv": "4\n"})
    pushed.run("git", "switch", "-q", "april")
    done = pushed.run("git", "rebase", "march", status=1)
    assert "dvc.lock: changed on both sides: sum" in done.stderr
    assert listed(pushed) == {f"0{n}.csv": f"{n}\n" for n in (1, 2, 3, 4)}
    pushed.dvc("repro", "-q")
    pushed.run("git", "add", "dvc.lock")
    pushed.run("git", "-c", "core.editor=true", "rebase", "--continue")
    assert (pushed.path / "total.csv").read_text() == "1\n2\n3\n4\n"
    assert pushed.dvc("status") == "Data and pipelines are up to date."
    assert pushed.out("git", "status", "--porcelain") == ""


def test_lists_come_from_the_remote(pushed: Toy, tmp_path: Path) -> None:
    """`git pull` brings a record whose list this clone has never seen: it is read from the DVC remote."""
    path = tmp_path / "colleague"
    pushed.run("git", "clone", "-q", str(pushed.origin), str(path))
    other = Toy(path)
    connect(other, pushed.path.parent / "store")
    other.dataops("hook", "install")
    other.dvc("pull", "-q")
    add(other, {MONTHS + "03.csv": "3\n"})
    other.dvc("push", "-q")
    push(other, "origin", "main")
    add(pushed, {MONTHS + "04.csv": "4\n"})
    done = pushed.run("git", "pull", "-q", "--no-rebase", "--no-edit", "origin", "main")
    assert "not in this clone's cache: data/months; `dvc pull` brings it" in done.stderr
    pushed.dvc("pull", "-q")
    assert listed(pushed) == {f"0{n}.csv": f"{n}\n" for n in (1, 2, 3, 4)}
    pushed.dvc("push", "-q")
    said = push(pushed, "origin", "main", status=1)  # the commit before the merge has a list of its own
    assert "data/months: the list of its files, data/months.dvc" in said
    assert "`dvc push --all-commits`" in said
    pushed.dvc("push", "-q", "--all-commits")
    push(pushed, "origin", "main")


def test_a_list_that_is_nowhere(pushed: Toy) -> None:
    """Then it is a conflict that says so, and the record stays one that dvc reads."""
    pushed.run("git", "switch", "-qc", "march")
    add(pushed, {MONTHS + "03.csv": "3\n"})
    pushed.run("git", "switch", "-q", "main")
    add(pushed, {MONTHS + "04.csv": "4\n"})
    digest = yaml.safe_load(pushed.out("git", "show", "march:data/months.dvc"))["outs"][0]["md5"]
    (pushed.path / ".dvc/cache/files/md5" / digest[:2] / digest[2:]).unlink()
    before = (pushed.path / "data/months.dvc").read_bytes()
    done = pushed.run("git", "merge", "march", status=1)
    assert "the lists of its files are needed to merge them, and one is not to be had" in done.stderr
    assert (pushed.path / "data/months.dvc").read_bytes() == before


def test_one_file_changed_on_both_sides(pushed: Toy) -> None:
    """Named; HEAD's is kept, everything else is merged; the printed way leads out."""
    pushed.run("git", "switch", "-qc", "other")
    add(pushed, {MONTHS + "01.csv": "theirs\n", MONTHS + "03.csv": "3\n"})
    pushed.run("git", "switch", "-q", "main")
    add(pushed, {MONTHS + "01.csv": "ours\n", MONTHS + "04.csv": "4\n"})
    done = pushed.run("git", "merge", "other", status=1)
    assert "data/months.dvc: changed on both sides: 01.csv; HEAD's are kept, everything else is merged" in done.stderr
    assert "`git checkout --theirs data/months.dvc`" in done.stderr
    assert listed(pushed) == {"01.csv": "ours\n", "02.csv": "2\n", "03.csv": "3\n", "04.csv": "4\n"}
    add(pushed, {MONTHS + "01.csv": "ours and theirs\n"}, "merged")
    assert pushed.out("git", "status", "--porcelain") == ""


def test_a_single_file_changed_on_both_sides(pushed: Toy) -> None:
    """A conflict without markers: dvc still reads the record, which is HEAD's."""
    pushed.run("git", "switch", "-qc", "other")
    add(pushed, {"data/single.csv": "theirs\n"})
    pushed.run("git", "switch", "-q", "main")
    add(pushed, {"data/single.csv": "ours\n"})
    done = pushed.run("git", "merge", "other", status=1)
    assert "data/single.csv.dvc: its data changed on both sides" in done.stderr
    assert "<<<<" not in (pushed.path / "data/single.csv.dvc").read_text()
    pushed.run("git", "checkout", "--theirs", "data/single.csv.dvc")
    pushed.dvc("checkout", "-q", "data/single.csv.dvc")
    assert (pushed.path / "data/single.csv").read_text() == "theirs\n"


def test_deleted_on_one_side(pushed: Toy) -> None:
    """A file that one side removed stays removed when the other only added."""
    pushed.run("git", "switch", "-qc", "less")
    (pushed.path / MONTHS / "01.csv").unlink()
    pushed.dvc("add", "-q", "data/months")
    pushed.commit("less", push=False)
    pushed.run("git", "switch", "-q", "main")
    add(pushed, {MONTHS + "03.csv": "3\n"})
    pushed.run("git", "merge", "-q", "less", "-m", "merged")
    assert sorted(listed(pushed)) == ["02.csv", "03.csv"]


def test_a_merge_base_of_two(pushed: Toy) -> None:
    """A criss-cross: git merges two bases first. What they disagree on stays a conflict, and isn't decided silently."""
    branch(pushed, "a", {MONTHS + "03.csv": "3\n"})
    branch(pushed, "b", {MONTHS + "04.csv": "4\n"})
    for mine, other in (("a", "b"), ("b", "a")):
        pushed.run("git", "switch", "-q", "-c", f"{mine}2", mine)
        pushed.run("git", "merge", "-q", other, status=1)
        if mine == "a":  # one side takes its own total, the other runs it
            pushed.dvc("checkout", "-q", "data/months.dvc")
        else:
            pushed.dvc("checkout", "-q")
            pushed.dvc("repro", "-q")
        pushed.commit(f"{mine} and {other}", push=False)
    done = pushed.run("git", "merge", "a2", status=1)
    assert "dvc.lock: changed on both sides: sum" in done.stderr


def test_text_merge_is_what_is_left(pushed: Toy) -> None:
    """A lock that is broken on a side, an environment that is gone: git's own merge, with its markers."""
    branch(pushed, "a", {MONTHS + "03.csv": "3\n"})
    write(pushed, {"dvc.lock": (pushed.path / "dvc.lock").read_text().replace("size: 4", "size: [4")})
    pushed.commit("broken", push=False)
    done = pushed.run("git", "merge", "a", status=1)
    assert "dvc.lock is merged as text, line by line: the lock of ours is no valid YAML" in done.stderr
    assert "<<<<<<< ours" in (pushed.path / "dvc.lock").read_text()
    pushed.run("git", "merge", "--abort")
    pushed.run("git", "reset", "-q", "--hard", "HEAD~1")
    command = pushed.out("git", "config", "merge.dataops.driver")
    pushed.run("git", "config", "merge.dataops.driver", command.replace(sys.executable, "/nowhere/python"))
    branch(pushed, "b", {MONTHS + "04.csv": "4\n"})
    pushed.run("git", "merge", "-q", "a")
    pushed.run("git", "merge", "b", status=1)
    assert "<<<<<<< ours" in (pushed.path / "dvc.lock").read_text()


@pytest.mark.parametrize("after", [0.0, 0.05, 0.1, 0.15, 0.2])
def test_killed(pushed: Toy, after: float) -> None:
    """Killed anywhere, the file is what it was, or whole: never half of it."""
    ours = pushed.path / "ours"
    base, wide = (
        pushed.path / "base",
        "".join(f"  s{n}:\n    cmd: run\n    outs:\n    - path: {n}\n" for n in range(900)),
    )
    base.write_text(f"schema: '2.0'\nstages:\n{wide}")
    theirs = pushed.path / "theirs"
    theirs.write_text(base.read_text() + "  mine:\n    cmd: b\n")
    ours.write_text(base.read_text() + "  other:\n    cmd: a\n")
    before = ours.read_bytes()
    command = [
        sys.executable,
        "-P",
        "-m",
        "dataops",
        "hook",
        "merge-driver",
        "--ancestor",
        "base",
        "--our",
        "ours",
        "--their",
        "theirs",
        "--path",
        "dvc.lock",
    ]
    process = subprocess.Popen(command, cwd=pushed.path, env=environ({}), stderr=subprocess.DEVNULL)
    try:
        process.wait(0.15 + after)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert ours.read_bytes() == before or ours.read_bytes().endswith(b"  mine:\n    cmd: b\n  other:\n    cmd: a\n")


def test_files_that_are_not_dvcs(pushed: Toy) -> None:
    """An attribute may give the driver any file: what isn't DVC's is merged as text."""
    write(pushed, {".gitattributes": "* merge=dataops\n", "x.yaml": "a: 1\n\n\n\nb: 1\n"})
    pushed.commit("x", push=False)
    pushed.run("git", "switch", "-qc", "other")
    write(pushed, {"x.yaml": "a: 1\n\n\n\nb: 2\n"})
    pushed.commit("b", push=False)
    pushed.run("git", "switch", "-q", "main")
    write(pushed, {"x.yaml": "a: 2\n\n\n\nb: 1\n"})
    pushed.commit("a", push=False)
    pushed.run("git", "merge", "-q", "other", "-m", "both")
    assert (pushed.path / "x.yaml").read_text() == "a: 2\n\n\n\nb: 2\n"


def test_several_outputs_and_other_keys(pushed: Toy) -> None:
    """A .dvc file is merged by key and output too; a comment of the user's stays; CRLF stays."""
    path = "data/months.dvc"
    text = (pushed.path / path).read_text()
    for crlf in (False, True):
        base, end = text.replace("\n", "\r\n") if crlf else text, "\r\n" if crlf else "\n"
        sides = {"ancestor": base, "our": f"# ours{end}{base}", "their": f"{base}desc: theirs{end}"}
        for name, content in sides.items():
            (pushed.path / name).write_bytes(content.encode())
        command = [word for name in sides for word in (f"--{name}", name)]
        pushed.dataops("hook", "merge-driver", *command, f"--path={path}", status=40)
        assert (pushed.path / "our").read_bytes() == f"# ours{end}{base}desc: theirs{end}".encode()


def test_without_the_attribute(pushed: Toy) -> None:
    """A clone that never ran the installer merges as git always did."""
    shutil.rmtree(pushed.path / ".git/hooks")
    for key in ("merge.dataops", "merge.dataops-ancestor"):
        pushed.run("git", "config", "--remove-section", key)
    branch(pushed, "a", {MONTHS + "03.csv": "3\n"})
    add(pushed, {MONTHS + "04.csv": "4\n"})
    pushed.run("git", "merge", "a", status=1)
    assert "<<<<<<<" in (pushed.path / "data/months.dvc").read_text()
