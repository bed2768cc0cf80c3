"""The image with the packages of tests and lint, and with SageMaker's."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from composition import composition

pytestmark = [pytest.mark.container, pytest.mark.timeout(1800)]


@pytest.mark.parametrize(("pins", "module"), [("dev", "pytest, moto, gto"), ("sagemaker", "sagemaker.train")])
def test_it_is_built(tmp_path: Path, pins: str, module: str):
    """From the pins as they are, without anything resolved anew; what they are for can be imported."""
    mirror = os.environ.get("DATAOPS_PIP_CONF", "")
    with composition(tmp_path / pins, [f"DATAOPS_PINS={pins}", f"DATAOPS_PIP_CONF={mirror}"]) as made:
        made.compose("build")
        image = f"{made.settings()['COMPOSE_PROJECT_NAME']}-tools"
        made.run("docker", "run", "--rm", "--network", "none", image, "python", "-c", f"import dvc, {module}")
