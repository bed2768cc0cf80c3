"""Where the embedded store keeps itself: `.dataops/store/`, readable by its owner alone."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from dataops import files
from dataops.checked import Checked, check
from dataops.errors import DataOpsError
from dataops.store import ports
from dataops.store.ports import Ports

BUCKET = "dataops"
PRIVATE = 0o600


class State(Checked):
    """What `up` must remember: the keys, or the data can't be read; the ports, or .dvc/config.local goes stale."""

    bucket: str
    access_key_id: str
    secret_access_key: str
    kek: str
    ports: Ports
    pid: int | None = None

    @property
    def endpoint(self) -> str:
        """The S3 address; loopback, whatever else changes."""
        return f"http://127.0.0.1:{self.ports.s3}"


@dataclass(frozen=True)
class Place:
    """The files of one clone's store."""

    root: Path

    @property
    def folder(self) -> Path:
        """Also weed's working directory, which is how it is told from any other weed."""
        return self.root / ".dataops" / "store"

    @property
    def data(self) -> Path:
        """Objects and their index. Nothing but weed writes here."""
        return self.folder / "data"

    @property
    def log(self) -> Path:
        """weed's output since its last start."""
        return self.folder / "weed.log"

    @property
    def state(self) -> Path:
        """Credentials, ports, pid."""
        return self.folder / "state.json"

    @property
    def s3_config(self) -> Path:
        """The credentials as weed reads them."""
        return self.folder / "s3.json"

    @property
    def link(self) -> Path:
        """Names the clone whose server this one uses, or says that compose runs it."""
        return self.folder / "connected.json"

    @property
    def held(self) -> Path:
        """Locked by weed for as long as it lives: true even where its pid can't be seen, as from a container."""
        return self.folder / "held.lock"

    def create(self) -> None:
        """Make the folder: private, and ignored by git even where the repository's .gitignore has never heard of it."""
        self.data.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o700)
        ignore = self.folder / ".gitignore"
        if not ignore.is_file():
            files.write_text(ignore, "*\n")

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """One `up`, `down` or `connect` at a time; the others wait."""
        with (self.folder / "lock").open("a") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


def load(place: Place) -> State | None:
    """The remembered state, or None where `up` never ran.

    Raises:
        DataOpsError: it can't be read. Made anew it would lock the data behind other keys, so that is yours to decide.
    """
    values = _read(place.state, f"move {place.state} aside; `dataops store up` then makes new credentials, same data")
    return None if values is None else check(State, values, str(place.state))


def save(place: Place, state: State) -> None:
    """Remember `state`, for the owner's eyes."""
    files.write_text(place.state, files.to_json(state.model_dump()), PRIVATE)


def new() -> State:
    """Fresh credentials and free ports."""
    return State(
        bucket=BUCKET,
        access_key_id=secrets.token_hex(10).upper(),
        secret_access_key=secrets.token_hex(20),
        kek=secrets.token_hex(32),
        ports=ports.choose(),
    )


def linked(root: Path) -> Path | None:
    """The clone that `connect` named for `root`, or None.

    Raises:
        DataOpsError: the note about it can't be read.
    """
    server = _linked(root).get("server")
    return Path(str(server)) if server else None


def link(root: Path, server: Path) -> None:
    """Remember that `root` uses `server`'s store."""
    _link(root, {"server": str(server)})


def link_compose(root: Path) -> None:
    """Remember that compose runs the server of `root`."""
    _link(root, {"compose": True})


def unlink(root: Path) -> None:
    """From now on `root` has a server of its own."""
    Place(root).link.unlink(missing_ok=True)


def by_compose(root: Path) -> bool:
    """Whether compose runs the server of `root`.

    Raises:
        DataOpsError: the note about it can't be read.
    """
    return bool(_linked(root).get("compose"))


def server_of(root: Path) -> Path:
    """The clone whose server `root` uses: itself, unless it was connected to another.

    Raises:
        DataOpsError: that clone is gone.
    """
    seen = {root}
    while other := linked(root):
        if other in seen:
            return root
        if not (other / ".dvc").is_dir():
            raise DataOpsError(
                f"this clone uses the store of {other}, which is gone",
                f"`dataops store connect PATH` names another; without {Place(root).link} this clone runs its own",
            )
        seen.add(other)
        root = other
    return root


def _linked(root: Path) -> dict[str, object]:
    """What `connect` wrote down; nothing where it never ran."""
    link = Place(root).link
    return _read(link, f"delete {link}, or run `dataops store connect PATH` again") or {}


def _link(root: Path, values: dict[str, object]) -> None:
    place = Place(root)
    place.create()
    files.write_text(place.link, files.to_json(values), PRIVATE)


def _read(path: Path, hint: str) -> dict[str, object] | None:
    """A JSON object, None where there is no file."""
    try:
        values = json.loads(path.read_text())
    except FileNotFoundError:
        return None
    except PermissionError:
        raise DataOpsError(f"{path} may not be read by {os.environ.get('USER', 'this account')}") from None
    except ValueError as error:
        raise DataOpsError(f"{path} is damaged: {error}", hint) from None
    if not isinstance(values, dict):
        raise DataOpsError(f"{path} is damaged: not a JSON object", hint)
    return values
