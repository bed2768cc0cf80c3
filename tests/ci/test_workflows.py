"""The workflows and the Jenkinsfile: pinned, with the least rights, and nothing but calls of scripts/ci_data.py."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from workbench import ROOT

WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
DATA = ROOT / ".github/workflows/data.yml"
PINNED = re.compile(r"uses: [\w.-]+/[\w.-]+@[0-9a-f]{40} # v[0-9]+\.[0-9]+\.[0-9]+")


def loaded(path: Path) -> dict[Any, Any]:
    """A workflow; `on:` is YAML's True."""
    found: dict[Any, Any] = yaml.safe_load(path.read_text())
    return found


def steps(job: str) -> list[dict[str, Any]]:
    """Of one job of data.yml."""
    return list(loaded(DATA)["jobs"][job]["steps"])


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_actions_are_pinned_and_rights_are_few(path: Path):
    """By full commit with the version beside it, always the same; nothing is allowed but where a job says so."""
    text = path.read_text()
    for line in text.splitlines():
        assert "uses:" not in line or PINNED.search(line), line
    assert loaded(path)["permissions"] == {}
    assert "secrets." not in text
    assert "pull_request_target" not in text
    assert all(one["timeout-minutes"] for one in loaded(path)["jobs"].values())


def test_one_pin_an_action():
    """The workflows agree on the version of an action."""
    pins = {line.split("uses: ")[1] for path in WORKFLOWS for line in path.read_text().splitlines() if "uses: " in line}
    assert len(pins) == len({pin.partition("@")[0] for pin in pins})


def test_who_may_what():
    """Only a run of main writes, only the comment's job writes comments, and that one runs nothing of the tree's."""
    jobs = loaded(DATA)["jobs"]
    assert jobs["release"]["permissions"] == {"contents": "write", "id-token": "write"}
    assert jobs["pull-request"]["permissions"] == {"contents": "read", "id-token": "write"}
    assert jobs["comment"]["permissions"] == {"pull-requests": "write"}
    assert "github.ref == 'refs/heads/main'" in jobs["release"]["if"]
    assert not [step for step in steps("comment") if "checkout" in step.get("uses", "") or "ci_data.py" in str(step)]
    for job in ("release", "pull-request"):
        (checkout,) = [step for step in steps(job) if "checkout" in step.get("uses", "")]
        assert checkout["with"] == {"persist-credentials": False}


def test_they_only_call_the_script():
    """What is run in the repository's tree is `make install` and scripts/ci_data.py, also in the Jenkinsfile."""
    runs = [step["run"] for job in ("release", "pull-request") for step in steps(job) if "run" in step]
    runs += re.findall(r"sh '([^']*)'", (ROOT / "Jenkinsfile").read_text())
    assert len(runs) == 8
    assert all(run == "make install" or run.startswith(".venv/bin/python scripts/ci_data.py ") for run in runs)


def test_the_role_trusts_the_environment_of_the_workflow():
    """Who deploys to the environment takes the role; so it is the environment that has to be protected."""
    (trust,) = json.loads((ROOT / "docs/iam/trust-github.json").read_text())["Statement"]
    environment = loaded(DATA)["jobs"]["release"]["environment"]
    assert trust["Condition"]["StringEquals"]["token.actions.githubusercontent.com:sub"].endswith(
        f":environment:{environment}"
    )


def test_a_token_is_asked_for(tmp_path: Path):
    """What the workflow sets makes git take the token from the environment, for any host."""
    env = {name: value for name, value in loaded(DATA)["env"].items() if name.startswith("GIT_CONFIG_")}
    done = subprocess.run(
        ["git", "credential", "fill"],
        input="protocol=https\nhost=example.com\n\n",
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin", "GITHUB_TOKEN": "t0ken", "HOME": str(tmp_path), **env},
    )
    assert "username=x-access-token\npassword=t0ken\n" in done.stdout


@pytest.mark.parametrize(
    ("old", "new", "tool"),
    [
        ("", "", ""),
        ("runs-on: ubuntu-24.04", "runs-in: ubuntu-24.04", "actionlint"),
        ("$GITHUB_BASE_REF", "${{ github.head_ref }}", "actionlint"),
        ('if [ -n "$id" ]', "if [ -n $id ]", "actionlint"),
        ("        with:\n          persist-credentials: false\n", "", "zizmor"),
        ("$GITHUB_BASE_REF", "${{ github.head_ref }}", "zizmor"),
        ("  pull_request:\n", "  pull_request_target:\n", "zizmor"),
        ("@de0fac2e4500dabe0009e67214ff5f5447ce83dd", "@v6", "zizmor"),
    ],
)
def test_lint_sees_it(old: str, new: str, tool: str, tmp_path: Path):
    """Both are content with the workflows, and neither with such a change."""
    changed = tmp_path / ".github/workflows/data.yml"
    changed.parent.mkdir(parents=True)
    changed.write_text(DATA.read_text().replace(old, new) if tool else DATA.read_text())
    commands = {
        "actionlint": ["actionlint", str(changed)],
        "zizmor": ["zizmor", "--offline", "--persona=pedantic", "--quiet", str(changed)],
    }
    for name, command in commands.items() if not tool else [(tool, commands[tool])]:
        done = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
        assert (done.returncode == 0) is (not tool), f"{name}: {done.stdout}{done.stderr}"


GH = """\
#!/bin/bash
# GitHub can't run here: answers with comments.json, and writes down what it is asked to write
for word in "$@"; do [ "$before" = --jq ] && filter=$word; before=$word; done
if [ -n "$filter" ]; then jq -r "$filter" comments.json; else echo "$@" >> asked; fi
"""


@pytest.mark.skipif(shutil.which("jq") is None, reason="jq is not installed")
@pytest.mark.parametrize(
    ("comments", "asked"),
    [
        ([], "repos/our-team/demand/issues/7/comments"),
        (
            [("github-actions[bot]", "<!-- ci_data -->\nold"), ("github-actions[bot]", "<!-- ci_data -->\nolder")],
            "-X PATCH repos/our-team/demand/issues/comments/1",
        ),
        (
            [("mallory", "<!-- ci_data -->\nmine"), ("github-actions[bot]", "another")],
            "repos/our-team/demand/issues/7/comments",
        ),
    ],
)
def test_one_comment(comments: list[tuple[str, str]], asked: str, tmp_path: Path):
    """The one of an earlier run is written anew, nobody else's; the report is handed over as a file."""
    (step,) = [step for step in steps("comment") if "run" in step]
    listed = [{"id": n, "user": {"login": who}, "body": body} for n, (who, body) in enumerate(comments, 1)]
    (tmp_path / "comments.json").write_text(json.dumps(listed))
    (tmp_path / "gh").write_text(GH)
    (tmp_path / "gh").chmod(0o755)
    env = {"PATH": f"{tmp_path}:/usr/local/bin:/usr/bin:/bin", "REPOSITORY": "our-team/demand", "NUMBER": "7"}
    command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]]
    subprocess.run(command, cwd=tmp_path, env=env, check=True, stdin=subprocess.DEVNULL)
    assert (tmp_path / "asked").read_text() == f"api --silent {asked} -F body=@ci-report.md\n"
