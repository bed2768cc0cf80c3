"""The installer: beside everything that may be there already; and what `state` tells of it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hookworld import add, push, write
from toy import Toy, environ

from dataops.errors import DataOpsError
from dataops.guard.hooks import installed
from dataops.guard.hooks.hookscript import MADE

ALL = [
    "pre-push",
    "post-checkout",
    "post-merge",
    "post-rewrite",
    "post-index-change",
    "merge driver of dvc.lock",
    "merge driver of *.dvc",
]


def states(clone: Toy) -> dict[str, str]:
    """By name."""
    return {part.name: part.state for part in installed.state(clone.path)}


@pytest.fixture
def bare(pushed: Toy) -> Toy:
    """The same clone without hooks and configuration."""
    shutil.rmtree(pushed.path / ".git/hooks")
    for key in ("merge.dataops", "merge.dataops-ancestor"):
        pushed.run("git", "config", "--remove-section", key)
    return pushed


def hook(clone: Toy, name: str, text: str) -> Path:
    """Put a hook there."""
    path = clone.path / ".git/hooks" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return path


def test_from_nothing(bare: Toy) -> None:
    """Missing, then present; the second time nothing is done; what is half there is completed."""
    assert set(states(bare).values()) == {"missing"}
    said = bare.dataops("hook", "install").stdout.splitlines()
    assert said == [*(f"{name}: installed" for name in ALL[:5]), "merge driver: configured in this clone"]
    assert {name: states(bare)[name] for name in ALL} == dict.fromkeys(ALL, "present")
    assert bare.dataops("hook", "install").stdout == "the hooks and the merge driver are installed already\n"
    (bare.path / ".git/hooks/post-merge").chmod(0o644)
    assert states(bare)["post-merge"] == "missing"
    assert bare.dataops("hook", "install").stdout == "post-merge: renewed\n"


def test_dvcs_hooks(bare: Toy) -> None:
    """What `dvc install` put there goes, and that is said: its pre-push would push at every push."""
    bare.dvc("install")
    assert {states(bare)[name] for name in ("pre-commit", "pre-push", "post-checkout")} == {"foreign"}
    said = bare.dataops("hook", "install").stdout
    assert "pre-push: removed dvc's own hook" in said
    assert "pre-push: installed" in said
    assert not (bare.path / ".git/hooks/pre-commit").exists()
    assert states(bare)["pre-push"] == "present"
    assert "dvc git-hook" in bare.out("git", "config", "merge.dvc.driver")  # its driver harms nobody


def test_somebodys_hooks(bare: Toy) -> None:
    """A hook of the user's own runs first, with all that git says, and what it refuses stays refused."""
    hook(bare, "pre-push", "#!/bin/sh\ncat > pushed.txt\nexit $(cat status)\n")
    hook(bare, "post-checkout", "#!/bin/sh\necho $@ > switched.txt\n")
    assert states(bare)["pre-push"] == "foreign"
    said = bare.dataops("hook", "install").stdout
    assert "pre-push: installed; the hook that was there is pre-push.own, and runs first" in said
    assert states(bare)["pre-push"] == "present"
    (bare.path / "status").write_text("0")
    add(bare, {"data/single.csv": "new\n"})
    assert "DATA201" in push(bare, "origin", "main", status=1)
    assert (bare.path / "pushed.txt").read_text().startswith("refs/heads/main ")
    bare.dvc("push", "-q")
    (bare.path / "status").write_text("3")
    push(bare, "origin", "main", status=1)
    (bare.path / "status").write_text("0")
    push(bare, "origin", "main")
    bare.run("git", "switch", "-qc", "other")
    assert (bare.path / "switched.txt").read_text().endswith(" 1\n")
    assert bare.dataops("hook", "install").stdout == "the hooks and the merge driver are installed already\n"


def test_a_hooks_folder_of_ones_own(bare: Toy) -> None:
    """core.hooksPath is respected: nothing is written there, and what to add is said; added, it counts."""
    own = bare.path.parent / "own hooks"
    own.mkdir()
    bare.run("git", "config", "core.hooksPath", str(own))
    said = bare.dataops("hook", "install").stdout
    assert f"core.hooksPath is {own}, whose hooks are yours: pre-push should run `dataops hook pre-push" in said
    assert list(own.iterdir()) == []
    assert states(bare)["merge driver of dvc.lock"] == "present"
    path = own / "pre-push"
    path.write_text(f'#!/bin/sh\nexec {sys.executable} -P -m dataops hook pre-push -- "$@"\n')
    path.chmod(0o755)
    assert states(bare)["pre-push"] == "present"
    add(bare, {"data/single.csv": "new\n"})
    assert "DATA201" in push(bare, "origin", "main", status=1)


def test_worktrees_and_submodules(bare: Toy) -> None:
    """Hooks are the repository's, whichever work tree installs them; a submodule has its own."""
    tree = Toy(bare.path.parent / "tree")
    bare.run("git", "worktree", "add", "-q", str(tree.path))
    tree.dataops("hook", "install")
    assert states(bare)["pre-push"] == states(tree)["pre-push"] == "present"
    outer = Toy(bare.path.parent / "outer")
    outer.path.mkdir()
    outer.run("git", "init", "-q")
    outer.run("git", "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(bare.origin), "inner")
    inner = Toy(outer.path / "inner")
    assert states(inner)["pre-push"] == "missing"
    inner.dataops("hook", "install")
    assert states(inner)["pre-push"] == "present"
    assert (outer.path / ".git/modules/inner/hooks/pre-push").is_file()


def test_attributes(bare: Toy) -> None:
    """Without .gitattributes the driver is configured and does nothing: that is said."""
    bare.run("git", "rm", "-q", ".gitattributes")
    said = bare.dataops("hook", "install").stdout
    assert ".gitattributes doesn't name it; add: dvc.lock merge=dataops; *.dvc merge=dataops" in said
    assert states(bare)["merge driver of dvc.lock"] == "missing"
    write(bare, {".gitattributes": "dvc.lock merge=union\n*.dvc merge=dvc\n"})
    bare.run("git", "config", "merge.dvc.driver", "dvc git-hook merge-driver --ancestor %O --our %A --their %B")
    assert states(bare)["merge driver of dvc.lock"] == "foreign"
    assert states(bare)["merge driver of *.dvc"] == "foreign"


def test_no_environment(pushed: Toy) -> None:
    """The environment is gone: a push is refused with the way on, a switch goes on, and both say so in a line."""
    for path in (pushed.path / ".git/hooks").iterdir():
        path.write_text(re.sub(r"python=/\S+", "python=/nowhere/python;", path.read_text()))
    assert f"dataops: no Python environment: {MADE}; `git push --no-verify` pushes" in push(
        pushed, "origin", "main:other", status=1
    )
    done = pushed.run("git", "switch", "-qc", "other")
    assert done.stderr == f"dataops: no Python environment: {MADE}; the data was left as it was\n"


def test_nothing_of_the_work_tree_is_imported(pushed: Toy) -> None:
    """A repository with modules of these names is somebody's own: hooks don't run them."""
    for name in ("yaml.py", "json.py", "dataops.py", "argparse.py"):
        write(pushed, {name: "raise SystemExit('taken')\n"})
    pushed.commit("names", push=False)
    push(pushed, "origin", "main")
    pushed.run("git", "switch", "-qc", "other", "HEAD~1")


def test_in_no_repository(tmp_path: Path) -> None:
    """Said in a line."""
    with pytest.raises(DataOpsError, match="is in no git repository"):
        installed.state(tmp_path)


def test_hooks_never_ask(pushed: Toy) -> None:
    """With a terminal that nobody answers on, a switch past unsaved data ends by itself."""
    pushed.run("git", "switch", "-qc", "grown")
    add(pushed, {"data/months/03.csv": "3\n"})
    write(pushed, {"data/months/03.csv": "mine\n"})
    first, second = os.openpty()
    done = subprocess.run(
        ["git", "switch", "-q", "main"],
        cwd=pushed.path,
        env=environ({}),
        stdin=second,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    os.close(first)
    os.close(second)
    assert done.returncode == 0
    assert "data/months was left as it was" in done.stderr
