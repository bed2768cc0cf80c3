"""What commands share in printing: help, sizes, tables, and a progress bar that is only there on a terminal."""

from __future__ import annotations

import argparse
import contextlib
import sys
from collections.abc import Callable, Iterator, Sequence

Progress = Callable[[int, int | None, str], None]  # done, total, what


class Help(argparse.RawDescriptionHelpFormatter):
    """Examples as they are written; a description, which is one paragraph, as wide as the terminal."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        form = argparse.RawDescriptionHelpFormatter if "\n" in text else argparse.HelpFormatter
        return form._fill_text(self, text, width, indent)


def size(number: float) -> str:
    """Bytes for people."""
    for unit in ("B", "kB", "MB", "GB"):
        if number < 1000:
            return f"{number:.0f} B" if unit == "B" else f"{number:.1f} {unit}"
        number /= 1000
    return f"{number:.1f} TB"


def table(rows: Sequence[Sequence[str]], indent: str = "") -> str:
    """Left-aligned columns, the first row their names."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join(indent + line for line in lines)


@contextlib.contextmanager
def progress(unit: str = "B") -> Iterator[Progress]:
    """A bar on standard error for calls of (done, total, what); silent where nobody watches."""
    if not sys.stderr.isatty():
        yield lambda _done, _total, _what: None
        return
    from tqdm import tqdm

    with tqdm(unit=unit, unit_scale=unit == "B", leave=False) as bar:

        def show(done: int, total: int | None, what: str) -> None:
            if bar.desc.removesuffix(": ") != what:
                bar.reset(total)
                bar.set_description(what, refresh=False)
            bar.total = total
            bar.n = done
            bar.update(0)

        yield show
