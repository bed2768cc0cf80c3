"""What the tests of this folder share: the training host, moto behind a gate, repositories that train there."""

from aws_gate import gate
from host.fixtures import guard_file, host, loopback_only, offences, running_host
from jobworld import built, ready
from trained_repo import trained

__all__ = ["built", "gate", "guard_file", "host", "loopback_only", "offences", "ready", "running_host", "trained"]
