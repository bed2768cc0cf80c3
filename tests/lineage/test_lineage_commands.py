"""The commands as a person runs them: quick, offline, harmless to a terminal, and honest about what they can't say."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from tagrepo import plant
from toy import environ
from worlds import World

from dataops.cli.lineage import listing

READING = [
    ("trace", "model@v1.1.0"),
    ("trace", "HEAD", "--full"),
    ("impact", "dataset@v1.0.0"),
    ("list",),
    ("diff", "model@v1.0.0", "model@v1.1.0"),
    ("graph",),
]


def lineage(folder: Path, *words: str, status: int = 0) -> subprocess.CompletedProcess[str]:
    """Run `dataops lineage` there."""
    command = [sys.executable, "-m", "dataops", "lineage", *words]
    done = subprocess.run(command, cwd=folder, env=environ({}), capture_output=True, text=True, check=False)
    assert done.returncode == status, done
    assert "Traceback" not in done.stderr
    return done


@pytest.mark.parametrize("words", READING, ids=" ".join)
def test_reading_imports_nothing_that_costs(importing: World, words: tuple[str, ...]) -> None:
    """No DVC, no pandas, no boto3: that is what makes it a moment."""
    code = (
        "import sys\nfrom dataops.cli import parser\n"
        "arguments = parser().parse_args(['lineage', *sys.argv[1:]])\narguments.run(arguments)\n"
        "heavy = {'dvc', 'pandas', 'pyarrow', 'boto3', 'botocore', 'matplotlib', 'pydantic'} & set(sys.modules)\n"
        "sys.exit(f'imported: {heavy}' if heavy else 0)\n"
    )
    command = [sys.executable, "-c", code, *words]
    done = subprocess.run(command, cwd=importing.path, env=environ({}), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout


@pytest.mark.parametrize("words", READING, ids=" ".join)
def test_json_is_json(importing: World, words: tuple[str, ...]) -> None:
    """One document, and nothing else on standard output."""
    json.loads(lineage(importing.path, *words, "--json").stdout)


@pytest.mark.parametrize("action", ["trace", "impact", "record", "list", "diff", "graph", "export"])
def test_help_fits_the_terminal(tmp_path: Path, action: str) -> None:
    """A description is wrapped; examples stay lines that can be copied."""
    code = f"from dataops.cli import main; main(['lineage', '{action}', '--help'])"
    command = [sys.executable, "-c", code]
    done = subprocess.run(
        command, cwd=tmp_path, env=environ({"COLUMNS": "80"}), capture_output=True, text=True, check=False
    )
    told, _, examples = done.stdout.partition("examples:\n")
    assert max(map(len, told.splitlines())) <= 80
    assert f"\n  dataops lineage {action} " in f"\n{examples}"


def test_somebodys_repository_by_its_path(monorepo: World, tmp_path: Path) -> None:
    """From anywhere, without a clone of one's own."""
    found = lineage(tmp_path, "trace", "teams/b:model@v1.0.0", "--repo", str(monorepo.path), "--json")
    assert json.loads(found.stdout)["made_of"] == ["teams/b:data@v1.0.0"]
    assert "teams/a:model@v1.1.0" in lineage(tmp_path, "list", "--repo", str(monorepo.path)).stdout


def test_a_pipe_that_closes(importing: World) -> None:
    """`| head -1` is no error."""
    command = f"{sys.executable} -m dataops lineage trace HEAD --full | head -1"
    shell = ["bash", "-o", "pipefail", "-c", command]
    done = subprocess.run(shell, cwd=importing.path, env=environ({}), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_answers_that_are_no(tmp_path: Path) -> None:
    """Nothing recorded: 1. Nothing of that name, or no repository: 2, in a line and a hint."""
    repo = plant(tmp_path / "repo")
    repo.write(".dvc/config", "")
    repo.commit()
    assert "no dvc.lock and no .dvc file" in lineage(repo.path, "trace", "HEAD", status=1).stdout
    assert "are the same" not in lineage(repo.path, "diff", "HEAD", "HEAD", status=1).stdout
    assert "no model was released yet" in lineage(repo.path, "list").stdout
    said = lineage(repo.path, "trace", "model@v1.0.0", status=2).stderr
    assert said.startswith("error: ")
    assert "hint: " in said
    assert "not inside a DVC repository" in lineage(tmp_path, "trace", "HEAD", status=2).stderr


def test_an_output_by_its_path(importing: World) -> None:
    """Means the one that HEAD has, back and forward; its path is told once."""
    said = lineage(importing.path, "impact", "data/eu.csv").stdout
    assert said == lineage(importing.path, "impact", "HEAD", "--path", "data/eu.csv").stdout
    assert said.splitlines()[0].count("data/eu.csv") == 1
    assert "model@v1.1.0" in said


def test_a_bare_version_among_several_models(tmp_path: Path) -> None:
    """Is one of `model`'s, as for every other command, not of the model whose name comes first."""
    repo = plant(tmp_path / "repo")
    repo.write(".dvc/config", "")
    for name, version in (("model", "v1.0.0"), ("another", "v2.0.0")):
        repo.commit(name)
        card = {"format": 1, "artifact": name, "version": version, "type": "model"}
        repo.tag(f"{name}@{version}", message=f"{name} {version}: first\n\n{json.dumps(card, indent=2)}\n")
    assert "model@v1.0.0" in lineage(repo.path, "list", "--model", "v1.0.0").stdout
    assert "another@v2.0.0" in lineage(repo.path, "list", "--model", "another@v2.0.0").stdout
    assert "hint: " in lineage(repo.path, "list", "--model", "v2.0.0", status=2).stderr


def test_what_somebody_wrote_does_nothing_to_a_terminal(tmp_path: Path) -> None:
    """Escapes in a path, a command, a parameter, a commit's subject."""
    repo = plant(tmp_path / "repo")
    repo.write(".dvc/config", "")
    repo.write("dvc.yaml", 'stages: {s: {cmd: "echo \\e[31m", outs: ["o\\e]0;x\\a"]}}\n')
    lock = (
        's: {cmd: "echo \\e[31m", params: {params.yaml: {a: "\\e[2J"}}, outs: [{path: "o\\e]0;x\\a", md5: "' + "a" * 32
    )
    repo.write("dvc.lock", "schema: '2.0'\nstages: {" + lock + '"}]}}\n')
    repo.commit("\x1b[31msubject")
    repo.tag("model@v1.0.0", message="\x1b[2Jtold")
    for words in (("trace", "HEAD", "--full"), ("trace", "model@v1.0.0"), ("list",), ("diff", "HEAD", "HEAD")):
        assert "\x1b" not in lineage(repo.path, *words).stdout


def test_a_job_is_listed_by_its_name():
    """The column is narrow, and the end of an ARN is what tells jobs apart."""
    arn = "arn:aws:sagemaker:eu-central-1:123456789012:training-job/retail-0123456789ab-1"
    assert listing.trained({"backend": "sagemaker", "job": arn}) == "retail-0123456789ab-1"
    assert listing.trained({"backend": "local"}) == "local"
    assert listing.trained({}) == ""
