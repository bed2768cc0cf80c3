"""Whether another process of this machine is still at work."""

from __future__ import annotations

import psutil


def lives(pid: int) -> bool:
    """Whether a program runs under this pid; one that ended, and whose parent has not asked how, doesn't."""
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except (psutil.Error, ValueError, OverflowError):
        return False
