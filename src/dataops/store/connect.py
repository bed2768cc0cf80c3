"""Several clones, one embedded server; or one that compose runs."""

from __future__ import annotations

from pathlib import Path

from dataops.errors import DataOpsError
from dataops.repo import root as repo_root
from dataops.store import embedded, local, state
from dataops.store.embedded import Status
from dataops.store.state import Place


def connect(root: Path, path: Path) -> Status:
    """Use the server of the clone at `path` from now on; with this clone's own path, one of its own again.

    Raises:
        DataOpsError: `path` is no clone, has no server or isn't running it; or this clone runs one itself.
    """
    root = root.resolve()
    if path.expanduser().resolve() == root and (state.linked(root) or state.by_compose(root)):
        state.unlink(root)
        return embedded.up(root)
    other = _server_at(path.expanduser())
    if other == root:
        raise DataOpsError(f"{path} leads to this clone itself", "`dataops store up` starts its own server")
    if state.by_compose(other):
        joined = embedded.join(root, other)
        state.link(root, other)
        return embedded.status(root, tuple(joined))
    place = Place(other)
    current = state.load(place)
    if current is None:
        raise DataOpsError(f"{other} has no embedded store", f"run `dataops store up` in {other}, then try again")
    if embedded.pid_of(place, current) is None:
        raise DataOpsError(
            f"the embedded store of {other} is not running", f"run `dataops store up` in {other}, then try again"
        )
    mine = Place(root)
    if embedded.pid_of(mine, state.load(mine)) is not None:
        raise DataOpsError("this clone's own server is running", "`dataops store down` first; its data stays")
    with place.locked():
        state.link(root, other)
        notes = local.attach(root, current)
    return embedded.status(root, tuple(notes))


def connect_compose(root: Path) -> Status:
    """Use the server that compose runs for this clone, here and in its containers. Twice is once.

    Raises:
        DataOpsError: it doesn't run, or `.env` is missing or isn't the one it was started with.
    """
    root = root.resolve()
    notes = embedded.join(root, root)
    state.link_compose(root)
    return embedded.status(root, (*notes, *_left_behind(root)))


def _left_behind(root: Path) -> list[str]:
    """What this clone's own server holds doesn't come along by itself."""
    place = Place(root)
    if state.load(place) is None:
        return []
    every = "--all-branches --all-tags"
    return [
        f"this clone's own store, {place.data}, is another and stays as it is; to bring its data along, on the host:",
        f"  dataops store connect . && dvc fetch {every}",
        f"  dataops store connect --compose && dvc push {every}",
    ]


def _server_at(path: Path) -> Path:
    """The clone whose server a person at `path` would use."""
    try:
        if not path.is_dir():
            raise DataOpsError(f"there is no folder {path}", "name the clone in which `dataops store up` was run")
        return state.server_of(repo_root.find(path))
    except PermissionError:
        raise DataOpsError(f"{path} may not be read by this account") from None
