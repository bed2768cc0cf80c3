"""dataops.errors: what a user can cause is one line and a hint, with a status."""

from __future__ import annotations

import subprocess
import sys

import pytest

from dataops.errors import DataOpsError, Refused, run


@pytest.mark.parametrize(("error", "status"), [(DataOpsError("bad", "do this"), 2), (Refused("no", "do this"), 1)])
def test_status_and_words(error, status, capsys):
    """Wrong is 2, no is 1; the message and the hint are all that is printed."""

    def main():
        raise error

    with pytest.raises(SystemExit) as left:
        run(main)
    assert left.value.code == status
    assert capsys.readouterr().err == f"error: {error.message}\n hint: do this\n"


def test_no_hint_no_line():
    """Without a hint the message stands alone."""
    assert str(DataOpsError("bad")) == "error: bad"


@pytest.mark.parametrize(("returned", "status"), [(None, 0), (0, 0), (1, 1)])
def test_returned_status(returned, status):
    """A command's own status is the process's."""
    with pytest.raises(SystemExit) as left:
        run(lambda: returned)
    assert left.value.code == status


def test_bugs_keep_their_traceback():
    """What is not a user's doing is not dressed up."""

    def main():
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run(main)


def test_interrupted(capsys):
    """Ctrl-C is one word and 130."""

    def main():
        raise KeyboardInterrupt

    with pytest.raises(SystemExit) as left:
        run(main)
    assert (left.value.code, capsys.readouterr().err) == (130, "interrupted\n")


def test_closed_pipe_is_no_error():
    """`dataops … | head` ends quietly."""
    code = "from dataops.errors import run\nrun(lambda: [print(n) for n in range(100000)] and None)"
    command = f"{sys.executable} -c '{code}' | head -1"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("0\n", "")
