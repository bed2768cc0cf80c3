"""The editor's description of the container agrees with the compose file and the image."""

from __future__ import annotations

import json
import re
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]


def test_it_opens_what_compose_runs():
    """Service, folder and environment are those of docker-compose.yml and Dockerfile.dev; `.env` is made before."""
    path = ROOT / ".devcontainer/devcontainer.json"
    described = json.loads(re.sub(r"^\s*//.*$", "", path.read_text(), flags=re.MULTILINE))
    composed = path.parent / described["dockerComposeFile"]
    services = yaml.safe_load(composed.read_text())["services"]
    service = services[described["service"]]
    assert set(described["runServices"]) == set(services)
    assert f".:{described['workspaceFolder']}" in service["volumes"]
    assert "build" in service  # editors add a layer to what the service builds
    image = (ROOT / service["build"]["dockerfile"]).read_text()
    for setting, program in (("python.defaultInterpreterPath", "python"), ("dvc.dvcPath", "dvc")):
        assert described["customizations"]["vscode"]["settings"][setting] == f"/opt/venv/bin/{program}"
    assert "VIRTUAL_ENV=/opt/venv" in image
    assert (ROOT / described["initializeCommand"].split()[-1]).is_file()


def test_no_image_asks_a_registry_for_its_syntax():
    """A `# syntax=` line would be pulled, and machines without a registry couldn't build."""
    for name in ("Dockerfile.dev", "Dockerfile.train"):
        assert not re.search(r"^#\s*syntax\s*=", (ROOT / name).read_text(), re.MULTILINE | re.IGNORECASE)
