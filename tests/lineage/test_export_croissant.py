"""Croissant of a version: what MLCommons' own validator accepts, and what its loader reads rows with."""

from __future__ import annotations

import datetime as dt
import hashlib
import io
import json
import logging
import subprocess
import sys
from pathlib import Path
from typing import Any

import depot as depots
import mlcroissant
import pandas as pd
import pytest
from depot import Depot

from dataops.cli import main
from dataops.lineage.exports import croissant
from dataops.lineage.exports.croissant import Dataset, File
from dataops.lineage.exports.described import described
from dataops.versions.uri import uri as addresses

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning:rdflib"),  # of mlcroissant's, not ours
    pytest.mark.filterwarnings("ignore:The inplace keyword"),
]
VALIDATE = Path(sys.executable).with_name("mlcroissant")
MD5 = ("md5", "d1" * 16)


def parquet(*days: str) -> bytes:
    """Some days of rows, one value missing."""
    frame = pd.DataFrame({
        "date": pd.to_datetime(list(days)).date,
        "store": pd.array([1] * len(days), dtype="int32"),
        "sales": pd.array([None, *map(float, range(1, len(days)))], dtype="Float64"),
        "open": [True] * len(days),
        "name": ["ä, b"] * len(days),
        "seen": pd.to_datetime([f"{day} 10:30" for day in days]),
    })  # fmt: skip
    buffer = io.BytesIO()
    frame.to_parquet(buffer, index=False)
    return buffer.getvalue()


FILES = {
    "train/2024-01.parquet": parquet("2024-01-01", "2024-01-02"),
    "train/2024-02.parquet": parquet("2024-02-01", "2024-02-02"),
    "validation/2024-03.parquet": parquet("2024-03-01"),
    "test/2024-04.parquet": parquet("2024-04-01"),
    "README.md": b"about",
}
SCHEMA = {"date": "date32[day]", "store": "int32", "sales": "double", "open": "bool", "name": "string",
          "seen": "timestamp[us]"}  # fmt: skip
DECLARED = "meta: {license: CC-BY-4.0, gates: [reports/validation.json]}, labels: [demand], desc: Sales by day}"


def card(digest: str, schema: dict[str, str], **more: Any) -> str:
    """As a tag has it."""
    facts = {"format": 1, "artifact": "dataset", "hash": digest, "schema": schema, "reason": "1 day added", **more}
    return json.dumps(facts, indent=2)


@pytest.fixture
def depot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Depot:
    """One release; its remote is a bucket that nobody asks."""
    made = depots.make(tmp_path / "clone", "s3://bucket/dvc", {"region": "eu-central-1"})
    made.git("remote", "add", "origin", "git@host.org:team/repo.git")
    monkeypatch.chdir(made.path)
    return made


def release(depot: Depot, files: dict[str, bytes], schema: dict[str, str], **more: Any) -> None:
    """Version 1.2.0 of these files."""
    digest = depot.record(files, remote=False)
    stages = (depot.path / "dvc.yaml").read_text()
    declared = stages.replace("meta: {gates: [reports/validation.json]}}", DECLARED)
    assert declared != stages
    (depot.path / "dvc.yaml").write_text(declared)
    depot.commit("released")
    depot.git("tag", "-a", "dataset@v1.2.0", "-m", "dataset v1.2.0", "-m", card(digest, schema, **more))


def written(depot: Depot, folder: Path, files: dict[str, bytes]) -> Path:
    """The description beside the files, as `dataops get` lays them out."""
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    path = folder / "croissant.json"
    with pytest.raises(SystemExit) as left:
        main(["lineage", "export", "--croissant", "v1.2.0", "--out", str(path)])
    assert left.value.code == 0
    return path


def records(path: Path, caplog: pytest.LogCaptureFixture, **filters: str) -> list[dict[str, Any]]:
    """The rows as mlcroissant reads them, which says nothing against any of it."""
    with caplog.at_level(logging.WARNING):
        rows = mlcroissant.Dataset(str(path)).records("records", filters=filters or None)
        found = [dict(row) for row in rows]
    assert caplog.text == ""
    return found


def test_the_validator_accepts_it(depot: Depot, tmp_path: Path) -> None:
    """Without a warning, where a licence is declared."""
    release(depot, FILES, SCHEMA)
    path = written(depot, tmp_path / "got", FILES)
    done = subprocess.run([VALIDATE, "validate", "--jsonld", str(path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "Done" in done.stderr
    assert "warning" not in done.stderr.lower()
    broken = path.read_text().replace('"cr:FileObject"', '"cr:Fileobject"')
    path.write_text(broken)
    done = subprocess.run([VALIDATE, "validate", "--jsonld", str(path)], capture_output=True, text=True, check=False)
    assert done.returncode != 0


def test_what_it_says(depot: Depot) -> None:
    """Name, version, licence and source; each file's address on the remote and its md5."""
    release(depot, FILES, SCHEMA)
    found = described(depot.context, "latest")
    assert (found["name"], found["version"], found["license"]) == ("dataset", "1.2.0", "CC-BY-4.0")
    assert found["description"] == "Sales by day. 1 day added"
    assert found["url"] == "https://host.org/team/repo"
    assert found["creator"]["name"] == "Tess Ter"
    assert found["keywords"] == ["demand"]
    assert found["citeAs"].startswith("@misc{dataset_1_2_0, title={dataset 1.2.0}, author={Tess Ter}")
    objects = {one["name"]: one for one in found["distribution"] if one["@type"] == "cr:FileObject"}
    assert {name: one["md5"] for name, one in objects.items()} == {name: depots.md5(FILES[name]) for name in FILES}
    digest = depots.md5(FILES["README.md"])
    assert objects["README.md"]["contentUrl"] == f"s3://bucket/dvc/files/md5/{digest[:2]}/{digest[2:]}"
    assert {name: one["contentUrl"] for name, one in objects.items()} == addresses("v1.2.0").files
    assert objects["README.md"]["encodingFormat"] == "text/markdown"
    fields = {one["name"]: one["dataType"] for one in found["recordSet"][1]["field"]}
    assert fields == {"split": "sc:Text", "date": "sc:Date", "store": "sc:Integer", "sales": "sc:Float",
                      "open": "sc:Boolean", "name": "sc:Text", "seen": "sc:DateTime"}  # fmt: skip


def test_the_loader_reads_the_rows(depot: Depot, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Every row with its part, its types and its gaps; one part alone."""
    release(depot, FILES, SCHEMA)
    path = written(depot, tmp_path / "got", FILES)
    found = records(path, caplog)
    assert len(found) == 6
    assert [row["records/split"] for row in found].count(b"train") == 4
    row = next(row for row in found if row["records/date"] == pd.Timestamp("2024-01-02"))
    assert (row["records/store"], row["records/sales"], row["records/open"]) == (1, 1.0, True)
    assert (row["records/name"], row["records/seen"]) == ("ä, b".encode(), pd.Timestamp("2024-01-02 10:30"))
    assert len(records(path, caplog, **{"records/split": "train"})) == 4


def test_csv_has_the_contracts_types(depot: Depot, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """In CSV everything is text; what the contract knows better, it says."""
    files = {"2024-01.csv": b"date,store,note\n2024-01-01,7,x\n", "2024-02.csv": b"date,store,note\n2024-02-01,8,\n"}
    columns = {"date": {"type": "date"}, "store": {"type": "integer"}}
    (depot.path / "params.yaml").write_text(json.dumps({"contract": {"columns": columns}}))
    release(depot, files, dict.fromkeys(("date", "store", "note"), "text"))
    found = described(depot.context, "v1.2.0")
    (only,) = found["recordSet"]  # no folders, no parts
    assert [one["dataType"] for one in only["field"]] == ["sc:Date", "sc:Integer", "sc:Text"]
    rows = records(written(depot, tmp_path / "got", files), caplog)
    assert (rows[0]["records/store"], rows[0]["records/note"]) == (7, b"x")


def test_a_tag_of_plain_gto(depot: Depot, capsys: pytest.CaptureFixture[str]) -> None:
    """No card: the files alone, which is said; and that nobody declared a licence."""
    depot.record(FILES, remote=False)
    depot.commit("data")
    depot.git("tag", "-a", "dataset@v1.0.0", "-m", "by gto")
    with pytest.raises(SystemExit):
        main(["lineage", "export", "--croissant", "v1.0.0"])
    said = capsys.readouterr()
    found = json.loads(said.out)
    assert "recordSet" not in found
    assert len(found["distribution"]) == 6
    assert "note: no card with columns" in said.err
    assert "note: no licence is declared: dvc.yaml, artifacts.dataset.meta.license" in said.err


def test_a_revision_and_a_single_file(depot: Depot) -> None:
    """A commit that is no version has no number; a file of its own has the card's SHA-256."""
    content = b"a,b\n1,2\n"
    depot.record({"x.csv": content}, remote=False)
    lock = (depot.path / "dvc.lock").read_text().replace(depots.folder({"x.csv": content})[0], depots.md5(content))
    (depot.path / "dvc.lock").write_text(lock)
    depot.commit("single")
    assert "version" not in described(depot.context, "HEAD")
    sha = hashlib.sha256(content).hexdigest()
    body = card(depots.md5(content), {"a": "text", "b": "text"}, sha256=sha)
    depot.git("tag", "-a", "dataset@v1.0.0", "-m", "one", "-m", body)
    (file,) = described(depot.context, "v1.0.0")["distribution"]
    assert (file["name"], file["sha256"]) == ("dataset", sha)
    assert "md5" not in file


def test_without_a_remote(depot: Depot, capsys: pytest.CaptureFixture[str]) -> None:
    """There is no address to give: an error that says what to do."""
    release(depot, FILES, SCHEMA)
    (depot.path / ".dvc/config").write_text("")
    with pytest.raises(SystemExit) as left:
        main(["lineage", "export", "--croissant", "v1.2.0"])
    assert left.value.code == 2
    assert "no default remote" in capsys.readouterr().err


NAMES = [
    'a"b',
    "ünï cödé",
    "sc:x",
    "@id",
    "http://x/y",
    "a\nb",
    "split",
    "records/date",
    "[x]*?",
    "\udcff",
    "{}\\",
    "%2F",
]


@pytest.mark.parametrize("name", NAMES)
def test_hostile_names(name: str, tmp_path: Path) -> None:
    """Of files, folders and columns: each is described, under an identifier of its own."""
    files = [
        File(f"{name}/{name}.csv", "s3://b/1", MD5),
        File("other/a.csv", "s3://b/2", MD5),
        File(name, "s3://b/3", MD5),
    ]
    dataset = Dataset(name, name, files, "1.0.0", dt.datetime(2026, 1, 2, tzinfo=dt.UTC), name, None, name,
                      columns={name: name, "date": "date32[day]"})  # fmt: skip
    found = croissant.metadata(dataset)
    path = tmp_path / "croissant.json"
    path.write_text(json.dumps(found, allow_nan=False), encoding="utf-8")
    read = mlcroissant.Dataset(str(path)).metadata
    assert len(read.file_objects) == 3
    assert {field.source.extract.column for field in read.record_sets[1].fields if field.source.extract.column} == {
        one["name"] for one in found["recordSet"][1]["field"][1:]
    }
    ids = [one["@id"] for one in (*found["distribution"], *found["recordSet"][1]["field"])]
    assert len(set(ids)) == len(ids)
