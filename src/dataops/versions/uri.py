"""Where a version lies on the remote, for whoever reads it there: SageMaker, Athena, a colleague's script."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from dataops.errors import DataOpsError
from dataops.versions import context as contexts
from dataops.versions.get import choose


@dataclass(frozen=True)
class Addresses:
    """The addresses of one version."""

    version: str | None
    commit: str
    path: str
    uri: str | None
    """Of the file, or of the folder's manifest; None where there are several outputs, or only a part was asked for."""
    files: dict[str, str]
    in_git: dict[str, str]
    """Files that lie in git and not on the remote: their path there."""

    def as_json(self) -> dict[str, Any]:
        """Every field."""
        return dict(vars(self))


def uri(
    version: str,
    *,
    files: Sequence[str] = (),
    path: str | None = None,
    repo: str | None = None,
    remote: str | None = None,
) -> Addresses:
    """The address of a version on its remote, and of every file. Nothing is asked of the remote but the list of files.

    Raises:
        DataOpsError: there is no such version or file, or no remote.
    """
    there = contexts.there(repo) if repo else contexts.here()
    chosen = choose(there, version, files=files, path=path, remote=remote)
    found = chosen.listing
    store = chosen.store
    whole = found.whole if not files else None
    addresses = {name: store.uri(obj) for name, obj in sorted(found.objects.items())}
    if whole is None and len(addresses) == 1 and not found.in_git:
        (address,) = addresses.values()
    else:
        address = store.uri(whole) if whole is not None else ""
    if not addresses and not found.in_git:
        raise DataOpsError(f"{version} has no files", "was it released empty?")
    return Addresses(chosen.version, chosen.target.commit, found.path, address or None, addresses, dict(found.in_git))
