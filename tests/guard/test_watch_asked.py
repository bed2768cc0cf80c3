"""dataops.guard.watch.asked: a signal at any moment is heard and stops nothing."""

from __future__ import annotations

import subprocess
import sys

PATIENCE = 120.0  # seconds, where a deadlock would last for ever
ROUNDS = 20_000  # signals: with threading.Event instead of Asked they don't all come through
PROGRAM = f"""
import signal
from dataops.guard.watch.asked import Asked

for number in range({ROUNDS}):
    asked = Asked()
    signal.signal(signal.SIGALRM, lambda *_: asked.set())
    signal.setitimer(signal.ITIMER_REAL, 2e-5 + number % 50 * 1e-6)
    while not asked.wait(1e-6):
        pass
    assert asked.is_set()
print("heard")
"""


def test_a_signal_while_it_is_waited_for() -> None:
    """The handler takes no lock that the thread it interrupts could hold."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "heard\n", "")
