"""Was this customer's data in any of our models? The answer against brute force, and what it costs."""

from __future__ import annotations

import io
import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path

import depot as depots
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from depot import Depot, folder, md5

from dataops.cli.lineage import record as command
from dataops.errors import DataOpsError, Refused
from dataops.lineage.recordlevel.holdings import Answer, Held
from dataops.lineage.recordlevel.record import Options, record
from dataops.store.cache import Cache
from dataops.store.objects import Object

MONTHS = [f"{year}-{month:02}" for year in (2022, 2023, 2024) for month in range(1, 13)]
PARAMS = """\
contract:
  time: date
  target: sales
  keys: [store, customer]
  columns:
    date: {type: date}
    store: {type: integer}
    customer: {type: string}
    sales: {type: integer}
"""
STAGES = """\
stages:
  split:
    cmd: split
    params: [contract]
    outs: [data/dataset]
  train:
    cmd: train
    deps: [data/dataset/train, data/dataset/validation]
    outs: [models/model.bin]
artifacts:
  dataset: {path: data/dataset, type: dataset}
  model: {path: models/model.bin, type: model}
"""
Tables = Mapping[str, bytes]


def frame(month: str) -> pd.DataFrame:
    """A month of rows: customer 007 buys in store 3, every second month; 7 is somebody else."""
    days = pd.date_range(f"{month}-01", periods=28).date
    number = MONTHS.index(month)
    rows = [
        (day, store, customer, number * 1000 + store)
        for day in days
        for store in (1, 3)
        for customer in ("7", "8", *(["007"] if number % 2 and store == 3 else []))
    ]
    return pd.DataFrame(rows, columns=["date", "store", "customer", "sales"])


def parquet(rows: pd.DataFrame) -> bytes:
    """As one partition."""
    rows = rows.assign(noise=pd.util.hash_pandas_object(rows).astype("float64"))  # what makes a file large
    out = io.BytesIO()
    pq.write_table(pa.Table.from_pandas(rows, preserve_index=False), out)
    return out.getvalue()


def split(months: list[str], rows: Mapping[str, bytes]) -> dict[str, bytes]:
    """Their partitions: the last is the test part, the one before validation."""
    parts = {months[-1]: "test", months[-2]: "validation"}
    return {f"{parts.get(month, 'train')}/{month}.parquet": rows[month] for month in months}


def put(depot: Depot, tables: Tables, *, model: bytes = b"", params: str = PARAMS) -> str:
    """Have the work tree record these tables and a model of them; returns the commit."""
    digest = depot.hold(tables)
    parts = {
        part: folder(
            {name.partition("/")[2]: content for name, content in tables.items() if name.startswith(f"{part}/")}
        )
        for part in ("train", "validation")
    }
    trained = depot.keep(model or b"model of " + digest.encode())
    (depot.path / "params.yaml").write_text(params)
    (depot.path / "dvc.yaml").write_text(STAGES)
    size = sum(map(len, tables.values()))
    (depot.path / "dvc.lock").write_text(
        "schema: '2.0'\nstages:\n  split:\n    cmd: split\n    params:\n      params.yaml:\n"
        "        contract:\n          partition: month\n          time: date\n    outs:\n"
        f"    - path: data/dataset\n      hash: md5\n      md5: {digest}\n      size: {size}\n"
        "  train:\n    cmd: train\n    deps:\n"
        + "".join(
            f"    - path: data/dataset/{part}\n      hash: md5\n      md5: {its[0]}\n" for part, its in parts.items()
        )
        + f"    outs:\n    - path: models/model.bin\n      hash: md5\n      md5: {trained.digest}\n"
    )
    return depot.commit()


def tag(depot: Depot, name: str, message: str = "made by gto") -> None:
    """As `gto` makes one."""
    depot.git("tag", "-am", message, name)


@pytest.fixture
def depot(tmp_path: Path) -> Depot:
    """An empty repository with a folder for its remote."""
    return depots.make(tmp_path / "depot", str(tmp_path / "remote"))


@pytest.fixture(scope="module")
def partitions() -> dict[str, bytes]:
    """A file a month, made once."""
    return {month: parquet(frame(month)) for month in MONTHS}


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory, partitions: dict[str, bytes]) -> Depot:
    """24 versions, a month more each; a model with every sixth. Tests leave it as they found it."""
    depot = depots.make(tmp_path_factory.mktemp("history") / "depot", "../../remote")
    for number in range(24):
        put(depot, split(MONTHS[: 13 + number], partitions))
        tag(depot, f"dataset@v1.{number}.0")
        if number % 6 == 5:
            tag(depot, f"model@v1.{number // 6}.0")
    return depot


@pytest.fixture
def monthly(history: Depot, tmp_path: Path) -> Depot:
    """The same, to be changed."""
    shutil.copytree(history.path.parent, tmp_path, dirs_exist_ok=True)
    return Depot(tmp_path / "depot")


def ask(depot: Depot, *words: str, cache: bool = True, **options: object) -> Answer:
    """What `lineage record` finds."""
    context = depot.context
    if not cache:
        context.__dict__["cache"] = Cache(depot.path / "empty")
    return record(context, words, Options(**options))


def by_brute_force(depot: Depot, query: str) -> dict[tuple[str, str], int]:
    """pandas over every file of every version, found by `git show TAG:dvc.lock`."""
    found, counted = {}, dict[str, int]()
    for name in depot.git("tag", "--list", "dataset@*").split():
        for entry in json.loads(depot.cache.path(Object(listed(depot, name))).read_bytes()):
            digest = entry["md5"]
            if digest not in counted:
                counted[digest] = len(pd.read_parquet(depot.cache.path(Object(digest))).query(query))
            if counted[digest]:
                found[(name, entry["relpath"])] = counted[digest]
    return found


def listed(depot: Depot, name: str) -> str:
    """The digest of a version's list of files, as dvc.lock has it."""
    entry = depot.git("show", f"{name}:dvc.lock").partition("- path: data/dataset\n")[2]
    return next(line.split()[-1] for line in entry.splitlines() if line.endswith(".dir"))


def places(answer: Answer) -> dict[tuple[str, str], int]:
    """The same, as it was answered."""
    return {(held.name, place.file): place.rows for held in answer.held for place in held.places}


def version(answer: Answer, name: str) -> Held:
    """What one version holds."""
    return next(held for held in answer.held if held.name == name)


@pytest.mark.parametrize(
    ("words", "options", "query"),
    [
        (["customer=007"], {}, "customer == '007'"),
        (["customer=7", "store=3"], {}, "customer == '7' and store == 3"),
        (["customer=007", "store=1"], {}, "customer == '007' and store == 1"),
        (["customer=7"], {"first": "2023-03", "last": "2023-05-02"},
         "customer == '7' and '2023-03' <= date.astype('str') <= '2023-05-02'"),
        (["date=2022-02-03", "store=3"], {}, "date.astype('str') == '2022-02-03' and store == 3"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("cache", [True, False])
def test_24_versions_against_brute_force(
    history: Depot, words: list[str], options: dict[str, str], query: str, cache: bool
) -> None:
    """Every version, file and count; each distinct file once; a small part of the bytes; nothing is stored."""
    answer = ask(history, *words, cache=cache, **options)
    assert places(answer) == by_brute_force(history, query)
    effort = answer.effort
    assert (effort.files, effort.total) == (588, sum(held.bytes or 0 for held in answer.held))
    assert effort.distinct == 36  # a month that moves from test to validation to train is the same object
    assert effort.local + effort.remote < effort.total / 5
    assert bool(effort.local) == cache
    assert bool(effort.remote) != cache
    assert not (history.path / "empty").exists()


def test_the_models(history: Depot) -> None:
    """Tags of plain gto: train and validation count, test is named apart."""
    answer = ask(history, "customer=007")
    assert [(one.model.name, [held.name for held in one.on]) for one in answer.reached] == [
        (f"model@v1.{number}.0", [f"dataset@v1.{number * 6 + 5}.0"]) for number in range(4)
    ]
    assert answer.reached[0].parts == {"train": 28 * 8, "test": 28}
    window = ask(history, "customer=007", first="2023-06")
    first = window.reached[0]
    assert (first.model.name, first.trained, first.parts) == ("model@v1.0.0", False, {"test": 28})


def test_data_that_nobody_released(depot: Depot, partitions: dict[str, bytes]) -> None:
    """A model is asked by its own commit where its data have no name; what nothing is recorded of is said."""
    put(depot, split(MONTHS[:4], partitions))
    tag(depot, "dataset@v1.0.0")
    put(depot, split(MONTHS[1:6], partitions))
    tag(depot, "model@v1.0.0")
    answer = ask(depot, "customer=007")
    assert [held.name for held in answer.held] == ["dataset@v1.0.0", "dataset of model@v1.0.0"]
    assert answer.reached[0].parts == {"train": 56, "test": 28}
    assert [one.name for one in answer.reached[0].on] == ["dataset of model@v1.0.0"]
    assert ask(depot, "customer=007", versions=["v1"]).reached == ()
    (depot.path / "dvc.yaml").write_text("artifacts:\n  model: {path: models/model.bin, type: model}\n")
    (depot.path / "dvc.lock").unlink()
    depot.commit("somebody's")
    tag(depot, "model@v2.0.0")
    answer = ask(depot, "customer=007")
    assert (answer.unknown, answer.whole) == (("model@v2.0.0",), True)
    assert "of unknown data: model@v2.0.0" in command.text(answer)


def test_models_of_other_data(depot: Depot, partitions: dict[str, bytes]) -> None:
    """A model whose stage reads something else, or whose card names another artifact, has nothing to do with it."""
    put(depot, split(MONTHS[:4], partitions))
    lock, pipeline = depot.path / "dvc.lock", depot.path / "dvc.yaml"
    other = depot.hold({"a.parquet": partitions[MONTHS[5]]})
    text = lock.read_text()
    trained = text.partition("  train:\n")[2].partition("    deps:\n")[2].partition("    outs:\n")[0]
    lock.write_text(text.replace(trained, f"    - path: data/other\n      hash: md5\n      md5: {other}\n"))
    pipeline.write_text(pipeline.read_text().replace("[data/dataset/train, data/dataset/validation]", "[data/other]"))
    depot.commit()
    tag(depot, "model@v1.0.0")
    tag(depot, "dataset@v1.0.0")
    card = {"format": 1, "type": "model", "data": [{"version": "churn@v1.0.0", "hash": other}]}
    depot.git("tag", "-a", "model@v2.0.0", "-m", "model", "-m", json.dumps(card, indent=2))
    answer = ask(depot, "customer=007")
    assert answer.held[0].rows
    assert (answer.reached, answer.unknown, len(answer.held)) == ((), (), 1)


def test_a_card_names_its_data(depot: Depot, partitions: dict[str, bytes]) -> None:
    """By version, whatever dvc.lock says at the model's commit."""
    put(depot, split(MONTHS[:4], partitions))
    tag(depot, "dataset@v1.0.0")
    put(depot, split(MONTHS[4:8], partitions))
    tag(depot, "dataset@v1.1.0")
    card = {"format": 1, "artifact": "model", "type": "model", "data": [{"version": "dataset@v1.0.0"}]}
    depot.git("tag", "-a", "model@v1.0.0", "-m", "model", "-m", json.dumps(card, indent=2))
    depot.git("tag", "-am", "prod", "model#prod#1")
    odd = {"format": 1, "artifact": "model", "type": "model", "data": 7}
    depot.git("tag", "-a", "model@v2.0.0", "-m", "model", "-m", json.dumps(odd, indent=2))
    answer = ask(depot, "customer=007")
    assert [(one.model.name, one.model.stages, [h.name for h in one.on]) for one in answer.reached] == [
        ("model@v1.0.0", (), ["dataset@v1.0.0"]),
        ("model@v2.0.0", ("prod",), ["dataset@v1.1.0"]),  # of two at one commit the greater holds the stage
    ]


def exclude(depot: Depot, text: str) -> None:
    """Have the work tree record a list of exclusions."""
    obj = depot.keep(text.encode())
    (depot.path / "data").mkdir(exist_ok=True)
    (depot.path / ".gitignore").write_text("/data/*\n!/data/*.dvc\n/models\n/.dataops\n")
    entry = f"outs:\n- md5: {obj.digest}\n  size: {len(text)}\n  hash: md5\n  path: exclusions.csv\n"
    (depot.path / "data/exclusions.csv.dvc").write_text(entry)


def test_gone_after_an_exclusion(depot: Depot, partitions: dict[str, bytes]) -> None:
    """From the version on after which no row is left, with the reason that the list has; never before it is certain."""
    months = MONTHS[:6]
    without = {month: parquet(rows[rows["customer"] != "007"]) for month in months for rows in [frame(month)]}
    put(depot, split(months, partitions))
    tag(depot, "dataset@v1.0.0")
    tag(depot, "model@v1.0.0")
    exclude(depot, "store,customer,date,reason,added\n,8,,else,2024-01-01\n,007,,opt-out,2024-07-01\n")
    put(depot, split(months, without))
    tag(depot, "dataset@v2.0.0")
    tag(depot, "model@v2.0.0")
    answer = ask(depot, "customer=007", "store=3")
    assert answer.gone is not None
    assert vars(answer.gone) == {
        "version": "dataset@v2.0.0",
        "last": "dataset@v1.0.0",
        "reason": "opt-out",
        "added": "2024-07-01",
    }
    assert [one.model.name for one in answer.reached] == ["model@v1.0.0"]
    assert ask(depot, "customer=7").gone is None
    assert ask(depot, "customer=nobody").gone is None
    lost = Object(md5(without[months[0]]))
    depot.cache.path(lost).unlink()
    depot.store.delete([lost])
    answer = ask(depot, "customer=007")
    assert answer.gone is None
    assert version(answer, "dataset@v2.0.0").problems == (
        f"train/2022-01.parquet: {depot.store.url} has no object {lost.digest}",
    )


def test_what_cannot_be_looked_at(monthly: Depot, partitions: dict[str, bytes]) -> None:
    """A missing object, a list that is missing, damaged or hostile: each is named, the others are answered."""
    lost, damaged = (Object(listed(monthly, f"dataset@v1.{number}.0")) for number in (3, 4))
    month = Object(md5(partitions["2022-02"]))
    for obj in (lost, damaged, month):
        monthly.cache.path(obj).unlink()
        monthly.store.delete([obj])
    monthly.keep(b"[]", damaged.digest)
    text = b'[{"md5": "' + b"0" * 32 + b'", "relpath": "../../etc/passwd"}]'
    name = monthly.keep(text, md5(text) + ".dir").digest
    lock = monthly.path / "dvc.lock"
    lock.write_text(lock.read_text().replace(listed(monthly, "dataset@v1.23.0"), name))
    monthly.commit("hostile")
    tag(monthly, "dataset@v9.0.0")
    answer = ask(monthly, "customer=007")
    assert not answer.whole
    assert "has no list of the files" in version(answer, "dataset@v1.3.0").problems[0]
    assert "is damaged" in version(answer, "dataset@v1.4.0").problems[0]
    assert "leaves the folder" in version(answer, "dataset@v9.0.0").problems[0]
    assert version(answer, "dataset@v1.5.0").problems == (
        f"train/2022-02.parquet: {monthly.store.url} has no object {month.digest}",
    )
    assert version(answer, "dataset@v1.5.0").rows == 28 * 8
    assert ask(monthly, "customer=007", first="2023-01", versions=["v1.6.0"]).whole  # its name rules it out


def test_offline(monthly: Depot, tmp_path: Path) -> None:
    """The cache answers what it can; a remote that is down is asked once, not for each object."""
    assert ask(monthly, "customer=007", offline=True).effort.remote == 0
    answer = ask(monthly, "customer=007", offline=True, cache=False)
    assert not answer.whole
    assert "models: none, as far as could be looked at" in command.text(answer)
    assert all("--offline asks no remote" in held.problems[0] for held in answer.held)
    (tmp_path / "remote").rename(tmp_path / "elsewhere")
    assert ask(monthly, "customer=007").whole
    files = [path for path in (monthly.path / ".dvc/cache").rglob("*") if path.is_file() and path.suffix != ".dir"]
    for path in files:
        path.unlink()
    answer = ask(monthly, "customer=007")
    assert {problem.partition(": ")[2] for held in answer.held for problem in held.problems} == {
        f"not in the cache, and the remote {tmp_path / 'remote'} is not there"
    }


def test_columns_and_types_change(depot: Depot) -> None:
    """A column that an old version hasn't is no failure; one that none has is a wrong call; so is a value."""
    depot.release("v1.0.0", {"train/a.parquet": parquet(pd.DataFrame({"client": ["007"]}))})
    depot.release("v2.0.0", {"train/a.parquet": parquet(pd.DataFrame({"customer": [7, 8]}))})
    depot.release("v3.0.0", {"train/a.parquet": parquet(pd.DataFrame({"customer": ["007", "x", None]}))})
    answer = ask(depot, "customer=007")
    assert version(answer, "dataset@v1.0.0").absent == ("customer",)
    assert [held.rows for held in answer.held] == [0, 1, 1]
    assert answer.whole
    answer = ask(depot, "customer=x")
    assert "'x' is no int64" in version(answer, "dataset@v2.0.0").unfit
    assert version(answer, "dataset@v3.0.0").rows == 1
    with pytest.raises(DataOpsError, match="there is no column custmer") as caught:
        ask(depot, "custmer=7")
    assert caught.value.hint == "did you mean customer?"
    with pytest.raises(DataOpsError, match="'x' is no int64"):
        ask(depot, "customer=x", versions=["v2"])
    with pytest.raises(DataOpsError, match="no contract names one"):
        ask(depot, "customer=x", first="2024-01")


def test_files_of_every_kind(depot: Depot) -> None:
    """Tables of several kinds, none at all, without rows, damaged in the cache, and files that git has."""
    rows = pd.DataFrame({"customer": ["007", "7"], "store": [3, 3]})
    files = {
        "train/a.parquet": parquet(rows),
        "train/none.parquet": parquet(rows[:0]),
        "train/b.csv": b"customer,store\n007,3\n007,4\n",
        "train/c.jsonl": b'{"customer": "007", "store": 3}\n',
        "train/stores.csv": b"store,town\n3,Zug\n",
        "train/_meta.json": b'{"rows": 3}',
        "meta.json": b'{"customer": "007"}',
        "test/eu/d.csv": b"customer,store\n007,3\n",
        "README.md": b"# customer=007",
        ".hidden.csv": b"customer\n007\n",
    }
    (depot.path / "params.yaml").write_text(PARAMS)
    depot.release("v1.0.0", files)
    answer = ask(depot, "customer=007", "store=3")
    assert {(p.part, p.partition, p.rows) for p in answer.held[0].places} == {
        ("train", "a", 1), ("train", "b", 1), ("train", "c", 1), ("test", "eu/d", 1)
    }  # fmt: skip
    assert answer.held[0].notes == ("3 files are no tables", "1 of 7 tables have no column customer")
    path = depot.cache.path(Object(md5(files["train/b.csv"])))
    path.chmod(0o644)
    path.write_bytes(b"customer,store\nnobody,3\n")
    answer = ask(depot, "customer=007", "store=3")
    assert answer.held[0].rows == 4
    assert answer.effort.remote == len(files["train/b.csv"])  # a damaged copy is passed over
    depot.store.put(Object(md5(files["train/b.csv"])), path)
    answer = ask(depot, "customer=007", "store=3")
    assert "other bytes than its name says" in answer.held[0].problems[0]
    assert answer.held[0].rows == 3


def test_files_of_git(depot: Depot) -> None:
    """An artifact that git keeps is asked, too; equal content once."""
    (depot.path / "table").mkdir()
    for name in (b"a", b"b\xff"):
        Path(os.fsdecode(bytes(depot.path) + b"/table/" + name + b".csv")).write_text("customer\n007\n")
    (depot.path / "dvc.yaml").write_text("artifacts:\n  dataset: {path: table, type: dataset}\n")
    depot.commit()
    tag(depot, "dataset@v1.0.0")
    answer = ask(depot, "customer=007")
    assert (answer.held[0].rows, answer.effort.files, answer.effort.distinct) == (2, 2, 1)
    assert answer.effort.total == 2 * len("customer\n007\n")
    assert [place.partition for place in answer.held[0].places] == ["a", "b\ufffd"]


def test_a_moved_tag_and_names_that_mean_nothing(monthly: Depot) -> None:
    """Names are resolved as everywhere; nothing to ask is a wrong call."""
    assert [held.name for held in ask(monthly, "customer=007", versions=["latest", "v1.3.0", "HEAD~1"]).held] == [
        "dataset@v1.3.0",
        "dataset@v1.22.0",
        "dataset@v1.23.0",
    ]
    with pytest.raises(DataOpsError):
        ask(monthly, "customer=007", versions=["v7"])
    with pytest.raises(DataOpsError, match="there is no version of features yet"):
        ask(monthly, "customer=007", artifact="features")
    with pytest.raises(DataOpsError, match="there is no remote"):
        ask(monthly, "customer=007", remote="nowhere")
    card = {"format": 1, "artifact": "dataset", "version": "v8.0.0", "hash": "0" * 32 + ".dir"}
    monthly.git("tag", "-a", "dataset@v8.0.0", "-m", "moved", "-m", json.dumps(card, indent=2))
    assert "is not what it was" in version(ask(monthly, "customer=007"), "dataset@v8.0.0").problems[0]
    assert issubclass(Refused, DataOpsError)


def test_what_is_printed(history: Depot) -> None:
    """Runs of versions without rows are one line; whatever came from tags and files does nothing to a terminal."""
    said = command.text(ask(history, "customer=007", first="2023-06"))
    assert "dataset@v1.0.0 … dataset@v1.4.0 (5)" in said
    assert "none: it was only tested on them (28)" in said
    nowhere = command.text(ask(history, "customer=\x1b[2Jnobody"))
    assert "\x1b" not in nowhere
    assert "nowhere" in nowhere
    assert "models: none" in nowhere
    assert "36 distinct, 36 by statistics" in nowhere


def test_an_artifact_upstream(depot: Depot, partitions: dict[str, bytes]) -> None:
    """Asked of what the dataset was made of, the models of the dataset count, whatever their cards name."""
    put(depot, split(MONTHS[:4], partitions))
    raw = depot.hold({f"{month}.parquet": partitions[month] for month in MONTHS[:4]})
    entry = f"    - path: data/raw\n      hash: md5\n      md5: {raw}\n"
    lock, pipeline = depot.path / "dvc.lock", depot.path / "dvc.yaml"
    collected = f"stages:\n  collect:\n    cmd: collect\n    outs:\n{entry}"
    text = (
        lock.read_text()
        .replace("stages:\n", collected)
        .replace("    cmd: split\n", f"    cmd: split\n    deps:\n{entry}")
    )
    lock.write_text(text)
    declared = pipeline.read_text().replace("stages:\n", "stages:\n  collect: {cmd: collect, outs: [data/raw]}\n")
    declared = declared.replace("    cmd: split\n", "    cmd: split\n    deps: [data/raw]\n")
    pipeline.write_text(declared + "  raw: {path: data/raw, type: dataset}\n")
    depot.commit()
    tag(depot, "dataset@v1.0.0")
    card = {
        "format": 1,
        "type": "model",
        "data": [{"version": "dataset@v1.0.0", "hash": listed(depot, "dataset@v1.0.0")}],
    }
    depot.git("tag", "-a", "model@v1.0.0", "-m", "model", "-m", json.dumps(card, indent=2))
    answer = ask(depot, "customer=007", artifact="raw")
    assert [(one.model.name, [h.name for h in one.on]) for one in answer.reached] == [
        ("model@v1.0.0", ["raw of model@v1.0.0"])
    ]
    tag(depot, "raw@v1.0.0")
    answer = ask(depot, "customer=007", artifact="raw")
    assert [[held.name for held in one.on] for one in answer.reached] == [["raw@v1.0.0"]]
    assert answer.reached[0].parts == {"": 56}
