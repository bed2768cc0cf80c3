"""Dockerfile.train's image, built by scripts/ci_image.sh: without a network it trains the model of this machine."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from host.container import lay_out
from packaging.utils import canonicalize_name
from workbench import ROOT, Bench, sales

from dataops.archive import member, packed
from dataops.training import launch
from dataops.training.sagemaker import bundle, request

pytestmark = pytest.mark.image
IMAGES = os.environ.get("DATAOPS_TEST_IMAGES", "").split()


@pytest.fixture
def trained(bench: Bench) -> Bench:
    """A dataset, and the model that is trained on it here."""
    shutil.copytree(ROOT / "src/pipeline", bench.root / "src/pipeline", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "requirements", bench.root / "requirements")
    bench.put("validated", sales())
    bench.through("featurize", "split")
    launch.run()
    return bench


def laid_out(bench: Bench, base: Path) -> None:
    """/opt/ml as SageMaker fills it for a job of ours: DVC's objects as channels, the code as one more."""
    sent = bundle.collect(Path("src/pipeline/train.py"))
    names = ("train", "validation", request.CODE)
    source = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://bucket/"}}
    lay_out(base, {
        "InputDataConfig": [{"ChannelName": name, "DataSource": source} for name in names],
        "ResourceConfig": {"InstanceType": "ml.m5.large"}})  # fmt: skip
    values = {name: json.dumps(value) for name, value in launch.hyperparameters().items()}
    values |= {
        "sagemaker_program": json.dumps(sent.program),
        "sagemaker_submit_directory": json.dumps(request.SUBMITTED)}  # fmt: skip
    (base / "input/config/hyperparameters.json").write_text(json.dumps(values))
    for part in ("train", "validation"):
        for number, path in enumerate(sorted((bench.root / "data/dataset" / part).iterdir(), reverse=True)):
            place = base / f"input/data/{part}/files/md5/{number:02}/cdef"
            place.parent.mkdir(parents=True)
            shutil.copyfile(path, place)
    code = base / "input/data" / request.CODE
    code.mkdir()
    (code / bundle.NAME).write_bytes(packed(sent.files))


@pytest.mark.parametrize("image", IMAGES)
def test_the_image_trains_the_same_model(trained: Bench, tmp_path: Path, image: str):
    """Without a network, as root with `train` as its argument, as SageMaker runs it; only the packages may differ."""
    base = tmp_path / "ml"
    laid_out(trained, base)
    limits = ["--network", "none", "--cpus", "2", "--memory", "4g", "--rm"]
    command = ["docker", "run", *limits, "-v", f"{base}:/opt/ml", image, "train"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "validation loss: " in done.stdout
    for name in ("model.txt", "model.json"):
        assert (base / "model" / name).read_bytes() == member(Path("models/model.tar.gz"), name)
    for path in (p for p in Path("reports/training").rglob("*") if p.is_file()):
        assert (base / "output/data/dvclive" / path.relative_to("reports/training")).read_bytes() == path.read_bytes()
    packages = json.loads((base / "output/data/packages.json").read_text())
    if packages["python"] == "3.10":
        assert packages["pandas"].startswith("2.3")
    else:
        assert packages == trained.report("training")["packages"]


def said(image: str, *command: str) -> list[str]:
    """The words that a command prints in an image."""
    run = ["docker", "run", "--rm", "--network", "none", "--entrypoint", command[0], image, *command[1:]]
    return subprocess.run(run, capture_output=True, text=True, check=True).stdout.split()


@pytest.mark.parametrize("image", IMAGES)
def test_the_image_has_no_compiler(image: str):
    """What is needed to build it stayed behind."""
    ask = "command -v gcc cc g++ make; test -e /usr/include/stdio.h && echo headers; id -u"
    assert said(image, "sh", "-c", ask) == ["0"]  # root, and nothing else was found


@pytest.mark.parametrize("image", IMAGES)
def test_the_image_has_the_pins(image: str):
    """What is installed is what requirements/toolkit.txt says, and the installer."""
    pins = {line.split(" ;")[0] for line in (ROOT / "requirements/toolkit.txt").read_text().splitlines()}
    found = {name.split("==")[0]: name for name in said(image, "pip", "freeze", "--all")}
    named = {
        canonicalize_name(name): f"{canonicalize_name(name)}=={line.split('==')[1]}" for name, line in found.items()
    }
    assert {line for name, line in named.items() if name != "setuptools"} <= pins
