"""What a user can cause: one line that says what is wrong, and one that says what to do next."""

from __future__ import annotations

import sys
from collections.abc import Callable

NO = 1  # the answer is no: drift, damage, untracked data, a refused release, invalid data
WRONG = 2  # the call or the environment is wrong


class DataOpsError(Exception):
    """The call, a file or the environment is wrong (exit status 2).

    Anything else that escapes is a bug and may show its traceback.
    """

    status = WRONG

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"error: {self.message}" + (f"\n hint: {self.hint}" if self.hint else "")


class Refused(DataOpsError):  # noqa: N818  an answer, not a mistake
    """Everything works, and the answer is no (exit status 1)."""

    status = NO


def run(main: Callable[[], int | None]) -> None:
    """Call `main` and leave the process with its status; what a user caused is printed without a traceback."""
    try:
        status = main()
    except DataOpsError as error:
        print(error, file=sys.stderr)
        sys.exit(error.status)
    except BrokenPipeError:  # `dataops … | head` is no error
        sys.stderr.close()
        sys.exit(0)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        sys.exit(130)
    sys.exit(status or 0)
