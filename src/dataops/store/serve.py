"""The embedded server in the foreground, for a container or a service manager: this process becomes weed."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn

from dataops import files
from dataops.errors import DataOpsError
from dataops.store import command, composed, ports, state, weed
from dataops.store.state import PRIVATE, Place, State


def serve(folder: Path, port: int, environ: Mapping[str, str] = os.environ) -> NoReturn:
    """Replace this process by a server whose data is below `folder`; S3 is at `port` of the loopback address.

    Nothing else is offered, as weed opens a port without keys beside every port of S3: who wants S3 to be reached from
    elsewhere puts a relay before it.

    Raises:
        DataOpsError: the folder can't be written or is being served, half a pair of keys is given, or weed is missing.
    """
    place = Place(folder.resolve())
    try:
        place.create()
        with place.locked(), weed.hold(place) as held:
            current = settled(state.load(place) or state.new(), port, environ)
            state.save(place, current)
            files.write_text(place.s3_config, files.to_json(command.identities(current)), PRIVATE)
            program = str(command.binary())
            os.set_inheritable(held, True)  # weed keeps the lock for as long as it lives
            os.umask(0o077)
            os.chdir(place.folder)
            os.execve(program, [program, *command.arguments(current)], command.environment(place, current))
    except OSError as error:
        raise DataOpsError(f"can't serve {place.folder}: {error.strerror}", "is it this account's?") from None


def settled(current: State, port: int, environ: Mapping[str, str]) -> State:
    """The state to start from: the environment's keys where it has some, S3 at `port`, free ports for the rest.

    Raises:
        DataOpsError: the environment has one of the two keys only.
    """
    names = (composed.ACCESS_KEY, composed.SECRET_KEY)
    access, secret = (environ.get(name, "") for name in names)
    if bool(access) != bool(secret):
        raise DataOpsError(f"{names[not access]} is set without {names[bool(access)]}", "both, or none of them")
    keys = {"access_key_id": access, "secret_access_key": secret} if access else {}
    found = current.ports
    while ports.taken(found, patience=0) or port in found.every()[1:]:
        found = ports.choose()
    return current.model_copy(update={**keys, "ports": found.model_copy(update={"s3": port}), "pid": os.getpid()})
