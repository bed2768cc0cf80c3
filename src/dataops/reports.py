"""Reading the reports that stages write."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from dataops.errors import DataOpsError


def read_json(path: Path) -> dict[str, Any]:
    """A report as a dictionary.

    Raises:
        DataOpsError: it is missing, or is not a JSON object.
    """
    try:
        value = json.loads(path.read_text())
    except FileNotFoundError:
        raise DataOpsError(f"{path} is missing", "run `dvc repro`") from None
    except (ValueError, RecursionError) as error:
        raise DataOpsError(f"{path} is not JSON: {error}", f"git checkout {path}, or `dvc repro`") from None
    if not isinstance(value, dict):
        raise DataOpsError(f"{path} is no JSON object")
    return value
