"""requirements/: the pins of a training image are those that the pipeline runs with."""

from __future__ import annotations

import re
import sys
from importlib.metadata import requires

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from workbench import ROOT

from dataops.training.sagemaker import bundle

ENTRY = ("lightgbm", "numpy", "pandas", "pyarrow")


def pins(name: str, python: str) -> dict[str, str]:
    """What a file of requirements/ installs on Linux with that Python, by name."""
    lines = (ROOT / f"requirements/{name}.txt").read_text().splitlines()
    here = {
        "python_version": python, "python_full_version": f"{python}.7", "sys_platform": "linux",
        "implementation_name": "cpython", "platform_python_implementation": "CPython"}  # fmt: skip
    found = [Requirement(line) for line in lines]
    return {one.name: str(one.specifier) for one in found if not one.marker or one.marker.evaluate(here)}


@pytest.mark.parametrize("python", ["3.11", "3.12", "3.13"])
def test_an_image_has_the_pins_of_the_pipeline(python: str):
    """The same versions, so that the same bytes come out."""
    assert pins("image", python).items() <= pins("main", python).items()
    assert pins("image", python).items() <= pins("toolkit", python).items() <= pins("dev", python).items()
    assert set(ENTRY) <= set(pins("image", python))


def test_what_repro_needs_has_no_sagemaker():
    """The SDK and what it brings are an extra: `make repro` installs main.txt."""
    assert not {"sagemaker", "sagemaker-core", "mlflow", "sagemaker-training"} & set(pins("main", "3.11"))
    assert {"sagemaker", "sagemaker-core"} <= set(pins("sagemaker", "3.11"))


def test_an_older_python_has_pins_too():
    """AWS's images still have 3.10, for which pandas 3 isn't made."""
    found = pins("image", "3.10")
    assert set(ENTRY) <= set(found)
    assert found["pandas"].startswith("==2.")


def test_an_image_has_nothing_else():
    """What the entry point imports and what that needs; neither dvc nor boto3."""
    python = ".".join(map(str, sys.version_info[:2]))
    wanted, queue = set(), list(ENTRY)
    while queue:
        name = canonicalize_name(queue.pop())
        if name not in wanted:
            wanted.add(name)
            needs = [Requirement(text) for text in requires(name) or []]
            queue += [one.name for one in needs if not one.marker or one.marker.evaluate({"extra": ""})]
    assert set(pins("image", python)) == wanted
    assert not wanted & {"dvc", "boto3", "botocore", "dvclive", "sagemaker"}


def test_the_entry_point_imports_what_is_pinned():
    """A package that is imported by the entry point, or by a module that goes with it, is pinned for the image."""
    entry = bundle.collect(ROOT / "src/pipeline/train.py", ROOT / "src", ROOT / "requirements/image.txt")
    sent = [content.decode() for name, content in entry.files.items() if name.endswith(".py")]
    found = set(re.findall(r"^ *(?:import|from) (\w+)", "\n".join(sent), re.MULTILINE)) - set(sys.stdlib_module_names)
    assert found == {*ENTRY, "dvclive", "pipeline"}


@pytest.mark.parametrize("name", ["main", "dev", "sagemaker", "image", "toolkit"])
def test_pins_are_plain(name: str):
    """name==version and a marker: no address, no hash, no option."""
    for line in (ROOT / f"requirements/{name}.txt").read_text().splitlines():
        assert re.fullmatch(r"[a-z0-9.-]+==[0-9a-z.+]+( ; [a-zA-Z0-9_ .'\"<>=!*()]+)?", line), line


def test_one_uv_installs_everywhere():
    """The container's environment is resolved by the version that the Makefile has."""
    found = {re.search(r"\buv==([\d.]+)", (ROOT / name).read_text())[1] for name in ("Makefile", "Dockerfile.dev")}
    assert len(found) == 1
