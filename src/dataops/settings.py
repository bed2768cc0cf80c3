"""[tool.dataops] in pyproject.toml, overridden by DATAOPS_*: how and where things run, never what comes out."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from dataops.checked import Checked, check
from dataops.errors import DataOpsError


class Train(Checked):
    """Where `dvc repro` trains."""

    backend: Literal["local"] = "local"


class Publish(Checked):
    """Where `dataops publish` writes, on the remote's own endpoint."""

    url: str = ""
    """s3://bucket/prefix; empty: the root of the remote's bucket."""
    kms_key_alias: str = ""
    """The KMS key of every object written, as `alias/retail`; empty: as the bucket encrypts by itself."""


class Settings(Checked):
    """Every key of [tool.dataops]."""

    train: Train = Train()
    publish: Publish = Publish()


def load(root: Path = Path(), environ: Mapping[str, str] = os.environ) -> Settings:
    """The repository's settings; `DATAOPS_TRAIN__BACKEND=local` sets `train.backend`.

    Raises:
        DataOpsError: pyproject.toml isn't TOML, or a key is unknown or of the wrong type.
    """
    try:
        text = (root / "pyproject.toml").read_text()
        values: dict[str, Any] = tomllib.loads(text).get("tool", {}).get("dataops", {})
    except FileNotFoundError:
        values = {}
    except tomllib.TOMLDecodeError as error:
        raise DataOpsError(f"pyproject.toml is not valid TOML: {error}") from None
    where = "pyproject.toml: tool.dataops"
    for name, value in sorted(environ.items()):
        if name.startswith("DATAOPS_") and "__" in name:
            where = "pyproject.toml: tool.dataops, with DATAOPS_* of the environment"
            _put(values, name.removeprefix("DATAOPS_").lower().split("__"), value)
    return check(Settings, values, where)


def _put(values: dict[str, Any], path: list[str], value: str) -> None:
    """Set one nested key; TOML's own syntax types it, so 3 is a number and anything unreadable a string."""
    *parents, last = path
    for part in parents:
        if not isinstance(values.get(part), dict):
            values[part] = {}
        values = values[part]
    try:
        values[last] = tomllib.loads(f"x = {value}")["x"]
    except tomllib.TOMLDecodeError:
        values[last] = value
