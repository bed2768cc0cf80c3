"""The socket guard of the tests catches what leaves this machine, in this process, in children and in theirs."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys

import pytest
from socketguard import NotLoopbackError, loopback
from workbench import ROOT

CONNECT = "import socket; socket.create_connection(('192.0.2.1', 80), 1)"  # TEST-NET-1: nobody's address
RESOLVE = "import urllib.request; urllib.request.urlopen('http://example.invalid/')"
DATAGRAM = "import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('192.0.2.1', 53))"
ASYNC = "import asyncio; asyncio.run(asyncio.open_connection('192.0.2.1', 80))"


@pytest.mark.parametrize("code", [CONNECT, RESOLVE, DATAGRAM, ASYNC])
def test_a_child_is_caught(offences, code):
    """Whatever way it takes, it is stopped, and the file says which program it was."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "the socket guard of the tests" in done.stderr
    assert "192.0.2.1" in offences.read_text() or "example.invalid" in offences.read_text()
    assert "python" in offences.read_text()


def test_a_grandchild_is_caught_whose_parent_hides_it(offences):
    """The error may be swallowed; the file has it all the same."""
    inner = f"try:\n    exec({CONNECT!r})\nexcept OSError:\n    pass"
    outer = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {inner!r}], check=True)"
    subprocess.run([sys.executable, "-c", outer], check=True)
    assert len(offences.read_text().splitlines()) == 1


def test_what_in_venv_starts_is_caught(offences, tmp_path):
    """scripts/in-venv.sh puts the tree's own code first and keeps the rest of PYTHONPATH."""
    (tmp_path / "src").mkdir()
    shutil.copytree(ROOT / "scripts", tmp_path / "scripts")
    code = f"import sys; assert sys.path.index({str(tmp_path / 'src')!r}) == 1; {CONNECT}"
    command = ["sh", "scripts/in-venv.sh", "python", "-c", code]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "NotLoopbackError" in done.stderr
    assert "192.0.2.1" in offences.read_text()


def test_this_process_is_caught(offences):
    """As in children."""
    with pytest.raises(NotLoopbackError):
        socket.create_connection(("192.0.2.1", 80), 1)
    with pytest.raises(NotLoopbackError):
        socket.getaddrinfo("example.invalid", 80)
    assert len(offences.read_text().splitlines()) == 2


def test_loopback_is_free(loopback_only):
    """Servers of the tests are reached by name, by both addresses and by Unix sockets."""
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname(), 5):
        pass
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(
        ("localhost", server.getsockname()[1]), 5
    ):  # fmt: skip
        pass
    left, right = socket.socketpair()
    left.close()
    right.close()
    assert loopback_only.read_text() == ""


def test_off_again_after_a_test():
    """Without the fixture nothing is set, and the hook sleeps."""
    assert "SOCKET_GUARD" not in os.environ
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagram:
        datagram.connect(("192.0.2.1", 53))  # sends nothing


@pytest.mark.parametrize(
    ("host", "here"),
    [
        ("127.0.0.1", True),
        ("127.8.9.1", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("localhost", True),
        ("s3.localhost", True),
        ("0.0.0.0", True),
        ("127.0.0.1.example.com", False),
        ("169.254.169.254", False),  # AWS's instance metadata
        ("10.0.0.1", False),
        ("::ffff:10.0.0.1", False),
        ("fe80::1%eth0", False),
        ("s3.eu-central-1.amazonaws.com", False),
    ],
)  # fmt: skip
def test_which_is_this_machine(host, here):
    """By address, not by how a name begins."""
    assert loopback(host) is here
