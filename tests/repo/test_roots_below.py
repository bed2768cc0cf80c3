"""dataops.repo.root: where the repository is, and where it could be."""

from __future__ import annotations

from pathlib import Path

import pytest

from dataops.errors import DataOpsError
from dataops.repo.root import find


def test_repositories_below_are_named(tmp_path: Path) -> None:
    """At the top of a repository whose DVC lies in a folder, the hint is that folder."""
    with pytest.raises(DataOpsError) as error:
        find(tmp_path)
    assert error.value.hint == "cd into the repository, or run `dvc init`"
    for name in ("ml", "teams/a b"):
        (tmp_path / name / ".dvc").mkdir(parents=True)
        (tmp_path / name / ".dvc/config").touch()
    with pytest.raises(DataOpsError) as error:
        find(tmp_path)
    assert error.value.hint == "there is one below: cd ml, or 'teams/a b'"
    assert find(tmp_path / "ml") == (tmp_path / "ml").resolve()
