"""The source `files`, the archives in it, and the checks before anything is recorded."""

from __future__ import annotations

import datetime as dt
import errno
import gzip
import io
import tarfile
import zipfile
from pathlib import Path

import pytest
from ingest_repo import sales

from dataops.errors import DataOpsError
from dataops.ingest.batches import LANDING, batches
from dataops.ingest.local import Files
from dataops.ingest.names import sanitised, unique
from dataops.ingest.run import Options, ingest
from dataops.ingest.source import Context, Taken
from dataops.tables.archives import expand

UCI = Path(__file__).parents[3] / "shared/data/retail/uci_online_retail_by_day.tar.xz"


def offered(tmp_path: Path, *arguments: object) -> Taken:
    work = tmp_path / "work"
    work.mkdir(exist_ok=True)
    return Files([str(argument) for argument in arguments], tmp_path).take(Context(work, []))


def named(taken: Taken) -> list[str]:
    return [incoming.name for incoming in taken.files]


def test_files_folders_and_patterns(tmp_path):
    """Relative and absolute paths, a folder with its structure, quoted patterns; hidden and other files are named."""
    for name in ("in/a.csv", "in/deep/b.csv.gz", "in/deep/a.csv", "in/.hidden/x.csv", "c[1].csv"):
        sales(tmp_path / name)
    (tmp_path / "in/readme.txt").write_text("x")
    taken = offered(tmp_path, "in")
    assert named(taken) == ["a.csv", "deep/a.csv", "deep/b.csv.gz"]
    assert sorted(taken.skipped) == [".hidden/", "readme.txt"]
    assert named(offered(tmp_path, "in/**/*.csv", tmp_path / "in/a.csv")) == ["a.csv", "a.csv"]
    assert named(offered(tmp_path, "c[1].csv")) == ["c[1].csv"]
    for wrong, says in (
        ("nothing.csv", "no such file"),
        ("*.tsv", "matches no file"),
        ("in/readme.txt", "no data files"),
    ):
        with pytest.raises(DataOpsError, match=says):
            offered(tmp_path, wrong)
    with pytest.raises(DataOpsError) as caught:
        offered(tmp_path, "s3:bucket")
    assert "s3://bucket/prefix" in caught.value.hint


def test_links_are_not_followed_out(tmp_path):
    """A link inside the folder counts; one that leads out, or to nothing, is skipped."""
    sales(tmp_path / "in/a.csv")
    sales(tmp_path / "secret/b.csv")
    (tmp_path / "in/out.csv").symlink_to(tmp_path / "secret/b.csv")
    (tmp_path / "in/folder").symlink_to(tmp_path / "secret")
    (tmp_path / "in/gone.csv").symlink_to(tmp_path / "nowhere")
    (tmp_path / "in/same.csv").symlink_to("a.csv")
    taken = offered(tmp_path, "in")
    assert named(taken) == ["a.csv", "same.csv"]
    assert taken.skipped == ["gone.csv", "out.csv"]


def packed(path: Path, members: dict[str, bytes]) -> Path:
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as pack:
            for name, content in members.items():
                pack.writestr(name, content)
        return path
    with tarfile.open(
        path, "w:" + {".tar": "", ".tgz": "gz", ".gz": "gz", ".bz2": "bz2", ".xz": "xz"}[path.suffix]
    ) as pack:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            pack.addfile(info, io.BytesIO(content))
    return path


@pytest.mark.parametrize("name", ["a.tar", "a.tar.gz", "a.tgz", "a.tar.bz2", "a.tar.xz", "a.zip"])
def test_archives(tmp_path, name):
    """Data files come out under their names; hidden ones and those of a Mac are left in."""
    members = {"x/1.csv": b"a\n1\n", "x/._1.csv": b"?", "__MACOSX/x/1.csv": b"?", "x/readme.txt": b"?", "2.json": b"[]"}
    taken = offered(tmp_path, packed(tmp_path / name, members))
    assert named(taken) == ["2.json", "x/1.csv"]
    assert taken.files[1].path.read_bytes() == b"a\n1\n"
    assert len(taken.skipped) == 3


@pytest.mark.parametrize("form", ["tar", "zip"])
@pytest.mark.parametrize("name", ["/etc/x.csv", "../x.csv", "a/../../x.csv", "..\\x.csv", "C:\\x.csv"])
def test_hostile_names(tmp_path, form, name):
    """A member that leads elsewhere makes the whole archive refused, and nothing lands outside."""
    path = packed(tmp_path / f"a.{form}", {name: b"a\n1\n"})
    with pytest.raises(DataOpsError, match="leads out of the archive"):
        expand(path, tmp_path / "deep/er/out")
    assert {p.name for p in tmp_path.rglob("*.csv")} == set()


def test_hostile_members(tmp_path):
    """Links and devices are refused, a bomb is stopped, broken and encrypted archives are named."""
    for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE):
        with tarfile.open(tmp_path / "a.tar", "w") as pack:
            info = tarfile.TarInfo("x.csv")
            info.type, info.linkname = kind, "/etc/passwd"
            pack.addfile(info)
        with pytest.raises(DataOpsError, match=r"x\.csv is a (link|device)"):
            expand(tmp_path / "a.tar", tmp_path / "out")
    with zipfile.ZipFile(tmp_path / "b.zip", "w") as pack:
        info = zipfile.ZipInfo("x.csv")
        info.external_attr = 0o120777 << 16
        pack.writestr(info, "/etc/passwd")
    with pytest.raises(DataOpsError, match="is a link"):
        expand(tmp_path / "b.zip", tmp_path / "out")
    bomb = packed(tmp_path / "c.zip", {"x.csv": b"0" * 5_000_000, "y.csv": b"0" * 5_000_000})
    with pytest.raises(DataOpsError, match="expands to more than"):
        expand(bomb, tmp_path / "out", limit=8_000_000)
    for name, content in (
        ("d.tar.gz", gzip.compress(b"x" * 999)),
        ("d.zip", b"PK"),
        ("d.tar.xz", b"xz"),
        ("d.tar", b"x" * 999),
    ):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(DataOpsError, match="cannot be read"):
            expand(tmp_path / name, tmp_path / "out")
    whole = packed(tmp_path / "e.tar.gz", {"x.csv": bytes(range(256)) * 999}).read_bytes()
    (tmp_path / "e.tar.gz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataOpsError, match="cannot be read"):
        expand(tmp_path / "e.tar.gz", tmp_path / "out")


def test_names():
    """Strangers' names become harmless and stay apart, also on a file system that ignores case."""
    assert sanitised("a\\b:c\n.csv") == "a/b_c_.csv"
    assert sanitised("./.env/-x.csv") == "_env/_x.csv"
    assert sanitised("\udcff.csv") == "_.csv"
    assert len(sanitised("é" * 300 + ".csv.gz").encode()) < 255
    assert sanitised("é" * 300 + ".csv.gz").endswith(".csv.gz")
    assert unique(["a.csv.gz", "A.csv.gz", "a.csv.gz", "batch.json"]) == [
        "a.csv.gz",
        "A-2.csv.gz",
        "a-3.csv.gz",
        "batch-2.json",
    ]
    assert unique(["x.csv", "x.csv/y.csv", "z/y.csv", "z"]) == ["x.csv", "x-2.csv/y.csv", "z/y.csv", "z-2"]
    assert len(set(unique(["s.csv"] * 20_000))) == 20_000


def test_one_batch_of_many(repo, tmp_path):
    """Equal content is taken once, colliding names are kept apart, other columns are refused, then taken on demand."""
    sales(tmp_path / "x/s.csv", "2024-01-01")
    sales(tmp_path / "y/s.csv", "2024-01-02")
    sales(tmp_path / "z/s.csv", "2024-01-02")
    sources = Files(["x/s.csv", "y/s.csv", "z/s.csv"], tmp_path)
    planned = ingest(repo, sources, Options(dry_run=True))
    assert not (repo / LANDING).exists()
    done = ingest(repo, sources)
    assert [file.name for file in done.files] == [file.name for file in planned.files] == ["s.csv", "s-2.csv"]
    assert done.known == 1
    assert done.rows == 6
    (tmp_path / "other.csv").write_text("Date,store,item,sales\n2024-01-03,1,1,5\n")
    with pytest.raises(DataOpsError, match=r"other\.csv lacks the columns date, store_id, product_id, price") as caught:
        ingest(repo, Files(["other.csv"], tmp_path))
    assert "date -> Date?" in caught.value.hint
    assert "--any-columns" in caught.value.hint
    assert len(batches(repo / LANDING)) == 1
    assert ingest(repo, Files(["other.csv"], tmp_path), Options(any_columns=True)).columns[0] == "Date"


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("a.csv", b"", "a.csv is empty"),
        ("a.csv", b"PK\x00\x01", "not a text file"),
        ("a.csv", b"a,b\n1,2,3\n", "line 2: 3 fields"),
        ("a.json", b"{", "is not JSON"),
        ("a.parquet", b"PAR1", "is not Parquet"),
        ("a.csv.gz", b"\x1f\x8b", "compression is broken"),
    ],
)
def test_unreadable_files_are_not_recorded(repo, tmp_path, name, content, says):
    """One bad file refuses the whole batch, and the landing stays as it was."""
    sales(tmp_path / "good.csv")
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataOpsError, match=says):
        ingest(repo, Files(["good.csv", name], tmp_path))
    assert not (repo / LANDING).exists()
    assert not (repo / "data/landing.dvc").exists()
    assert not list((repo / ".dataops/tmp").iterdir())


def test_a_full_disk_is_one_line(repo, tmp_path, monkeypatch):
    """What the machine refuses is said without a traceback, and leaves nothing."""

    def full(*_arguments: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", "x")

    monkeypatch.setattr("dataops.ingest.run.shutil.copyfile", full)
    with pytest.raises(DataOpsError, match="No space left on device"):
        ingest(repo, Files([str(sales(tmp_path / "a.csv"))]))
    assert not (repo / LANDING).exists()
    assert not list((repo / ".dataops/tmp").iterdir())


def test_the_real_archive(repo):
    """305 daily files of UCI Online Retail in one batch; params.yaml is still the template's: a warning."""
    if not UCI.exists():
        pytest.skip("no shared data here")
    done = ingest(repo, Files([str(UCI)]), Options(received=dt.datetime(2012, 1, 1, tzinfo=dt.UTC)))
    assert len(done.files) == 305
    assert done.rows == 541_909
    assert done.batch.startswith("data/landing/2012/01/01/0001-")
    assert len(done.warnings) == 1
    assert "304 more files" in done.warnings[0]
    assert ingest(repo, Files([str(UCI)])).known == 305
