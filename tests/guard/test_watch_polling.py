"""Where there are no events, or no more of them, everything is looked at; and that is said in one line."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from watched import Watched, once, plant

from dataops.guard.watch import mounts

WSL = """\
22 1 8:32 / / rw,relatime - ext4 /dev/sdc rw
78 22 0:45 / /mnt/c rw,noatime - 9p drvfs rw,aname=drvfs;path=C:\\
79 22 0:46 / /mnt/with\\040space rw - cifs //nas/share rw
80 22 0:47 / /home/me/bucket rw - fuse.s3fs s3fs rw
81 22 0:48 / /mnt/c/linux rw - ext4 /dev/sdd rw
82 22 0:49 / /srv rw - ext4 /dev/sde rw
83 22 0:50 / /srv rw - nfs4 nas:/srv rw
"""


@pytest.mark.parametrize(
    ("folder", "kind"),
    [
        ("/home/me/project", ""),
        ("/mnt/c/Users/me/project/data", "9p"),
        ("/mnt/cc/data", ""),
        ("/mnt/c/linux/data", ""),
        ("/mnt/with space/data", "cifs"),
        ("/home/me/bucket", "fuse.s3fs"),
        ("/srv/data", "nfs4"),
    ],
)
def test_file_systems(folder: str, kind: str) -> None:
    """Which have no events, by mountinfo as WSL and others write it."""
    assert mounts.silent(Path(folder), WSL) == kind


def test_this_machine(tmp_path: Path) -> None:
    """No file system of a test has none; a text that is no mountinfo says nothing."""
    assert mounts.silent(tmp_path) == ""
    assert mounts.silent(tmp_path, "nonsense\n - \n") == ""


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    """A monitor in a user namespace of its own, so that its limits are no one else's."""
    unshare = shutil.which("unshare")
    allowed = unshare and not subprocess.run([unshare, "-Ur", "true"], capture_output=True, check=False).returncode
    if not allowed:
        pytest.skip("user namespaces aren't allowed here")
    here = Watched(plant(tmp_path / "repo"))
    yield here
    if here.process is not None and not here.ended:
        here.process.kill()
        here.process.wait()


@pytest.mark.parametrize("limit", ["max_inotify_instances", "max_inotify_watches"])
def test_no_watches_from_the_start(watched: Watched, limit: str) -> None:
    """The system allows none."""
    watched.before = ("unshare", "-Ur", "bash", "-c", f'echo 0 > /proc/sys/user/{limit} && exec "$0" "$@"')
    watched.start("--poll", "0.2")
    watched.stop()
    watched.start()
    assert "looking at everything every 2 s instead" in watched.said
    assert len(watched.said.splitlines()) == 2
    (watched.root / "data/a").write_text("a")
    watched.settle()
    assert watched.stop() == 0
    once(watched.lines, watched.root)


def test_watches_run_out(watched: Watched) -> None:
    """Later, when there are too many folders."""
    watched.before = ("unshare", "-Ur", "bash", "-c", 'echo 5 > /proc/sys/user/max_inotify_watches && exec "$0" "$@"')
    watched.start()
    for number in range(30):
        (watched.root / f"data/{number}").mkdir()
        (watched.root / f"data/{number}/a").write_text(f"{number}")
    watched.settle()
    for number in range(30):
        (watched.root / f"data/{number}/b").write_text(f"b{number}")
    watched.settle()
    assert watched.stop() == 0
    once(watched.lines, watched.root)
    assert "looking at everything every 2 s instead" in watched.said
    assert "Traceback" not in watched.said
