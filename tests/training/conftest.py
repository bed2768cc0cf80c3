"""The training host for the tests of this folder."""

from host.fixtures import host, running_host

__all__ = ["host", "running_host"]
