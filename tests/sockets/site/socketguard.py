"""Nothing but loopback: an audit hook that notes every other address in a file, and raises before anything is sent.

Python raises audit events for connect, sendto, sendmsg and the resolver's functions, whoever calls them (requests,
botocore, aiohttp). Not seen: programs that aren't Python, and a Python started with -I, -S or another PYTHONPATH.
"""

from __future__ import annotations

import ipaddress
import os
import socket
import sys
from typing import Any

RESOLVES = ("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr")
SENDS = ("socket.connect", "socket.sendto", "socket.sendmsg")
INTERNET = (socket.AF_INET, socket.AF_INET6)
_state: dict[str, str | None] = {}  # a hook can't be taken off again, but it can sleep


class NotLoopbackError(OSError):
    """An address that isn't this machine's."""


def guard(path: str | None) -> None:
    """From now on in this process, each offence is a line of `path`; None lets everything through again."""
    if not _state:
        sys.addaudithook(_hook)
    _state["path"] = path


def loopback(host: str) -> bool:
    """Whether a name or address is this machine."""
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return host in ("", "localhost") or host.endswith(".localhost")
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback or address.is_unspecified


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    path = _state.get("path")
    if path is None or not event.startswith("socket."):
        return
    host = _host(event, arguments)
    if host is None or loopback(host):
        return
    file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        os.write(file, f"{event} {host} by {' '.join(sys.orig_argv)[:300]!r}\n".encode())
    finally:
        os.close(file)
    raise NotLoopbackError(f"the socket guard of the tests: {event} {host}")


def _host(event: str, arguments: tuple[Any, ...]) -> str | None:
    """The host that an event is about; None where it is about none (a Unix socket, another event)."""
    if event in RESOLVES:
        host = arguments[0]
        return host.decode() if isinstance(host, bytes) else host
    if event in SENDS and arguments[0].family in INTERNET and isinstance(arguments[1], tuple):
        return str(arguments[1][0])
    return None
