"""Whatever a few seconds of random changes are: the log is consistent line by line, and adds up to what is there."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import time
from pathlib import Path

import pytest
from watched import Watched, plant, state, there


def write(place: Path, some: Path, name: str, rng: random.Random) -> None:
    """One change of files."""
    number = rng.randrange(8)
    if number < 3:
        (place / name).write_text(f"{rng.randrange(50)}")
    elif number == 3:
        some.write_text(f"{rng.randrange(50)}")
    elif number == 4:
        some.replace(place / rng.choice((some.name, name)))
    elif number == 5:
        some.unlink()
    elif number == 6:
        shutil.copy2(some, place / name)
    else:
        os.link(some, place / name)


def shuffle(place: Path, folders: list[Path], name: str, rng: random.Random) -> None:
    """One change of folders or links."""
    number = rng.randrange(5)
    if number == 0:
        (place / name / "deeper").mkdir(parents=True)
    elif number == 1:
        (place / name).symlink_to(rng.choice(("nowhere", "/etc/hostname", "..")))
    elif number < 4:
        place.replace(rng.choice(folders) / name)
    elif len(folders) > 8:
        shutil.rmtree(place)


def chaos(data: Path, rng: random.Random, count: int) -> None:
    """Write, move, link, copy and delete files and folders; what can't be done is left."""
    for number in range(count):
        data.mkdir(exist_ok=True)
        folders = [path for path in (data, *data.rglob("*")) if path.is_dir() and not path.is_symlink()]
        files = [path for path in data.rglob("*") if path.is_file() and not path.is_symlink()]
        place, some = rng.choice(folders), rng.choice(files or [data / "none"])
        with contextlib.suppress(OSError, shutil.Error):
            if rng.random() < 0.7:
                write(place, some, f"f{number}", rng)
            elif place != data or rng.random() < 0.5:
                shuffle(place, folders, f"d{number}", rng)
        if rng.random() < 0.1:
            time.sleep(rng.uniform(0, 0.3))


@pytest.mark.parametrize("seed", range(4))
def test_chaos(tmp_path: Path, seed: int) -> None:
    """By events and by polling; afterwards nothing is left to tell."""
    rng = random.Random(seed)
    watched = Watched(plant(tmp_path / "repo"), words=("--settle", "0.1", *(("--poll", "0.2") if seed % 2 else ())))
    watched.start()
    try:
        for _ in range(3):
            chaos(watched.root / "data", rng, 150)
            watched.settle()
        assert watched.stop() == 0
        count = len(watched.lines)
        watched.start()
        chaos(watched.root / "data", rng, 20)
        watched.stop(9)
        watched.start()
        watched.settle()
        assert watched.stop() == 0
        assert len(watched.lines) >= count
        assert state(watched.lines) == there(watched.root)
    finally:
        if not watched.ended:
            watched.stop(9)
