"""Text that fits a line."""

from __future__ import annotations


def clean(text: str) -> str:
    """One line of printable characters, whatever a column or a file is called."""
    return " ".join("".join(mark if mark.isprintable() else " " for mark in text).split())


def shortened(text: str, longest: int) -> str:
    """At most so many characters, cut between words where there are any."""
    if len(text) <= longest:
        return text
    cut = text[: longest - 1]
    words = cut.rsplit(" ", 1)[0]
    return (words if len(words) > longest // 2 else cut).rstrip(" ,;:") + "…"
