"""A small DVC repository whose stages write numbers: a table, metrics, a model archive; its remote is a folder."""

from __future__ import annotations

from pathlib import Path

import toy as toys
from toy import Toy

PIPELINE = """\
stages:
  scale:
    cmd: python scale.py
    deps: [scale.py, data/source]
    params: [factor]
    outs:
      - data/scaled
      - reports/scale.json: {cache: false}
  fit:
    cmd: python fit.py
    deps: [data/scaled, fit.py]
    outs: [models/model.tar.gz]
artifacts:
  dataset: {path: data/scaled, type: dataset, meta: {gates: []}}
  model: {path: models/model.tar.gz, type: model, meta: {gates: []}}
"""
SCALE = """\
import csv, json, os, pathlib
import pyarrow as pa
import pyarrow.parquet as pq
factor = float(pathlib.Path("params.yaml").read_text().split(":")[1])
out = pathlib.Path("data/scaled")
out.mkdir(parents=True, exist_ok=True)
total = 0.0
for path in sorted(pathlib.Path("data/source").glob("*.csv")):
    rows = list(csv.DictReader(path.open()))
    level = [int(row["sales"]) * factor for row in rows]
    columns = {name: [row[name] for row in rows] for name in ("date", "store", "sales")} | {"level": level}
    pq.write_table(pa.table(columns), out / f"{path.stem}.parquet")
    lines = [",".join(map(str, row)) + chr(10) for row in zip(*columns.values())]
    (out / f"{path.stem}.csv").write_text(",".join(columns) + chr(10) + "".join(lines))
    total += sum(level)
if "RAN" in os.environ:
    open(os.environ["RAN"], "a").write("scale ")
pathlib.Path("reports").mkdir(exist_ok=True)
pathlib.Path("reports/scale.json").write_text(json.dumps({"total": total, "rows": len(rows)}))
"""
FIT = """\
import io, gzip, os, pathlib, tarfile
import pyarrow.parquet as pq
tables = [pq.read_table(path) for path in sorted(pathlib.Path("data/scaled").glob("*.parquet"))]
levels = [level for table in tables for level in table["level"].to_pylist()]
mean = sum(levels) / len(levels)
if "RAN" in os.environ:
    open(os.environ["RAN"], "a").write("fit ")
text = f"tree\\nversion=v4\\ntree_sizes=10 20\\nleaf_value={mean!r} {mean / 3!r}\\nend of trees\\n".encode()
pathlib.Path("models").mkdir(exist_ok=True)
with gzip.GzipFile("models/model.tar.gz", "wb", mtime=0) as packed, tarfile.open(fileobj=packed, mode="w") as archive:
    member = tarfile.TarInfo("model.txt")
    member.size = len(text)
    archive.addfile(member, io.BytesIO(text))
"""


def make(path: Path) -> Toy:
    """After its first `dvc repro`, committed, pushed, tagged dataset@v1.0.0 and model@v1.0.0."""
    toy = Toy(path)
    (path / "data/source").mkdir(parents=True)
    for name, text in {"dvc.yaml": PIPELINE, "scale.py": SCALE, "fit.py": FIT, "params.yaml": "factor: 1.5\n"}.items():
        (path / name).write_text(text)
    toy.run("git", "init", "-qb", "main")
    toy.run("git", "init", "-q", "--bare", "-b", "main", str(toy.origin))
    toy.run("git", "remote", "add", "origin", str(toy.origin))
    toy.dvc("init", "-q")
    toys.connect(toy, str(path.with_name(path.name + ".remote")), {})
    toy.put(m2024_01=toys.month("2024-01"), m2024_02=toys.month("2024-02"))
    toy.commit("first")
    for name in ("dataset", "model"):
        toy.run("git", "tag", "-a", f"{name}@v1.0.0", "-m", "first")
    toy.run("git", "push", "-q", "--tags", "origin")
    toy.dvc("push", "-q")
    return toy


def edit(toy: Toy, name: str, old: str, new: str) -> None:
    """Change a file and commit it as if it had run."""
    path = toy.path / name
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    toy.commit(f"edit {name}")
