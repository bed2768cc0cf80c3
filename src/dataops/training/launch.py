"""What is trained with which hyperparameters, whatever the backend."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any

from dataops import settings
from dataops.errors import DataOpsError
from dataops.files import plain
from dataops.params import read, section
from dataops.tables.contract import Contract
from dataops.training import local
from dataops.versions.wording import clean


def hyperparameters() -> dict[str, Any]:
    """The section `train` of params.yaml as JSON has it, and what the entry point must know of the contract.

    Raises:
        DataOpsError: `train` is no section, or has a key that comes from the contract.
    """
    contract, values = section(Contract, "contract"), read()
    train, featurize = values.get("train") or {}, values.get("featurize") or {}
    for name, found in (("train", train), ("featurize", featurize)):
        if not isinstance(found, dict):
            raise DataOpsError(f"params.yaml: {name}: expected a section of keys, found {type(found).__name__}")
    ahead = featurize.get("known_ahead") or []
    if not isinstance(ahead, list):
        raise DataOpsError("params.yaml: featurize.known_ahead: expected a list", "as [price, promotion]")
    canonical = json.dumps(values["contract"], sort_keys=True, default=str).encode()
    categories = [*contract.keys, *(n for n in contract.others if contract.columns[n].type == "string")]
    given = {
        "time": contract.time,
        "target": contract.target,
        "categories": categories,
        "leave_out": [name for name in contract.others if name not in ahead],
        "contract_sha256": hashlib.sha256(canonical).hexdigest(),
    }
    odd = [name for name in train if name in given or str(name).lower() != name]
    if odd:  # names travel as SM_HP_<NAME>, where case is lost
        raise DataOpsError(f"params.yaml: train: unknown key {odd[0]}", "`contract` says what is learnt from what")
    for name in train:
        if not str(name) or "=" in str(name) or not str(name).isprintable():  # it names a variable
            raise DataOpsError(f"params.yaml: train: {clean(str(name))!r} can't be a key")
    return {**plain(train), **given}


def run(tell: Callable[[str], None] = print) -> None:
    """Train on the backend that the settings name.

    Raises:
        DataOpsError: it can't; Refused where it was tried and failed.
    """
    if settings.load().train.backend == "local":
        local.run(hyperparameters())
        return
    from dataops.training.sagemaker import run as sagemaker

    sagemaker.run(hyperparameters(), tell)
