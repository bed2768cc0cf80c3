"""How wide a text is, without a font: the advance widths of DejaVu Sans, which is wider than most system fonts.

A text that fits a box by these numbers fits it in the PNG exactly, and in a browser with some room to spare.
"""

from __future__ import annotations

import unicodedata

# hundredths of an em, characters 32 to 126
NORMAL = (
    32, 41, 46, 84, 64, 96, 78, 28, 40, 40, 50, 84, 32, 37, 32, 34, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 34,
    34, 84, 84, 84, 54, 100, 69, 69, 70, 78, 64, 58, 78, 76, 30, 30, 66, 56, 87, 75, 79, 61, 79, 70, 64, 62, 74,
    69, 99, 69, 62, 69, 40, 34, 40, 84, 50, 50, 62, 64, 55, 64, 62, 36, 64, 64, 28, 28, 58, 28, 98, 64, 62, 64,
    64, 42, 53, 40, 64, 60, 82, 60, 60, 53, 64, 34, 64, 84,
)  # fmt: skip
BOLD = (
    35, 46, 53, 84, 70, 101, 88, 31, 46, 46, 53, 84, 38, 42, 38, 37, 70, 70, 70, 70, 70, 70, 70, 70, 70, 70, 40,
    40, 84, 84, 84, 59, 100, 78, 77, 74, 84, 69, 69, 83, 84, 38, 38, 78, 64, 100, 84, 86, 74, 86, 78, 73, 69,
    82, 78, 111, 78, 73, 73, 46, 37, 46, 84, 50, 50, 68, 72, 60, 72, 68, 44, 72, 72, 35, 35, 67, 35, 105, 72,
    69, 72, 72, 50, 60, 48, 72, 66, 93, 65, 66, 59, 72, 37, 72, 84,
)  # fmt: skip
WIDE, OTHER = 100, 80  # East Asian characters; whatever else DejaVu may have


def width(text: str, size: float, bold: bool = False) -> float:
    """Of one line, in pixels; `size` is the font's, in pixels."""
    return sum(_advance(letter, bold) for letter in text) * size / 100


def elided(text: str, size: float, most: float, bold: bool = False) -> str:
    """At most so many pixels wide; of a longer one the middle is left out, as both ends of a path tell more."""
    if width(text, size, bold) <= most:
        return text
    head, tail, room = 0, len(text), most - width("…", size, bold)
    while head < tail:
        ahead = head <= len(text) - tail  # the start and the end take turns
        letter = text[head] if ahead else text[tail - 1]
        room -= _advance(letter, bold) * size / 100
        if room < 0:
            break
        head, tail = (head + 1, tail) if ahead else (head, tail - 1)
    return f"{text[:head].rstrip()}…{text[tail:].lstrip()}"


def _advance(letter: str, bold: bool) -> int:
    code = ord(letter)
    if 32 <= code <= 126:
        return (BOLD if bold else NORMAL)[code - 32]
    if unicodedata.combining(letter):
        return 0
    return WIDE if letter == "…" or unicodedata.east_asian_width(letter) in "WF" else OTHER
