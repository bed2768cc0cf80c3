"""docs/iam as a person uses it: the placeholders replaced by `sed -f values.sed`, and what a document allows at all."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from host import TrainingHost, policies
from workbench import ROOT

FILES = ROOT / "docs/iam"
KEY_ID = "1234abcd-12ab-34cd-56ef-1234567890ab"
VALUES = {
    "ACCOUNT_ID": "123456789012",
    "REGION": TrainingHost.region,
    "BUCKET": TrainingHost.bucket,
    "PREFIX": "dvc",
    "PROJECT": "demand",
    "ROLE_NAME": "DemandTraining",
    "ADMIN_ROLE": "Administrator",
    "IMAGE_REGISTRY": "123456789012",
    "IMAGE_NAME": "train",
    "MODEL_GROUP": "demand",
    "KMS_KEY_ID": KEY_ID,
    "SUBNET_ID": "subnet-1",
    "SECURITY_GROUP_ID": "sg-1",
    "GITHUB_OWNER": "our-team",
    "GITHUB_REPOSITORY": "demand",
}
RULE = re.compile(r"^s/([A-Z_]+)/([^/]*)/g$", re.MULTILINE)
Document = dict[str, Any]


def names() -> list[str]:
    """Every policy of the folder."""
    return sorted(path.stem for path in FILES.glob("*.json"))


def filled(name: str, folder: Path, **other: str) -> Document:
    """A policy with the values of the tests in it, or `other` ones."""
    values = VALUES | other
    script = folder / "values.sed"
    script.write_text(
        RULE.sub(lambda rule: f"s/{rule[1]}/{values[rule[1]]}/g", (FILES / "values.sed").read_text()) + "\n"
    )
    command = ["sed", "-f", script, FILES / f"{name}.json"]
    document: Document = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    return document


def statements(document: Mapping[str, Any], effect: str = "Allow") -> list[Mapping[str, Any]]:
    """Those of one effect."""
    return [one for one in document["Statement"] if one["Effect"] == effect]


def listed(value: Any) -> list[Any]:
    """One value or several."""
    return value if isinstance(value, list) else [value]


def unused(document: Mapping[str, Any], asked: Iterable[Any]) -> set[str]:
    """What nobody asked for, as "action resource"; each value of a condition counts by itself."""
    needs = [tuple(one) for one in asked]
    return {f"{action} {resource}" for part in _parts(document) for action, resource in policies.unused(part, needs)}


def _parts(document: Mapping[str, Any]) -> Iterator[Document]:
    """A document for each statement and each of the prefixes that it is for."""
    for one in statements(document):
        prefixes = listed(one.get("Condition", {}).get("StringLike", {}).get("s3:prefix", []))
        conditions = [{"StringLike": {"s3:prefix": prefix}} for prefix in prefixes]
        for condition in conditions or [one.get("Condition", {})]:
            yield {"Statement": [{**one, "Condition": condition}]}
