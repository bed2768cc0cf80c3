"""Running again what somebody else's repository made: real dvc, none of this template's habits."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from toy import Toy, month

CITY = """\
vars: [../params.yaml:cities]
stages:
  city:
    foreach: ${cities}
    do:
      cmd: python run.py ${item}
      deps: [run.py, ../raw.csv, ../cats]
      outs: ["out/${item}.csv"]
"""
RUN = """\
import pathlib, sys
pathlib.Path("out").mkdir(exist_ok=True)
text = open("../raw.csv").read() + sys.argv[1] + open("../cats/a.txt").read()
pathlib.Path(f"out/{sys.argv[1]}.csv").write_text(text)
"""
TOP = """\
stages:
  slow:
    cmd: cat notes.md > slow.txt && date +%N >> slow.txt
    deps: [notes.md]
    outs: [slow.txt]
  join:
    wdir: work
    cmd:
      - cat ../prep/out/oslo.csv ../prep/out/rome.csv x.txt > joined.txt
      - cat ../slow.txt >> joined.txt
    deps: [../prep/out/oslo.csv, ../prep/out/rome.csv, x.txt, ../slow.txt]
    outs: [joined.txt]
  grow:
    cmd: cat work/joined.txt >> grown.txt
    deps: [work/joined.txt]
    outs: [grown.txt: {persist: true}]
  odd:
    cmd: cp grown.txt odd.txt && test "$(git rev-parse --is-inside-work-tree)" = true
    deps: [grown.txt]
    outs: [odd.txt: {cache: false}]
    always_changed: true
artifacts:
  final: {path: odd.txt, type: model}
"""


@pytest.fixture(scope="module")
def team(tmp_path_factory: pytest.TempPathFactory) -> Toy:
    """A clone of a monorepo: DVC in a subfolder, two dvc.yaml, foreach, wdir, imports, a frozen stage."""
    base = tmp_path_factory.mktemp("world")
    registry, mono, top = Toy(base / "registry"), Toy(base / "mono"), Toy(base / "mono/teams/a")
    for repo in (registry, top):
        repo.path.mkdir(parents=True)
    registry.run("git", "init", "-qb", "main")
    registry.dvc("init", "-q")
    registry.dvc("remote", "add", "-q", "-d", "r", str(base / "remote-r"))
    (registry.path / "cats").mkdir()
    (registry.path / "cats/a.txt").write_text("a\n")
    (registry.path / "notes.md").write_text("note\n")
    registry.dvc("add", "-q", "cats")
    registry.dvc("push", "-q")
    registry.commit(push=False)

    mono.run("git", "init", "-qb", "main")
    (mono.path / "teams/b").mkdir()
    (mono.path / "teams/b/dvc.yaml").write_text("stages: [another team's broken one\n")
    top.dvc("init", "-q", "--subdir")
    top.dvc("remote", "add", "-q", "-d", "st", "../../../../remote-a")
    for name in ("cats", "notes.md"):
        top.dvc("import", "-q", str(registry.path), name)
    (top.path / "raw.csv").write_text("k,v\n1,2.5\n")
    top.dvc("add", "-q", "raw.csv")
    for folder in ("prep", "work"):
        (top.path / folder).mkdir()
    for name, text in {"params.yaml": "cities: [oslo, rome]\n", "prep/dvc.yaml": CITY, "prep/run.py": RUN,
                       "work/x.txt": "x\n", "dvc.yaml": TOP}.items():  # fmt: skip
        (top.path / name).write_text(text)
    top.dvc("repro", "-q", "prep/dvc.yaml")
    top.dvc("repro", "-q")
    (top.path / "dvc.yaml").write_text(
        TOP.replace("    outs: [slow.txt]\n", "    outs: [slow.txt]\n    frozen: true\n")
    )
    top.dvc("push", "-q")
    mono.commit(push=False)
    mono.run("git", "tag", "-a", "teams/a:final@v1.0.0".replace(":", "="), "-m", "x")
    mono.run("git", "clone", "-q", str(mono.path), str(base / "clone"))
    return Toy(base / "clone/teams/a")


def ran(said: str) -> list[list[str]]:
    """`[[stage, verdict], …]`."""
    return [line.split()[:2] for line in said.splitlines() if line.startswith("  ")]


def test_a_version_in_a_subfolder(team: Toy) -> None:
    """Imports and the frozen stage's output are fetched, both dvc.yaml run, and what is odd is told."""
    said = team.dataops("reproduce", "teams/a:final@v1.0.0").stdout
    stages = ("prep/dvc.yaml:city@oslo", "prep/dvc.yaml:city@rome", "join", "grow", "odd")
    assert ran(said) == [[stage, "identical"] for stage in stages]
    assert "slow is frozen: its recorded output is taken" in said
    assert "grow keeps grown.txt from run to run (persist)" in said
    assert "odd is marked always_changed" in said
    assert team.out("git", "status", "--porcelain") == ""
    assert len(team.out("git", "worktree", "list").splitlines()) == 1


def test_single_outputs_and_everything(team: Toy) -> None:
    """Only what is needed runs: one of a foreach; a folder that several stages write to; all."""
    assert ran(team.dataops("reproduce", "HEAD", "--path", "prep/out/rome.csv").stdout) == [
        ["prep/dvc.yaml:city@rome", "identical"]
    ]
    assert len(ran(team.dataops("reproduce", "HEAD", "--path", "prep/out").stdout)) == 2
    everything = team.dataops("reproduce", "HEAD", "--path", ".").stdout
    assert len(ran(everything)) == 5
    assert everything.startswith("everything at ")


def test_what_is_frozen_is_not_run(team: Toy) -> None:
    """Neither is an import."""
    assert "slow.txt, is frozen" in team.dataops("reproduce", "HEAD", "--path", "slow.txt", status=2).stderr
    assert "came in as it is (cats.dvc)" in team.dataops("reproduce", "HEAD", "--path", "cats", status=2).stderr


def test_a_lock_of_dvc_2(tmp_path: Path) -> None:
    """Text was hashed with line ends made LF, objects lie in the old layout; a .dvc with a command is refused."""
    toy = Toy(tmp_path / "toy")
    toy.path.mkdir()
    toy.run("git", "init", "-qb", "main")
    toy.dvc("init", "-q")
    toy.dvc("remote", "add", "-q", "-d", "r", str(tmp_path / "remote"))
    text = month("2024-01").replace("\n", "\r\n").encode()
    digest = hashlib.md5(text.replace(b"\r\n", b"\n"), usedforsecurity=False).hexdigest()
    place = tmp_path / "remote" / digest[:2] / digest[2:]
    place.parent.mkdir(parents=True)
    place.write_bytes(text)
    entry = f"md5: {digest}\n      size: {len(text)}"
    (toy.path / "a.csv.dvc").write_text(f"outs:\n- md5: {digest}\n  size: {len(text)}\n  path: a.csv\n")
    (toy.path / "dvc.yaml").write_text(
        "stages:\n  copy:\n    cmd: cp a.csv b.csv\n    deps: [a.csv]\n    outs: [b.csv]\n"
    )
    (toy.path / "dvc.lock").write_text(
        "schema: '2.0'\nstages:\n  copy:\n    cmd: cp a.csv b.csv\n"
        f"    deps:\n    - path: a.csv\n      {entry}\n    outs:\n    - path: b.csv\n      {entry}\n"
    )
    (toy.path / "c.dvc").write_text(
        f"cmd: cp b.csv c.csv\ndeps:\n- path: b.csv\n  md5: {digest}\nouts:\n- path: c.csv\n  md5: {digest}\n"
    )
    toy.commit(push=False)
    done = toy.dataops("reproduce", "HEAD", "--path", "b.csv")
    assert ran(done.stdout) == [["copy", "identical"]]
    assert "not what ran" not in done.stdout
    said = toy.dataops("reproduce", "HEAD", "--path", "c.csv", status=2).stderr
    assert "dvc can't work with that commit: './c.dvc' validation failed" in said
