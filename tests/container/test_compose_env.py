"""scripts/compose_env.sh: `.env` is made once, and what a person wrote into it stays."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from pathlib import Path

import pytest

from dataops.errors import DataOpsError
from dataops.store import composed

ROOT = Path(__file__).parents[2]
NAMES = (
    "COMPOSE_PROJECT_NAME",
    "DATAOPS_S3_PORT",
    "DATAOPS_S3_ACCESS_KEY_ID",
    "DATAOPS_S3_SECRET_ACCESS_KEY",
    "DATAOPS_UID",
    "DATAOPS_GID",
    "DATAOPS_GIT_NAME",
    "DATAOPS_GIT_EMAIL",
)


def make(folder: Path, name: str = "Pat Smith") -> str:
    """Run it for a repository there; what it printed."""
    (folder / "scripts").mkdir(parents=True, exist_ok=True)
    shutil.copy(ROOT / "scripts/compose_env.sh", folder / "scripts")
    settings = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "user.name", "GIT_CONFIG_VALUE_0": name}
    done = subprocess.run(
        ["bash", str(folder / "scripts/compose_env.sh")],
        env={"PATH": os.environ["PATH"], "HOME": str(folder), **settings},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def values(folder: Path) -> dict[str, str]:
    """The lines of `.env`."""
    lines = (folder / ".env").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if not line.startswith("#"))


def test_it_is_made_once(tmp_path: Path):
    """For its owner alone; a second run changes nothing."""
    assert make(tmp_path).startswith(".env made")
    first = (tmp_path / ".env").read_text()
    assert (tmp_path / ".env").stat().st_mode & 0o777 == 0o600
    assert tuple(values(tmp_path)) == NAMES
    assert make(tmp_path) == ""
    assert (tmp_path / ".env").read_text() == first
    assert len(values(tmp_path)["DATAOPS_S3_SECRET_ACCESS_KEY"]) == 40
    assert values(tmp_path)["DATAOPS_GIT_NAME"] == "'Pat Smith'"


def test_what_is_there_stays(tmp_path: Path):
    """Other people's variables, and values that were chosen; a last line without an end, too."""
    (tmp_path / ".env").write_text("TMDB_API_KEY='a b'\nexport DATAOPS_S3_PORT=4711")
    assert make(tmp_path).startswith(".env completed")
    text = (tmp_path / ".env").read_text()
    assert text.startswith("TMDB_API_KEY='a b'\nexport DATAOPS_S3_PORT=4711\nCOMPOSE_PROJECT_NAME=")
    assert text.count("DATAOPS_S3_PORT") == 1
    assert composed.read(tmp_path).endpoint == "http://127.0.0.1:4711"


def test_two_clones_share_nothing(tmp_path: Path):
    """Folders of one name would otherwise share volumes, and both want one port."""
    for name in ("a/shop", "b/shop", "c/Größe & Ölpreis (neu)"):
        make(tmp_path / name)
    found = [values(tmp_path / name) for name in ("a/shop", "b/shop", "c/Größe & Ölpreis (neu)")]
    for name in NAMES[:4]:
        assert len({one[name] for one in found}) == 3
    assert found[0]["COMPOSE_PROJECT_NAME"].startswith("shop-")
    assert all(one["COMPOSE_PROJECT_NAME"].isascii() for one in found)


def test_a_port_that_is_taken_is_passed_over(tmp_path: Path):
    """The next one is chosen."""
    make(tmp_path)
    port = int(values(tmp_path)["DATAOPS_S3_PORT"])
    (tmp_path / ".env").unlink()
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", port))
        other.listen()
        make(tmp_path)
    assert int(values(tmp_path)["DATAOPS_S3_PORT"]) > port


def test_a_name_stays_one_value(tmp_path: Path):
    """Quotes and backslashes of a git identity don't end the line or the quotation."""
    make(tmp_path, 'Pat O\'Neil \\ $HOME "x"\nSECOND=1')
    assert values(tmp_path)["DATAOPS_GIT_NAME"] == "'Pat O\\'Neil  $HOME \"x\"SECOND=1'"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "is not there"),
        ("DATAOPS_S3_PORT=1\n", "has no DATAOPS_S3_ACCESS_KEY_ID"),
        ("DATAOPS_S3_PORT=ten\nDATAOPS_S3_ACCESS_KEY_ID=a\nDATAOPS_S3_SECRET_ACCESS_KEY=b\n", "which is no port"),
        ("DATAOPS_S3_PORT=70000\nDATAOPS_S3_ACCESS_KEY_ID=a\nDATAOPS_S3_SECRET_ACCESS_KEY=b\n", "which is no port"),
        ("DATAOPS_S3_PORT=1\nDATAOPS_S3_ACCESS_KEY_ID=a\nDATAOPS_S3_SECRET_ACCESS_KEY=b$c\n", "expands the \\$"),
        ("DATAOPS_S3_PORT=1\nDATAOPS_S3_ACCESS_KEY_ID=#a\nDATAOPS_S3_SECRET_ACCESS_KEY=b\n", "has no DATAOPS_S3_ACC"),
        (b"\xff\xfe", "can't be read"),
    ],
)
def test_an_env_that_says_nothing(tmp_path: Path, text: str | bytes | None, said: str):
    """One line, and what makes it good."""
    if text is not None:
        (tmp_path / ".env").write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(DataOpsError, match=said) as refused:
        composed.read(tmp_path)
    assert refused.value.hint


def test_an_empty_value_is_filled_in(tmp_path: Path):
    """compose refuses it and names this script, which has to mend it; one that is indented is a value."""
    (tmp_path / ".env").write_text("DATAOPS_UID=\nDATAOPS_GID= \r\n  export  DATAOPS_S3_PORT = 4711\n")
    assert make(tmp_path).startswith(".env completed")
    text = (tmp_path / ".env").read_text()
    assert f"\nDATAOPS_UID={os.getuid()}\n" in text
    assert f"\nDATAOPS_GID={os.getgid()}\n" in text
    assert text.count("DATAOPS_S3_PORT") == 1
    assert make(tmp_path) == ""


def test_what_a_killed_run_left_is_no_part_of_it(tmp_path: Path):
    """Half a line of a quoted name would make compose refuse the file from then on."""
    tmp_path.joinpath(".env.part").symlink_to(tmp_path / "other")
    (tmp_path / "other").write_text("DATAOPS_GIT_NAME='Pa")
    (tmp_path / ".env.part.AAAAAA").write_text("DATAOPS_GIT_NAME='Pa")
    make(tmp_path)
    assert tuple(values(tmp_path)) == NAMES
    assert (tmp_path / "other").read_text() == "DATAOPS_GIT_NAME='Pa"


def test_a_folder_in_its_place(tmp_path: Path):
    """The keys aren't moved into it."""
    (tmp_path / ".env").mkdir()
    with pytest.raises(subprocess.CalledProcessError) as refused:
        make(tmp_path)
    assert "is no file" in refused.value.stderr
    assert not list((tmp_path / ".env").iterdir())


def test_values_are_read_as_compose_reads_them(tmp_path: Path):
    """A comment after a value isn't part of it, nor is the mark that some editors put first; single quotes keep a $."""
    (tmp_path / ".env").write_text(
        "\ufeffDATAOPS_S3_PORT=4711 # mine\nDATAOPS_S3_ACCESS_KEY_ID=a#a # old\r\n"
        "DATAOPS_S3_SECRET_ACCESS_KEY='b $c # d'\n"
    )
    found = composed.read(tmp_path)
    assert (found.endpoint, found.access_key_id, found.secret_access_key) == (
        "http://127.0.0.1:4711",
        "a#a",
        "b $c # d",
    )


def test_the_last_of_two_counts(tmp_path: Path):
    """As in compose; quotes and spaces around are not part of the value, and the keys are not shown."""
    (tmp_path / ".env").write_text(
        "DATAOPS_S3_PORT=1\nDATAOPS_S3_PORT = 2\nDATAOPS_S3_ACCESS_KEY_ID='aa'\nDATAOPS_S3_SECRET_ACCESS_KEY=\"bb\"\n"
    )
    found = composed.read(tmp_path)
    assert (found.endpoint, found.access_key_id, found.secret_access_key) == ("http://127.0.0.1:2", "aa", "bb")
    assert "aa" not in repr(found)
    assert "bb" not in repr(found)
