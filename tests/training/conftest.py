"""The training host, and a repository that trains there, for the tests of this folder."""

from host.fixtures import host, running_host
from jobworld import built, ready

__all__ = ["built", "host", "ready", "running_host"]
