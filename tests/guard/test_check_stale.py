"""What is out of date, against `dvc status` on the same repository: the forms of dvc.yaml that people write."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from guardrepo import Repo, told

LAYOUTS = {
    "foreach of a list": """\
stages:
  one:
    foreach: [a, b]
    do: {cmd: "echo ${item} > ${item}.txt", deps: [code.py], outs: ["${item}.txt"]}
""",
    "foreach of parameters": """\
stages:
  one:
    foreach: ${models}
    do: {cmd: "echo ${item.depth} > ${key}.txt", deps: [code.py], outs: ["${key}.txt"]}
""",
    "matrix": """\
stages:
  one:
    matrix: {size: [1, 2], kind: [x, y]}
    cmd: echo ${item.size} > ${item.kind}${item.size}.txt
    deps: [code.py]
    outs: ["${item.kind}${item.size}.txt"]
""",
    "variables of a file, and local ones": """\
vars: [vars.yaml, {suffix: txt}]
stages:
  one:
    vars: [{mine: 3}]
    cmd: echo ${greeting} ${mine} > out.${suffix}
    deps: [code.py]
    outs: ["out.${suffix}"]
""",
    "options out of a dictionary": """\
stages:
  one: {cmd: "echo ${train} > out.txt", deps: [code.py], outs: [out.txt]}
""",
    "a list of commands, spread over lines": """\
stages:
  one:
    cmd:
      - echo 1 > out.txt
      - >-
        echo 2
        >> out.txt
    deps: [code.py]
    outs: [out.txt]
""",
    "a working directory": """\
stages:
  one:
    wdir: sub
    cmd: echo 1 > out.txt
    deps: [../code.py]
    params:
      - lr
      - ../params.py: [Model.depth, SEED]
      - ../conf.toml: [tool.x]
      - ../conf.json:
    outs: [out.txt]
""",
    "parameters": """\
stages:
  one:
    cmd: echo 1 > out.txt
    deps: [code.py, lib]
    params:
      - train
      - models.big.depth
      - vars.yaml:
    outs: [out.txt]
""",
    "metrics and plots that git keeps, flags of outputs": """\
stages:
  one:
    cmd: mkdir -p live && echo 1 > live/loss.tsv && echo 1 > out.txt && echo '{}' > m.json && echo a > p.csv
    deps: [code.py]
    outs: [out.txt: {persist: true}, live: {cache: false}]
    metrics: [m.json: {cache: false}]
    plots: [p.csv: {cache: false, x: a}]
metrics: [m.json]
plots: [live]
""",
    "a chain, part of a folder": """\
stages:
  one: {cmd: "mkdir -p out/x && echo 1 > out/x/1 && echo 2 > out/2", deps: [code.py], outs: [out]}
  two: {cmd: "cat out/x/1 > two.txt", deps: [out/x], outs: [two.txt]}
  three: {cmd: "cat out/2 two.txt > three.txt", deps: [out/2, two.txt], outs: [three.txt]}
""",
}
FILES = {
    "code.py": "print(1)\n",
    "lib/a.py": "a = 1\n",
    "lib/__pycache__/a.pyc": "x",
    ".dvcignore": "__pycache__\n",
    "params.yaml": "train: {lr: 1e-3, name: x}\nmodels:\n  big: {depth: 3}\n  small: {depth: 1}\n",
    "sub/params.yaml": "lr: 0.1\n",
    "vars.yaml": "greeting: hi\n",
    "params.py": "SEED = 1\nclass Model:\n    depth = 3\n",
    "conf.toml": "[tool]\nx = [1, 2]\n",
    "conf.json": '{"a": {"b": null}}',
}


def built(folder: Path, layout: str) -> Repo:
    """The layout, run and committed."""
    folder.mkdir()
    repo = Repo(folder)
    repo.shell("git init -q -b main", "dvc init -q")
    for name, content in FILES.items():
        repo.write(name, content)
    repo.write("dvc.yaml", layout)
    repo.shell("dvc repro -q", "git add -A", "git commit -q -m x")
    return repo


def stale(repo: Repo) -> set[str]:
    """The stages that `dvc status` finds changed by more than what is upstream."""
    said = repo.ok("dvc", "status", "--json")  # a frozen stage gets a warning before it
    status = json.loads(said[said.find("{") :] or "{}")
    own = {name: [one for one in changes if one != "always changed"] for name, changes in status.items()}
    return {name for name, changes in own.items() if changes}


@pytest.mark.parametrize("name", LAYOUTS)
def test_as_dvc_sees_it(tmp_path: Path, name: str) -> None:
    """Nothing is out of date after `dvc repro`; after a change of code what DVC says, too."""
    repo = built(tmp_path / "repo", LAYOUTS[name])
    assert stale(repo) == set()
    assert repo.check().text == ""
    repo.write("code.py", "print(2)\n")
    repo.shell("git add code.py")
    found = repo.check()
    assert found.status == 0
    assert told(found.text) == (["DATA101"] if stale(repo) else [])
    for stage in stale(repo):
        assert f"  {stage}: code.py changed" in found.text


@pytest.mark.parametrize(
    ("name", "file", "old", "new", "said"),
    [
        ("foreach of parameters", "params.yaml", "depth: 3", "depth: 4", "another command"),
        ("variables of a file, and local ones", "vars.yaml", "hi", "ho", "another command"),
        ("a working directory", "sub/params.yaml", "0.1", "0.2", "sub/params.yaml: lr 0.1 → 0.2"),
        ("a working directory", "params.py", "depth = 3", "depth = 4", "params.py: Model.depth 3 → 4"),
        ("a working directory", "conf.toml", "[1, 2]", "[1]", "conf.toml: tool.x"),
        ("a working directory", "conf.json", "null", "1", "conf.json: a.b None → 1"),
        ("parameters", "params.yaml", "1e-3", "1e-4", "params.yaml: train.lr 0.001 → 0.0001"),
        ("parameters", "vars.yaml", "hi", "ho", "vars.yaml: greeting hi → ho"),
        ("parameters", "lib/a.py", "a = 1", "a = 2", "lib changed"),
        ("a chain, part of a folder", "dvc.yaml", "cat out/x/1 > two", "cat out/x/1  > two", "another command"),
        (
            "a chain, part of a folder",
            "dvc.yaml",
            "deps: [out/x]",
            "deps: [out/x, code.py]",
            "code.py is a new dependency",
        ),
    ],
)
def test_what_changed_is_named(tmp_path: Path, name: str, file: str, old: str, new: str, said: str) -> None:
    """The parameter with both values, the file, the command: and DVC agrees that something did."""
    repo = built(tmp_path / "repo", LAYOUTS[name])
    repo.write(file, repo.read(file).replace(old, new))
    repo.shell(f"git add {file}")
    assert stale(repo)
    found = repo.check()
    assert told(found.text) == ["DATA101"]
    assert said in found.text


def test_a_frozen_stage_stays_as_it_is(tmp_path: Path) -> None:
    """Its inputs don't count, for DVC neither."""
    repo = built(tmp_path / "repo", LAYOUTS["parameters"])
    repo.shell("dvc freeze one")
    repo.write("code.py", "print(2)\n")
    repo.shell("git add -A")
    assert stale(repo) == set()
    assert repo.check().text == ""


def test_made_anew_in_part(tmp_path: Path) -> None:
    """`dvc repro one` alone: what read its output is behind, though no file of code has changed."""
    repo = built(tmp_path / "repo", LAYOUTS["a chain, part of a folder"])
    repo.write("dvc.yaml", repo.read("dvc.yaml").replace("echo 2 > out/2", "echo 3 > out/2"))
    repo.shell("dvc repro -q one", "git add -A")
    found = repo.check()
    assert stale(repo) == {"three"}
    assert "  three: out/2 was made anew since" in found.text
    assert "two:" not in found.text
