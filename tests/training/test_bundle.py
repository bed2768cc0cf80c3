"""dataops.training.sagemaker.bundle: the entry point with what it imports, enough to train, and nothing else."""

from __future__ import annotations

import gzip
import io
import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
from entry_jobs import HYPER, rows
from workbench import ROOT

from dataops.archive import packed
from dataops.errors import DataOpsError
from dataops.training.sagemaker import bundle
from dataops.training.sagemaker.bundle import Bundle

TEMPLATE = [
    "pipeline/__init__.py",
    "pipeline/boosting.py",
    "pipeline/channels.py",
    "pipeline/train.py",
    "requirements.txt",
]
# runs a script as AWS's toolkit does, with the bundle's folder on the path, and without what is installed of this tree
ALONE = """
import runpy, sys
from pathlib import Path
code, script = Path(sys.argv[1]), Path(sys.argv[2])
sys.modules["dvclive"] = None  # SageMaker's images have none
sys.path[:] = [str(code), *(place for place in sys.path if not Path(place, "dataops").exists())]
runpy.run_path(str(code / script), run_name="__main__")
print(*(name for name in sys.modules if name.partition(".")[0] in ("dataops", "pipeline")))
"""


def made(tmp_path: Path, **files: str) -> Bundle:
    """The bundle of job/train.py, among these files of src/: `__` in a name is a slash, and each file is .py."""
    for name, text in files.items():
        path = tmp_path / "src" / f"{name.replace('__', '/').replace('INIT', '__init__')}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (tmp_path / "pins.txt").write_text("lightgbm==4.7.0\n")
    return bundle.collect(tmp_path / "src/job/train.py", tmp_path / "src", tmp_path / "pins.txt")


def names(tmp_path: Path, **files: str) -> list[str]:
    """The names in the bundle, without those that are always there."""
    found = list(made(tmp_path, **files).files)
    assert "job/train.py" in found
    assert "requirements.txt" in found
    return [name for name in found if name not in ("job/train.py", "requirements.txt")]


@pytest.mark.parametrize(
    "text",
    [
        "import job.more",
        "from job import more",
        "from job.more import x",
        "import job.more as m, json",
        "def late():\n    from job import more",
        "try:\n    import nowhere\nexcept ImportError:\n    from job.more import *",
        "if 0:\n    import job.more",
    ],
)
def test_however_it_is_imported(tmp_path: Path, text: str):
    """Wherever and however an import stands, its module is sent; the package's __init__.py with it, others not."""
    found = names(tmp_path, job__train=text, job__more="x = 1", job__INIT="", job__other="y = 2", elsewhere="")
    assert found == ["job/__init__.py", "job/more.py"]


@pytest.mark.parametrize(
    "text", ["from . import more", "from .more import x", "from .. import job\nfrom ..job import more"]
)
def test_relative_imports(tmp_path: Path, text: str):
    """Of a module that the entry point imports; the entry point itself is a script, and has none."""
    found = names(tmp_path, job__train="import job.a", job__a=text, job__more="x = 1", job__INIT="")
    assert found == ["job/__init__.py", "job/a.py", "job/more.py"]


def test_what_is_imported_imports(tmp_path: Path):
    """Modules of modules, in a circle too; a package is its __init__.py, and what that imports."""
    found = names(
        tmp_path,
        job__train="from job import a",
        job__a="import job.b",
        job__b="import job.a, tools.deep.c",
        job__INIT="",
        tools__INIT="from .d import x",
        tools__d="x = 1",
        tools__deep__INIT="",
        tools__deep__c="from ..e import y",
        tools__e="y = 1",
        tools__unused="",
    )
    assert found == [
        "job/__init__.py", "job/a.py", "job/b.py", "tools/__init__.py", "tools/d.py", "tools/deep/__init__.py",
        "tools/deep/c.py", "tools/e.py",
    ]  # fmt: skip


def test_a_package_without_init(tmp_path: Path):
    """Python imports from a plain folder too (PEP 420), and so it is sent."""
    assert names(tmp_path, job__train="from space import mod", space__mod="", space__other="") == ["space/mod.py"]


@pytest.mark.parametrize("broken", ["train", "more"])
def test_what_is_no_python(tmp_path: Path, broken: str):
    """The file and the line are named, before a job is paid for."""
    files = {"job__train": "import job.more", "job__more": ""} | {f"job__{broken}": "x = 1\ndef f(:"}
    with pytest.raises(DataOpsError, match=rf"{broken}\.py, line 2: invalid syntax"):
        made(tmp_path, **files)


def test_a_missing_file(tmp_path: Path):
    """The entry point or the pins."""
    made(tmp_path, job__train="")
    for path in (tmp_path / "src/job/train.py", tmp_path / "pins.txt"):
        content = path.read_text()
        path.unlink()
        with pytest.raises(DataOpsError, match=rf"{path} is missing"):
            bundle.collect(tmp_path / "src/job/train.py", tmp_path / "src", tmp_path / "pins.txt")
        path.write_text(content)


def test_the_digest(tmp_path: Path):
    """Every name and every byte is in it; modification times, modes and files that are not sent aren't."""
    files = {"job__train": "from job import more", "job__more": "x = 1"}
    first = made(tmp_path, **files)
    os.utime(tmp_path / "src/job/more.py", (0, 0))
    (tmp_path / "src/job/more.py").chmod(0o755)
    assert made(tmp_path, job__unused="").digest == first.digest
    assert first.key == f"{first.digest}/sourcedir.tar.gz"
    seen = {first.digest, made(tmp_path, job__more="x = 2").digest, made(tmp_path, job__train="import job.more").digest}
    (tmp_path / "pins.txt").write_text("")
    seen.add(bundle.collect(tmp_path / "src/job/train.py", tmp_path / "src", tmp_path / "pins.txt").digest)
    seen.add(Bundle({"a": b"b", "c": b""}, "a").digest)
    seen.add(Bundle({"a": b"", "c": b"b"}, "a").digest)
    assert len(seen) == 6


def test_the_archive_is_made_of_the_files_alone(tmp_path: Path):
    """The same files are the same bytes, whoever packs them when; nothing in it is a link, owned or dated."""
    content = packed(made(tmp_path, job__train="").files)
    assert content == packed(dict(reversed(made(tmp_path, job__train="").files.items())))
    assert gzip.decompress(content)
    with tarfile.open(fileobj=io.BytesIO(content)) as opened:
        assert [(one.name, one.mtime, one.uid, one.mode, one.isfile()) for one in opened] == [
            ("job/train.py", 0, 0, 0o644, True), ("requirements.txt", 0, 0, 0o644, True),
        ]  # fmt: skip


def test_the_templates_bundle_trains_alone(tmp_path: Path):
    """Unpacked elsewhere and started without src/ in reach, it makes a model: nothing that it needs was left behind."""
    found = bundle.collect(ROOT / "src/pipeline/train.py", ROOT / "src", ROOT / "requirements/image.txt")
    assert list(found.files) == TEMPLATE
    assert found.program == "pipeline/train.py"
    with tarfile.open(fileobj=io.BytesIO(packed(found.files))) as opened:
        opened.extractall(tmp_path / "code", filter="data")
    hyper = HYPER | {"rounds": 3, "early_stopping": 3}
    environment = {f"SM_HP_{name.upper()}": json.dumps(value) for name, value in hyper.items()}
    for number, part in enumerate(("train", "validation")):
        (tmp_path / part).mkdir()
        rows(200, number).to_parquet(tmp_path / part / "0.parquet")
        environment[f"SM_CHANNEL_{part.upper()}"] = str(tmp_path / part)
    for variable, folder in (("SM_MODEL_DIR", "model"), ("SM_OUTPUT_DATA_DIR", "output")):
        (tmp_path / folder).mkdir()
        environment[variable] = str(tmp_path / folder)
    command = [sys.executable, "-I", "-c", ALONE, str(tmp_path / "code"), found.program]
    done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "pipeline pipeline.boosting pipeline.channels"
    assert (tmp_path / "model/model.txt").read_text().startswith("tree\n")
    assert json.loads((tmp_path / "model/model.json").read_text())["rounds"] <= 3
