"""Ports for weed's four services, each of which also takes the port 10000 above its own for gRPC."""

from __future__ import annotations

import random
import socket
import time

from dataops.checked import Checked
from dataops.errors import DataOpsError

GRPC = 10_000
# Below 32768, gRPC included: Linux gives the ports above to outgoing connections, which would take ours by chance.
LOWEST, HIGHEST = 10_240, 22_700


class Ports(Checked):
    """HTTP ports; see `every` for all that must be free."""

    s3: int
    master: int
    volume: int
    filer: int

    def every(self) -> list[int]:
        """What weed listens on: four HTTP ports, four gRPC ports."""
        http = [self.s3, self.master, self.volume, self.filer]
        return [*http, *(port + GRPC for port in http)]


def is_free(port: int) -> bool:
    """Whether 127.0.0.1:port can be listened on. A closed connection's leftovers (TIME_WAIT) don't count."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
            probe.listen(1)
        except OSError:
            return False
    return True


def taken(ports: Ports, patience: float = 1.0) -> list[int]:
    """Those of `ports` that another program still holds after `patience` seconds (ours may just be ending)."""
    deadline = time.monotonic() + patience
    while (busy := [port for port in ports.every() if not is_free(port)]) and time.monotonic() < deadline:
        time.sleep(0.05)
    return busy


def choose() -> Ports:
    """Four free ports whose gRPC companions are free too.

    Raises:
        DataOpsError: after many tries there are none.
    """
    for _ in range(200):
        s3, master, volume, filer = random.sample(range(LOWEST, HIGHEST), 4)
        ports = Ports(s3=s3, master=master, volume=volume, filer=filer)
        if len(set(ports.every())) == len(ports.every()) and not taken(ports, patience=0):
            return ports
    raise DataOpsError(
        f"found no free ports between {LOWEST} and {HIGHEST + GRPC}", "stop some servers on this machine"
    )
