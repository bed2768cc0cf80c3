"""dataops.versions.compare and `dataops compare`: what differs, from git alone, and what when the data are there."""

from __future__ import annotations

import io
import json
import re
import shutil
from pathlib import Path
from typing import Any

import depot
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from depot import Depot
from workbench import PARAMS, ended, sales

from dataops.cli import main
from dataops.files import to_json
from dataops.tables.contract import Contract
from dataops.tables.profile import profile
from dataops.versions import card
from dataops.versions.compare import compare
from dataops.versions.rows import describe

CONTRACT = Contract.model_validate(PARAMS["contract"])
STAGES = """\
stages:
  split:
    cmd: split
    outs:
      - data/dataset
      - reports/profile.json: {cache: false}
  fit:
    cmd: fit
    outs: [models/model.bin]
artifacts:
  dataset: {path: data/dataset, type: dataset}
  model: {path: models/model.bin, type: model}
"""


def months(frame: pd.DataFrame, test: str) -> dict[str, pd.DataFrame]:
    """Month files of train and test."""
    names = frame["date"].dt.strftime("%Y-%m")
    return {f"{'test' if name >= test else 'train'}/{name}.parquet": rows for name, rows in frame.groupby(names)}


def put(home: Depot, frames: dict[str, pd.DataFrame], *, with_profile: bool = True) -> dict[str, bytes]:
    """What `dvc repro` would leave: objects, the lock, the profile."""
    content = {}
    for path, frame in frames.items():
        buffer = io.BytesIO()
        pq.write_table(pa.Table.from_pandas(frame, preserve_index=False), buffer)
        content[path] = buffer.getvalue()
    digest = home.hold(content)
    model = home.keep(b"model of " + digest.encode())
    lock: dict[str, Any] = {
        "split": {"cmd": "split", "outs": [
            {"path": "data/dataset", "hash": "md5", "md5": digest, "nfiles": len(content),
             "size": sum(map(len, content.values()))},
            {"path": "reports/profile.json", "hash": "md5", "md5": "0" * 32},
        ]},
        "fit": {"cmd": "fit", "outs": [{"path": "models/model.bin", "hash": "md5", "md5": model.digest, "size": 45}]},
    }  # fmt: skip
    (home.path / "dvc.yaml").write_text(STAGES)
    (home.path / "dvc.lock").write_text(yaml.safe_dump({"schema": "2.0", "stages": lock}))
    (home.path / "params.yaml").write_text(yaml.safe_dump({"contract": PARAMS["contract"]}))
    (home.path / "reports").mkdir(exist_ok=True)
    parts = {}
    for part in ("train", "test"):
        rows = pd.concat([frame for path, frame in frames.items() if path.startswith(part)])
        parts[part] = profile(rows, CONTRACT)
    report = home.path / "reports/profile.json"
    report.write_text(to_json({"parts": parts}))
    if not with_profile:
        report.unlink()
    return content


def tag(home: Depot, number: str, content: dict[str, bytes], tmp_path: Path, **facts: Any) -> None:
    """Commit and release, with a card as `release` writes it."""
    home.commit(number)
    local = {}
    for place, (path, value) in enumerate(content.items()):
        local[path] = tmp_path / f"object-{place}"
        local[path].write_bytes(value)
    found = describe(local, folder=True)
    built = card.build(artifact="dataset", version=number, rows=found.rows, bytes=found.bytes, files=found.files,
                       schema=found.schema, row_hash=found.row_hash, **facts)  # fmt: skip
    (tmp_path / "message").write_text(card.text(built))
    home.git("tag", "-a", f"dataset@{number}", "--cleanup=verbatim", "-F", str(tmp_path / "message"))


OLD = sales(days=91)  # January to March 2024
NEW = sales(days=121)
NEW = pd.concat([OLD, NEW[NEW["date"] > OLD["date"].max()]]).sort_values(["store_id", "product_id", "date"])


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Depot:
    """v1.0.0, v1.1.0 with a month more, then a commit that corrects three rows and adds a product."""
    (tmp_path / "remote").mkdir()
    found = depot.make(tmp_path / "home", str(tmp_path / "remote"))
    found.git("init", "-qb", "main")
    tag(found, "v1.0.0", put(found, months(OLD, "2024-03")), tmp_path, bump="first", reason="the first version")
    facts = {"reason": "30 days added, 2024-04-01 to 2024-04-30: 120 rows", "previous": {"version": "v1.0.0"}}
    tag(found, "v1.1.0", put(found, months(NEW, "2024-04")), tmp_path, bump="minor", **facts)
    corrected = NEW.reset_index(drop=True)
    corrected.loc[:2, "sales"] += 100
    more = corrected[corrected["product_id"] == "p1"].assign(product_id="p9")
    put(found, months(pd.concat([corrected, more]), "2024-04"))
    found.commit("more")
    monkeypatch.chdir(found.path)
    return found


def said(*words: str, status: int = 0) -> str:
    """What the command prints."""
    return ended(lambda: main(["compare", *words]), status).out


def test_two_versions(home: Depot) -> None:
    """Everything about growth, and nothing that isn't so."""
    facts = json.loads(said("v1.0.0", "v1.1.0", "--json"), parse_constant=pytest.fail)
    assert [facts[side]["rows"] for side in ("old", "new")] == [364, 484]
    assert [facts[side]["files"] for side in ("old", "new")] == [3, 4]
    assert facts["change"] == {"kind": "minor", "reason": "30 days added, 2024-04-01 to 2024-04-30: 120 rows",
                               "from": "card"}  # fmt: skip
    files = facts["files"]
    assert files["unchanged"] == 2
    assert [entry["path"] for entry in files["added"]] == ["test/2024-04.parquet"]
    assert files["added"][0]["bytes"] > 1000
    assert [(entry["from"], entry["path"]) for entry in files["moved"]] == [
        ("test/2024-03.parquet", "train/2024-03.parquet")
    ]
    assert files["removed"] == files["modified"] == []
    assert facts["schema"] == {"from": "card", "columns": [6, 6], "added": {}, "removed": {}, "retyped": {}}
    assert facts["keys"]["date"]["new"] == {"first": "2024-01-01T00:00:00", "last": "2024-04-30T00:00:00"}
    assert facts["keys"]["product_id"] == {"old": {"distinct": 2}, "new": {"distinct": 2}}
    price = facts["columns"]["price"]
    assert price["old"]["mean"] == pytest.approx(OLD["price"].mean())
    assert price["new"]["std"] == pytest.approx(NEW["price"].std())
    assert price["new"]["median"] == pytest.approx(NEW["price"].median(), rel=0.05)
    assert (price["new"]["min"], price["new"]["max"]) == (NEW["price"].min(), NEW["price"].max())
    change = 100 * (NEW["price"].mean() - OLD["price"].mean()) / OLD["price"].mean()
    assert price["change_percent"]["mean"] == pytest.approx(change)


def test_the_table(home: Depot) -> None:
    """What a person reads; the same both ways round but for the reason, which is of one way."""
    text = said("v1.0.0", "v1.1.0")
    for line in (
        r" +dataset@v1\.0\.0 +dataset@v1\.1\.0",
        r"rows +364 +484 +\+120 \(\+33\.0%\)",
        r"files +3 +4 +\+1 \(\+33\.3%\)",
        r"date +2024-01-01 to 2024-03-31 +2024-01-01 to 2024-04-30 +changed",
        r"minor: 30 days added, 2024-04-01 to 2024-04-30: 120 rows",
        r"added +test/2024-04\.parquet +[\d.]+ kB",
        r"moved +test/2024-03\.parquet to train/2024-03\.parquet +[\d.]+ kB",
        r"sales +0 +[\d.]+ -> [\d.]+ \([+-][\d.]+%\).*",
    ):
        assert re.search(f"^{line}$", text, re.MULTILINE), line
    back = said("v1.1.0", "v1.0.0")
    assert "minor" not in back
    assert "removed  test/2024-04.parquet" in back


def test_commits_and_categories(home: Depot) -> None:
    """A commit that is no version compares as well; what a column has that it hadn't is named."""
    facts = compare(home.context, "latest", "HEAD").facts
    assert facts["new"]["version"] is None
    assert facts["new"]["rows"] == 726
    assert facts["change"] is None
    assert facts["schema"]["from"] == "profile"
    assert facts["columns"]["product_id"]["appeared"] == ["p9"]
    assert len(facts["files"]["modified"]) == 4
    assert facts["files"]["modified"][0]["bytes"] != facts["files"]["modified"][0]["bytes_before"]
    assert compare(home.context, "HEAD", "latest").facts["columns"]["product_id"]["vanished"] == ["p9"]
    assert re.search(r"product_id +0 +2 -> 3 \(\+50\.0%\) +p9$", said("latest", "HEAD"), re.MULTILINE)
    assert "the same content" in said("HEAD", "HEAD")


def test_with_the_rows(home: Depot) -> None:
    """The data say what kind of change it is, where no card does."""
    facts = json.loads(said("v1.1.0", "HEAD", "--rows", "--json"))
    assert facts["change"]["kind"] == "minor"
    assert facts["change"]["reason"] == (
        "242 rows added between 2024-01-01 and 2024-04-30; also 3 rows corrected in sales"
    )
    assert facts["schema"]["from"] == "data"
    assert facts["new"]["row_hash"].startswith("rows1:")


def test_git_alone(home: Depot, tmp_path: Path) -> None:
    """Without cache and remote only the files are missing, and that is said."""
    shutil.rmtree(home.path / ".dvc/cache")
    shutil.rmtree(tmp_path / "remote")
    facts = compare(home.context, "v1.0.0", "v1.1.0").facts
    assert facts["files"]["known"] is False
    assert facts["columns"]["price"]["change_percent"]["mean"] is not None
    assert "which files differ isn't known: " in said("v1.0.0", "v1.1.0")
    assert "isn't known" in said("v1.0.0", "v1.1.0", "--markdown")
    assert ended(lambda: main(["compare", "v1.0.0", "v1.1.0", "--rows"]), 2).err.startswith("error: ")


def test_somebody_elses(home: Depot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the path of a repository, from anywhere; a bare one has no cache, so lists come from the remote."""
    home.git("clone", "-q", "--bare", ".", str(tmp_path / "bare.git"))
    monkeypatch.chdir(tmp_path)
    facts = json.loads(said("v1.0.0", "v1.1.0", "--json", "--repo", str(tmp_path / "bare.git")))
    assert [entry["path"] for entry in facts["files"]["added"]] == ["test/2024-04.parquet"]
    assert facts["files"]["added"][0]["bytes"] > 1000
    rows = json.loads(said("v1.0.0", "v1.1.0", "--rows", "--json", "--repo", str(tmp_path / "bare.git")))
    assert rows["change"]["reason"] == "30 days added, 2024-04-01 to 2024-04-30: 120 rows"


def test_without_profiles(home: Depot) -> None:
    """Statistics come from the data then, on request."""
    put(home, months(NEW[:-1], "2024-04"), with_profile=False)
    home.commit("no profile")
    assert "no statistics: not both commits have a profile; --rows reads the data" in said("latest", "HEAD")
    facts = json.loads(said("latest", "HEAD", "--rows", "--json"))
    assert facts["columns"]["price"]["new"]["mean"] == pytest.approx(NEW[:-1]["price"].mean())
    assert facts["columns"]["date"]["new"]["last"] == "2024-04-30T00:00:00"
    assert facts["change"]["reason"] == "1 row removed in 2024-04-30"


def test_markdown(home: Depot) -> None:
    """A heading, the summary, and folded lists; a name that is Markdown or HTML stays a name."""
    put(home, months(NEW[:-5], "2024-04") | {"train/<b>|`x`_y_.parquet": NEW[:5]})
    home.commit("odd")
    text = said("v1.0.0", "HEAD", "--markdown")
    assert text.startswith("### dataset@v1.0.0 → dataset at ")
    assert text.count("<details>") == text.count("</details>") == 3
    assert "| product_id | 2 values | 2 values |  |" in text
    assert "| added | train/&#60;b>&#124;&#96;x&#96;&#95;y&#95;.parquet |" in text
    assert "<b>" not in text
    for table in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE):
        assert len({line.count("|") for line in table.splitlines()}) == 1


def test_what_a_user_gets_wrong(home: Depot) -> None:
    """Two artifacts, an unknown name: one line each."""
    home.git("tag", "-a", "model@v1.0.0", "-m", "model")
    done = ended(lambda: main(["compare", "dataset@v1.0.0", "model@v1.0.0"]), 2)
    assert done.err.startswith("error: dataset@v1.0.0 is of dataset, model@v1.0.0 of model\n hint: ")
    assert ended(lambda: main(["compare", "v1.0.0", "v7.0.0"]), 2).err.count("\n") <= 2
    facts = compare(home.context, "model@v1.0.0", "HEAD~1").facts
    assert facts["artifact"] == "model"
    assert facts["files"]["modified"][0]["path"] == "model.bin"


def test_hostile_profiles(home: Depot) -> None:
    """A profile of another shape is none."""
    numbers = {"kind": "numeric", "missing": 0, "count": 3, "mean": 1, "m2": 1, "min": 1, "max": 1, "digest": "AAAA"}
    categories = {"kind": "categorical", "missing": 0, "distinct": 1, "other": 0, "counts": "many"}
    shapes = [{"parts": {"a": {"rows": 1, "columns": {"x": column}}}} for column in (numbers, categories, {}, [])]
    for text in ("[]", "{}", "[" * 99999, "\0", *map(json.dumps, shapes)):
        (home.path / "reports/profile.json").write_text(text)
        home.commit("hostile")
        assert compare(home.context, "v1.0.0", "HEAD").facts["columns"] is None
