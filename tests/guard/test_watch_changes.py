"""One line for each change that has settled, whatever the way in which a program makes it."""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from watched import Watched, md5, plant, there, until


@pytest.fixture(params=["events", "polling"])
def watched(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Watched]:
    """A repository with two files, watched."""
    polling = ("--poll", "0.1") if request.param == "polling" else ()
    here = Watched(plant(tmp_path / "repo"), words=("--settle", "0.2", *polling))
    (here.root / "data/raw").mkdir()
    (here.root / "data/raw/a.csv").write_text("a\n")
    (here.root / "data/raw/b.csv").write_text("b\n")
    here.start()
    yield here
    if not here.ended:
        here.process.kill()
        here.process.wait()


def facts(watched: Watched, count: int) -> list[tuple[object, ...]]:
    """Event, path and origin of the first `count` lines that come, sorted; and no other line comes before it ends."""
    until(lambda: len(watched.lines) >= count, lambda: (watched.lines, watched.said))
    assert watched.stop() == 0
    return sorted((line["event"], line["path"], line.get("from")) for line in watched.lines)


def test_what_was_there_is_no_change(watched: Watched) -> None:
    """The first start takes the files as they are."""
    assert watched.stop() == 0
    assert watched.lines == []


def test_line(watched: Watched) -> None:
    """What a line says, and that it is printed as it is logged."""
    (watched.root / "data/raw/c.csv").write_text("c\n")
    assert facts(watched, 1) == [("created", "data/raw/c.csv", None)]
    (line,) = watched.lines
    assert watched.told == [line]
    assert line["time"].endswith("Z")
    assert {key: line[key] for key in line if key != "time"} == {
        "n": 1,
        "event": "created",
        "path": "data/raw/c.csv",
        "size": 2,
        "hash": md5(b"c\n"),
        "output": None,
        "artifact": None,
        "agrees": None,
    }


def test_modified_moved_deleted(watched: Watched) -> None:
    """Each by its own line, the modified one with the hash before."""
    raw = watched.root / "data/raw"
    (raw / "a.csv").write_text("another\n")
    until(lambda: len(watched.lines) == 1)
    (raw / "a.csv").rename(raw / "c.csv")
    until(lambda: len(watched.lines) == 2)
    (raw / "b.csv").unlink()
    assert facts(watched, 3) == [
        ("deleted", "data/raw/b.csv", None),
        ("modified", "data/raw/a.csv", None),
        ("moved", "data/raw/c.csv", "data/raw/a.csv"),
    ]
    assert [line["hash"] for line in watched.lines] == [md5(b"another\n")] * 2 + [watched.lines[2]["hash"]]


def test_editor(watched: Watched) -> None:
    """A temporary file that takes the place of the other is one modification of that."""
    raw = watched.root / "data/raw"
    (raw / ".a.csv.swp").write_text("another\n")
    (raw / ".a.csv.swp").replace(raw / "a.csv")
    assert facts(watched, 1) == [("modified", "data/raw/a.csv", None)]


def test_editor_with_backup(watched: Watched) -> None:
    """So is one that moves the old file aside, writes the new one and removes the old."""
    raw = watched.root / "data/raw"
    (raw / "a.csv").rename(raw / "a.csv~")
    (raw / "a.csv").write_text("another\n")
    (raw / "a.csv~").unlink()
    assert facts(watched, 1) == [("modified", "data/raw/a.csv", None)]


def test_temporary_files_leave_nothing(watched: Watched) -> None:
    """What comes and goes within the settle time was never there."""
    for number in range(200):
        path = watched.root / f"data/raw/tmp{number}"
        path.write_text("x")
        path.unlink()
    (watched.root / "data/raw/z.csv").write_text("z")
    assert facts(watched, 1) == [("created", "data/raw/z.csv", None)]


def test_still_being_written(watched: Watched) -> None:
    """A file is not told of before it is left alone, and then once, as it is in the end."""
    path = watched.root / "data/raw/slow.csv"
    with path.open("w") as file:
        for number in range(30):
            file.write(f"{number}\n")
            file.flush()
            time.sleep(0.05)
    assert facts(watched, 1) == [("created", "data/raw/slow.csv", None)]
    assert watched.lines[0]["hash"] == md5(path.read_bytes())


def test_rewritten_with_the_same_bytes(watched: Watched) -> None:
    """No change, when the bytes are known."""
    path = watched.root / "data/raw/c.csv"
    path.write_text("c\n")
    until(lambda: len(watched.lines) == 1)
    path.unlink()
    path.write_text("c\n")
    time.sleep(0.5)
    os.utime(path, (1, 1))
    path.chmod(0o600)
    (watched.root / "data/raw/z.csv").write_text("z")
    assert facts(watched, 2) == [("created", "data/raw/c.csv", None), ("created", "data/raw/z.csv", None)]


def test_same_size_and_time(watched: Watched) -> None:
    """Other bytes of the same length under the old time are a change nonetheless."""
    path = watched.root / "data/raw/c.csv"
    path.write_text("c\n")
    until(lambda: len(watched.lines) == 1)
    info = path.stat()
    path.write_text("C\n")
    os.utime(path, ns=(info.st_atime_ns, info.st_mtime_ns))
    assert facts(watched, 2) == [("created", "data/raw/c.csv", None), ("modified", "data/raw/c.csv", None)]


def test_folder_moved(watched: Watched) -> None:
    """Its files are, and new ones in it are seen."""
    (watched.root / "data/raw").rename(watched.root / "data/landing")
    until(lambda: len(watched.lines) == 2)
    (watched.root / "data/landing/c.csv").write_text("c\n")
    assert facts(watched, 3) == [
        ("created", "data/landing/c.csv", None),
        ("moved", "data/landing/a.csv", "data/raw/a.csv"),
        ("moved", "data/landing/b.csv", "data/raw/b.csv"),
    ]


def test_folder_deleted_and_made_again(watched: Watched) -> None:
    """It is still watched."""
    raw = watched.root / "data/raw"
    shutil.rmtree(raw)
    until(lambda: len(watched.lines) == 2)
    raw.mkdir()
    (raw / "a.csv").write_text("new\n")
    until(lambda: len(watched.lines) == 3)
    (raw / "deep/er").mkdir(parents=True)
    (raw / "deep/er/c.csv").write_text("c\n")
    assert facts(watched, 4) == [
        ("created", "data/raw/a.csv", None),
        ("created", "data/raw/deep/er/c.csv", None),
        ("deleted", "data/raw/a.csv", None),
        ("deleted", "data/raw/b.csv", None),
    ]


def test_root_deleted_and_made_again(watched: Watched) -> None:
    """The same of the folder that is watched itself, also when the new one stands there at once."""
    data = watched.root / "data"
    shutil.rmtree(data)
    until(lambda: len(watched.lines) == 2)
    (data / "raw").mkdir(parents=True)
    (data / "raw/a.csv").write_text("new\n")
    until(lambda: len(watched.lines) == 3)
    shutil.rmtree(data)
    data.mkdir()
    (data / "c.csv").write_text("c\n")
    until(lambda: len(watched.lines) == 5)
    (data / "d.csv").write_text("d\n")
    assert facts(watched, 6)[:3] == [
        ("created", "data/c.csv", None),
        ("created", "data/d.csv", None),
        ("created", "data/raw/a.csv", None),
    ]


def test_root_replaced(watched: Watched) -> None:
    """By a rename; what is done to the old one afterwards is nobody's business."""
    other = watched.root / "other"
    other.mkdir()
    (other / "c.csv").write_text("c\n")
    (watched.root / "data").rename(watched.root / "old")
    other.rename(watched.root / "data")
    until(lambda: len(watched.lines) == 3)
    (watched.root / "old/raw/a.csv").write_text("unseen\n")
    (watched.root / "data/d.csv").write_text("d\n")
    assert facts(watched, 4) == [
        ("created", "data/c.csv", None),
        ("created", "data/d.csv", None),
        ("deleted", "data/raw/a.csv", None),
        ("deleted", "data/raw/b.csv", None),
    ]


def test_file_and_folder_change_places(watched: Watched) -> None:
    """A folder where a file was, and the other way round."""
    raw = watched.root / "data/raw"
    (raw / "a.csv").unlink()
    (raw / "a.csv").mkdir()
    (raw / "a.csv/inner").write_text("i\n")
    until(lambda: len(watched.lines) == 2)
    shutil.rmtree(raw / "a.csv")
    (raw / "a.csv").write_text("back\n")
    assert facts(watched, 4) == [
        ("created", "data/raw/a.csv", None),
        ("created", "data/raw/a.csv/inner", None),
        ("deleted", "data/raw/a.csv", None),
        ("deleted", "data/raw/a.csv/inner", None),
    ]


def test_links(watched: Watched) -> None:
    """A link counts as the file that it leads to; links to folders, pipes and links in a circle do no harm."""
    raw, store = watched.root / "data/raw", watched.root / "store"
    store.mkdir()
    (store / "one").write_text("one\n")
    (raw / "link").symlink_to(store / "one")
    (raw / "folder").symlink_to(store)
    (raw / "circle").symlink_to("circle")
    (raw / "nowhere").symlink_to("none")
    os.link(store / "one", raw / "hard")
    os.mkfifo(raw / "pipe")
    assert facts(watched, 4) == [
        ("created", f"data/raw/{name}", None) for name in ("circle", "hard", "link", "nowhere")
    ]
    hashes = {line["path"].rpartition("/")[2]: line["hash"] for line in watched.lines}
    assert hashes == {"circle": None, "nowhere": None, "link": md5(b"one\n"), "hard": md5(b"one\n")}


def test_names_of_the_same_bytes(watched: Watched) -> None:
    """What is written through one of two hard links, or below a link, is a change of both: no event says so."""
    raw = watched.root / "data/raw"
    os.link(raw / "a.csv", raw / "c.csv")
    (raw / "d.csv").symlink_to("a.csv")
    until(lambda: len(watched.lines) == 2)
    with (raw / "c.csv").open("a") as file:
        file.write("more\n")
    facts(watched, 5)
    assert {(line["event"], line["path"]) for line in watched.lines[2:]} == {
        ("modified", f"data/raw/{name}.csv") for name in "acd"
    }


def test_hostile_names(watched: Watched) -> None:
    """Names that are no text, or would move a terminal's cursor."""
    names = [b"line\nbreak", b"\xff\xfe", "\x1b[2J\u202e".encode(), b"-rf", b"c:\\d"]
    for name in names:
        (watched.root / "data/raw" / os.fsdecode(name)).write_text("x")
    facts(watched, len(names))
    assert {os.fsencode(line["path"]) for line in watched.lines} == {b"data/raw/" + name for name in names}
    assert watched.log.read_bytes().isascii()


def test_settles_before_it_stops(watched: Watched) -> None:
    """SIGINT as well as SIGTERM: what happened before is told of."""
    (watched.root / "data/raw/c.csv").write_text("c\n")
    assert watched.stop(signal.SIGINT) == 0
    assert [line["path"] for line in watched.lines] == ["data/raw/c.csv"]


def test_root_comes_and_goes(watched: Watched) -> None:
    """Again and again, as fast as it goes: the last one counts, and events are listened to still."""
    data = watched.root / "data"
    for number in range(100):
        shutil.rmtree(data)
        data.mkdir()
        (data / "n").write_text(f"{number}")
    until(lambda: watched.lines and there(watched.root) == {"data/n": watched.lines[-1]["hash"]})
    assert "instead" not in watched.said
    (data / "z").write_text("z")
    until(lambda: watched.lines[-1]["path"] == "data/z")
    assert watched.stop() == 0


def test_its_own_files_are_no_data(tmp_path: Path) -> None:
    """The log may lie in a watched folder."""
    watched = Watched(plant(tmp_path / "repo"))
    watched.start("--log", "data/log.jsonl")
    (watched.root / "data/a").write_text("a")
    until(lambda: (watched.root / "data/log.jsonl").exists())
    assert watched.stop() == 0
    assert [line["path"] for line in watched.told] == ["data/a"]
