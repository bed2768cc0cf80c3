"""The socket guard for its own tests."""

from socketwatch import guard_file, loopback_only, offences

__all__ = ["guard_file", "loopback_only", "offences"]
