"""The training host, a repository that trains there, and the socket guard, for the tests of this folder."""

from host.fixtures import guard_file, host, loopback_only, offences, running_host
from jobworld import built, ready

__all__ = ["built", "guard_file", "host", "loopback_only", "offences", "ready", "running_host"]
