"""What is trained with which hyperparameters, whatever the backend."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from dataops import settings
from dataops.params import read, section
from dataops.tables.contract import Contract
from dataops.training import local


def hyperparameters() -> dict[str, Any]:
    """The section `train` of params.yaml, and what the entry point must know of the contract."""
    contract, values = section(Contract, "contract"), read()
    canonical = json.dumps(values["contract"], sort_keys=True, default=str).encode()
    categories = [*contract.keys, *(n for n in contract.others if contract.columns[n].type == "string")]
    return {
        **(values.get("train") or {}),
        "time": contract.time,
        "target": contract.target,
        "categories": categories,
        "contract_sha256": hashlib.sha256(canonical).hexdigest(),
    }


def run() -> None:
    """Train on the backend that the settings name."""
    settings.load()  # refuses a backend that doesn't exist
    local.run(hyperparameters())
