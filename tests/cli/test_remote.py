"""`dataops remote` as a person types it. What the check does to a real bucket is in tests/store/test_remote_use.py."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dataops.cli import main

TEMPLATE = "[core]\n    remote = storage\n['remote \"storage\"']\n    url = s3://replace-me/dvc\n"
EMBEDDED = (
    "[core]\n    remote = embedded\n['remote \"embedded\"']\n    url = s3://dataops/dvc\n"
    "    endpointurl = http://127.0.0.1:12345\n    access_key_id = KEY\n    secret_access_key = SECRET\n"
)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A fresh template, entered in a subfolder."""
    (tmp_path / ".dvc").mkdir()
    (tmp_path / "src").mkdir()
    (tmp_path / ".dvc/config").write_text(TEMPLATE)
    monkeypatch.chdir(tmp_path / "src")
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def dataops(*arguments: str) -> int:
    """The exit status."""
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    return int(caught.value.code or 0)


def test_show_tells_where_a_push_goes(here, capsys):
    """The placeholder, the embedded store, the team's bucket; and in which file that is written."""
    assert dataops("remote", "show") == 0
    assert "placeholder" in capsys.readouterr().out

    (here / ".dvc/config.local").write_text(EMBEDDED)
    assert dataops("remote", "show", "--json") == 0
    text = capsys.readouterr().out
    assert "SECRET" not in text
    assert "KEY" not in text
    assert json.loads(text) == {
        "name": "embedded",
        "url": "s3://dataops/dvc",
        "endpoint_url": "http://127.0.0.1:12345",
        "region": None,
        "profile": None,
        "defined_in": ".dvc/config.local",
        "chosen_in": ".dvc/config.local",
        "embedded": True,
        "template": False,
    }

    assert (
        dataops("remote", "use", "s3://our-bucket/x/", "--region", "eu-west-3", "--profile", "work", "--no-check") == 0
    )
    out = capsys.readouterr().out
    assert "storage = s3://our-bucket/x (not checked)" in out
    assert "git add .dvc/config" in out
    assert "  dvc push --all-branches --all-tags -r bring\n" in out
    assert dataops("remote", "show") == 0
    shown = capsys.readouterr().out
    assert shown.startswith("storage = s3://our-bucket/x\n")
    assert "eu-west-3" in shown
    assert "work" in shown
    assert (here / ".dvc/config").read_text() == TEMPLATE.replace(
        "s3://replace-me/dvc", "s3://our-bucket/x\n    region = eu-west-3"
    )
    assert (here / ".dvc/config.local").read_text() == "['remote \"storage\"']\n    profile = work\n"


def test_no_default_remote_is_a_no(here, capsys):
    """Exit status 1, in JSON too."""
    (here / ".dvc/config").write_text("")
    assert dataops("remote", "show") == 1
    assert "no default remote" in capsys.readouterr().out
    assert dataops("remote", "show", "--json") == 1
    assert json.loads(capsys.readouterr().out) is None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["use", "our-bucket"], "error: our-bucket is no S3 URL"),
        (["use", "s3://our-bucket/x", "--endpoint-url", "host"], "error: host is no endpoint URL"),
        (["use", "s3://our-bucket/x", "--endpoint-url", "http://127.0.0.1:1"], "error: "),
        (["use"], "the following arguments are required"),
    ],
)
def test_what_is_wrong_is_said_and_changes_nothing(here, capsys, monkeypatch, arguments, message):
    """One line, a hint, exit status 2, the files as before."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "x")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    assert dataops("remote", *arguments) == 2
    error = capsys.readouterr().err
    assert message in error
    assert "Traceback" not in error
    assert (here / ".dvc/config").read_text() == TEMPLATE
    assert not (here / ".dvc/config.local").exists()
