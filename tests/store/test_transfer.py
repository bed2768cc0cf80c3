"""Bytes arrive right or not at all: parallel, resumed after kill -9, hashed, and never outside the folder."""

from __future__ import annotations

import contextlib
import http.server
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from remotes import MIB, flipped, named, noise, put, store_of

from dataops.errors import DataOpsError, Refused
from dataops.store import partial as partials
from dataops.store import staging
from dataops.store.cache import Cache
from dataops.store.folder import FolderStore
from dataops.store.objects import MissingObjectError, NoStore, Object
from dataops.store.s3objects import S3Store
from dataops.store.transfer import Wanted, fetch, into_cache
from dataops.store.web import WebStore


def tree(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, hidden ones too."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def store(shared: Path) -> S3Store:
    """A prefix of its own."""
    return store_of(shared)


def test_everything_arrives(store: S3Store, tmp_path: Path) -> None:
    """Empty, small, exactly one chunk, one byte more, many chunks; a duplicate is fetched once."""
    sizes = [0, 1, 1000, partials.CHUNK, partials.CHUNK + 1, 5 * partials.CHUNK - 7]
    contents = {f"d{size % 3}/{size}.bin": noise(size, size) for size in sizes}
    wanted = [Wanted(put(store, content), (name,)) for name, content in contents.items()]
    wanted.append(Wanted(wanted[2].obj, ("again/copy.bin", "twice.bin")))
    contents |= {"again/copy.bin": contents["d1/1000.bin"], "twice.bin": contents["d1/1000.bin"]}
    out = tmp_path / "parent" / "out"
    seen: list[tuple[int, int | None, str]] = []
    done = fetch(wanted, store, None, out, progress=lambda *what: seen.append(what))
    assert tree(tmp_path / "parent") == {f"out/{name}": content for name, content in contents.items()}
    assert (done.files, done.from_remote, done.bytes) == (8, 8, sum(map(len, contents.values())))
    assert seen[-1][0] == seen[-1][1] == sum(sizes)
    (out / "twice.bin").write_bytes(b"edited")  # a file of its own, no link to anything
    assert (out / "again/copy.bin").read_bytes() == contents["d1/1000.bin"]
    with pytest.raises(Refused, match="other content"):
        fetch(wanted, store, None, out)
    again = fetch(wanted, store, None, out, force=True)
    assert (again.already, again.from_remote) == (7, 1)


@pytest.mark.parametrize("harm", ["flip", "cut", "grow", "empty", "gone"])
@pytest.mark.parametrize("size", [5000, 3 * partials.CHUNK])
def test_a_damaged_object_is_named_and_nothing_is_left(store: S3Store, tmp_path: Path, size: int, harm: str) -> None:
    """Not even of the sound ones beside it."""
    content = noise(size)
    bad = put(store, content)
    good = put(store, noise(100_000, 9))
    harmed = {"flip": flipped(content), "cut": content[:-1], "grow": content + b"x", "empty": b""}
    if harm == "gone":
        store.delete([bad])
    else:
        put(store, harmed[harm], bad)
    with pytest.raises(Refused) as error:
        fetch([Wanted(good, ("a",)), Wanted(bad, ("train/b.bin",))], store, None, tmp_path / "out")
    assert bad.digest in error.value.message.replace("/", "")
    assert "train/b.bin" in error.value.message
    assert tree(tmp_path) == {}


def test_recorded_sizes_are_compared_before_bytes_come(store: S3Store, tmp_path: Path) -> None:
    """Of one object, and of a folder as a whole; and the disk must have room."""
    content = noise(3 * partials.CHUNK)
    obj = put(store, content)
    with pytest.raises(Refused, match="recorded"):
        fetch([Wanted(Object(obj.digest, size=10), ("a",))], store, None, tmp_path / "out")
    with pytest.raises(Refused, match="recorded"):
        fetch([Wanted(obj, ("a",))], store, None, tmp_path / "out", expected=1000)
    with pytest.raises(DataOpsError, match="GB free"):
        fetch([Wanted(obj, ("a",))], store, None, tmp_path / "out", expected=1 << 60)
    assert tree(tmp_path) == {}
    fetch([Wanted(obj, ("a",))], store, None, tmp_path / "out")
    fetch([Wanted(obj, ("a", "b"))], store, None, tmp_path / "out", expected=1 << 60)  # most of it may be there


def test_the_cache_is_used_when_it_is_right(store: S3Store, tmp_path: Path) -> None:
    """A damaged copy is passed over with a note; without a remote it is an error. Nothing is linked to the cache."""
    cache = Cache(tmp_path / "cache")
    obj = put(store, noise(10_000))
    assert into_cache([obj, obj], store, cache).from_remote == 1
    assert oct(cache.path(obj).stat().st_mode)[-3:] == "444"
    nowhere = NoStore("gs://bucket", "not spoken here", "`dvc fetch`")
    done = fetch([Wanted(obj, ("a", "b"))], nowhere, cache, tmp_path / "out")
    assert (done.from_cache, done.from_remote, done.notes) == (2, 0, ())
    assert (tmp_path / "out/a").stat().st_nlink == 1
    (tmp_path / "out/a").write_bytes(b"an edit")
    assert cache.sound(obj)
    cache.path(obj).chmod(0o644)
    cache.path(obj).write_bytes(flipped(noise(10_000)))
    done = fetch([Wanted(obj, ("a",))], store, cache, tmp_path / "two")
    assert (done.from_cache, done.from_remote, len(done.notes)) == (0, 1, 1)
    assert (tmp_path / "two/a").read_bytes() == noise(10_000)
    with pytest.raises(DataOpsError, match="not spoken here"):
        fetch([Wanted(obj, ("a",))], nowhere, cache, tmp_path / "three")
    assert into_cache([obj], store, cache).from_remote == 1
    assert cache.sound(obj)


CHILD = """
import sys
sys.path.insert(0, {tests!r})
from pathlib import Path
from dataops.store import partial
from dataops.store.objects import Object
from dataops.store.transfer import Wanted, fetch
from dataops.store.folder import FolderStore
import time

class Slow(FolderStore):
    def read(self, obj, start=0, end=None):
        body = super().read(obj, start, end)
        inner = body._blocks
        def slowly():
            for block in inner:
                time.sleep(3 if start >= 10 * partial.CHUNK else 0.02)  # it can't end before it is killed
                yield block
        body._blocks = slowly()
        return body

fetch([Wanted(Object({digest!r}), ("big.bin",))], Slow(Path({remote!r})), None, Path({out!r}), threads=4)
"""


def killed(tmp_path: Path, obj: Object, remote: Path, number: int, after: float) -> None:
    """Fetch in another process, and end that in the middle."""
    code = CHILD.format(
        tests=str(Path(__file__).parent), digest=obj.digest, remote=str(remote), out=str(tmp_path / "out")
    )
    child = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while not any(mark.stat().st_size > 12 for mark in tmp_path.glob(".dataops-get-*/*.done")):
        assert child.poll() is None or not after, "it ended too early"
        assert time.monotonic() < deadline
        time.sleep(0.01)
    time.sleep(after)
    child.send_signal(number)
    child.wait(10)


class Counting(FolderStore):
    """Counts the bytes that are read."""

    count = 0

    def read(self, obj: Object, start: int = 0, end: int | None = None):  # type: ignore[no-untyped-def]
        """As the folder does."""
        self.count += (end or 0) - start
        return super().read(obj, start, end)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_a_killed_fetch_goes_on(tmp_path: Path, number: int) -> None:
    """kill -9 and Ctrl-C: nothing at the target, and the next call fetches only what is missing."""
    content = noise(12 * partials.CHUNK + 5)
    obj = named(content)
    (tmp_path / "file").write_bytes(content)
    remote = FolderStore(tmp_path / "remote")
    remote.put(obj, tmp_path / "file")
    killed(tmp_path, obj, remote.folder, number, 0.1)
    assert not (tmp_path / "out").exists()
    counting = Counting(remote.folder)
    done = fetch([Wanted(obj, ("big.bin",))], counting, None, tmp_path / "out")
    assert done.from_remote == 1
    assert 0 < counting.count < len(content)
    assert (tmp_path / "out/big.bin").read_bytes() == content
    assert not list(tmp_path.glob(".dataops-get-*"))


def test_what_a_killed_fetch_left_is_not_believed(tmp_path: Path) -> None:
    """Damaged meanwhile, it is fetched once more from the beginning; a remote that is damaged too is refused."""
    content = noise(6 * partials.CHUNK)
    obj = named(content)
    (tmp_path / "file").write_bytes(content)
    remote = FolderStore(tmp_path / "remote")
    remote.put(obj, tmp_path / "file")
    for damaged in (False, True):
        killed(tmp_path, obj, remote.folder, signal.SIGKILL, 0)
        (left,) = tmp_path.glob(".dataops-get-*/*.part")
        with left.open("r+b") as file:
            file.write(b"\0" * partials.CHUNK * 2)
        if damaged:
            remote.path(obj).chmod(0o644)
            remote.path(obj).write_bytes(flipped(content))
            with pytest.raises(Refused, match="damaged"):
                fetch([Wanted(obj, ("big.bin",))], remote, None, tmp_path / "out")
            assert not (tmp_path / "out").exists()
        else:
            fetch([Wanted(obj, ("big.bin",))], remote, None, tmp_path / "out")
            assert (tmp_path / "out/big.bin").read_bytes() == content
            (tmp_path / "out/big.bin").unlink()
            (tmp_path / "out").rmdir()
        assert not list(tmp_path.glob(".dataops-get-*"))


PART = st.sampled_from(["..", ".", "", "a", "b", "C:", "\0", "a\\b", "/", "link"])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200, deadline=None)
@given(st.lists(st.lists(PART, min_size=1, max_size=4).map("/".join), min_size=1, max_size=3))
def test_nothing_is_written_outside(tmp_path: Path, targets: list[str]) -> None:
    """Whatever paths somebody's manifest has, only files below `out` appear, or it is refused."""
    place = Path(tempfile.mkdtemp(dir=tmp_path))
    remote, out, other = FolderStore(place / "remote"), place / "out", place / "other"
    for folder in (remote.folder, out, other):
        folder.mkdir(parents=True)
    (out / "link").symlink_to(other)
    (place / "file").write_bytes(b"content")
    remote.put(named(b"content"), place / "file")
    before = set(place.rglob("*"))
    with contextlib.suppress(Refused):
        fetch([Wanted(named(b"content"), tuple(targets))], remote, None, out)
    new = set(place.rglob("*")) - before
    assert all(path.is_relative_to(out) for path in new)
    assert not any(path.is_relative_to(other) for path in new)


def test_links_in_the_target_are_not_followed(store: S3Store, tmp_path: Path) -> None:
    """A folder that is a link is refused; a file that is one is replaced only by --force, and its target stays."""
    obj = put(store, b"content")
    (tmp_path / "out").mkdir()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/file").write_bytes(b"mine")
    (tmp_path / "out/sub").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "out/file").symlink_to(tmp_path / "elsewhere/file")
    with pytest.raises(Refused, match="symbolic link"):
        fetch([Wanted(obj, ("sub/file",))], store, None, tmp_path / "out", force=True)
    with pytest.raises(Refused, match="other content"):
        fetch([Wanted(obj, ("file",))], store, None, tmp_path / "out")
    fetch([Wanted(obj, ("file",))], store, None, tmp_path / "out", force=True)
    assert (tmp_path / "out/file").read_bytes() == b"content"
    assert (tmp_path / "elsewhere/file").read_bytes() == b"mine"
    (tmp_path / "out/folder").mkdir()
    with pytest.raises(Refused, match="is a folder"):
        fetch([Wanted(obj, ("folder",))], store, None, tmp_path / "out", force=True)


def test_two_at_once(store: S3Store, tmp_path: Path) -> None:
    """Two fetches to one folder, and two to one cache, don't disturb each other."""
    contents = {f"{number}.bin": noise(300_000, number) for number in range(20)}
    wanted = [Wanted(put(store, content), (name,)) for name, content in contents.items()]
    cache = Cache(tmp_path / "cache")
    errors: list[BaseException] = []

    def one(work: partial[object]) -> None:
        try:
            work()
        except Exception as error:  # noqa: BLE001  whatever it is, the test shows it
            errors.append(error)

    out = partial(fetch, wanted, store, None, tmp_path / "out")
    kept = partial(into_cache, [want.obj for want in wanted], store, cache)
    threads = [threading.Thread(target=one, args=(work,)) for work in (out, out, kept, kept)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert tree(tmp_path / "out") == contents
    assert all(cache.sound(want.obj) for want in wanted)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cache", "out"]


def test_a_full_disk_is_one_line(store: S3Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No disk here is small enough to fill, so the reservation of room fails in its place."""
    obj = put(store, noise(partials.CHUNK * 2))

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(DataOpsError, match="is full"):
        fetch([Wanted(obj, ("a",))], store, None, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_read_only_place_is_one_line(store: S3Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The tests may run as root, who may write anywhere, so the folder's making fails in its place."""
    obj = put(store, b"content")
    monkeypatch.setattr(staging, "_base", lambda _: Path("/proc"))
    with pytest.raises(DataOpsError, match="can't write") as error:
        fetch([Wanted(obj, ("a",))], store, None, tmp_path / "out")
    assert "\n" not in error.value.message


class Quiet(http.server.SimpleHTTPRequestHandler):
    """A web server that knows no ranges."""

    def log_message(self, *_: object) -> None:
        """Silent."""


@pytest.fixture
def web(tmp_path: Path) -> Iterator[tuple[WebStore, FolderStore]]:
    """A folder of objects, served."""
    folder = FolderStore(tmp_path / "remote")
    folder.folder.mkdir()
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder.folder))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield WebStore(f"http://127.0.0.1:{server.server_port}/"), folder
        server.shutdown()


def test_from_a_web_server(web: tuple[WebStore, FolderStore], tmp_path: Path) -> None:
    """As public DVC repositories have it; DVC 2's layout too. It is only read."""
    store, folder = web
    contents = {"a": b"", "b": noise(100), "c": noise(2 * partials.CHUNK + 3)}
    objects = []
    for number, content in enumerate(contents.values()):
        (tmp_path / "file").write_bytes(content)
        objects.append(Object(named(content).digest, "md5-dos2unix" if number == 1 else "md5"))
        folder.put(objects[-1], tmp_path / "file")
    wanted = [Wanted(obj, (name,)) for name, obj in zip(contents, objects, strict=True)]
    fetch(wanted, store, None, tmp_path / "out")
    assert tree(tmp_path / "out") == contents
    assert store.head(named(b"nothing")) is None
    with pytest.raises(MissingObjectError):
        fetch([Wanted(named(b"nothing"), ("x",))], store, None, tmp_path / "out")
    with pytest.raises(DataOpsError, match="only read"):
        store.put(objects[0], tmp_path / "file")
    with pytest.raises(DataOpsError, match="can't reach"):
        WebStore("http://127.0.0.1:9/x").head(objects[0])


def test_chunks_are_a_part_of_a_block_of_dvc_2(store: S3Store, tmp_path: Path) -> None:
    """A text of DVC 2 that is longer than a chunk is fetched with its CRLF and known by its hash without them."""
    content = b"0123456789abcd\r\n" * (MIB // 16 * 20)
    obj = Object(named(content.replace(b"\r\n", b"\n")).digest, "md5-dos2unix")
    put(store, content, obj)
    fetch([Wanted(obj, ("old.csv",))], store, None, tmp_path / "out")
    assert (tmp_path / "out/old.csv").read_bytes() == content
