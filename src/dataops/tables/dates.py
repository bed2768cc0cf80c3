"""Dates as people write them: what `collect.read.date_format` may say, and how text of that form is read."""

from __future__ import annotations

import pandas as pd

from dataops.errors import DataOpsError

ISO = r"\d{4}-\d{2}(-\d{2})?"
DAY = "day"  # ISO 8601, of which the day as written counts: midnight at +02:00 is no time of the day before
EPOCH = {"unix": 1000, "unix_ms": 1}  # milliseconds of what is counted since 1970-01-01 UTC
SINCE, UNTIL = 631_152_000, 1_893_456_000  # 1990 and 2030 in Unix seconds: what a guess takes for such
_CLOCKS = ("%H:%M", "%H:%M:%S")
FORMATS: tuple[str | None, ...] = (
    None,  # ISO 8601
    "%d/%m/%Y",
    "%m/%d/%Y",
    "%d-%m-%Y",
    "%m-%d-%Y",
    "%d.%m.%Y",
    "%Y/%m/%d",
    "%Y.%m.%d",
    "%Y%m%d",
    "%d %b %Y",
    "%b %d, %Y",
    "%b %d %Y",
    "%b-%d-%Y",
    "%d-%b-%Y",
    "%d-%b-%y",
    "%Y-%b-%d",
    "%d %B %Y",
    "%B %d, %Y",
    *(
        f"{day} {clock}"
        for day in (
            "%d/%m/%Y",
            "%m/%d/%Y",
            "%d.%m.%Y",
            "%d-%m-%Y",
            "%m-%d-%Y",
            "%Y/%m/%d",
            "%Y%m%d",
            "%d/%m/%y",
            "%m/%d/%y",
            "%d-%b-%Y",
        )
        for clock in _CLOCKS
    ),
    *(
        f"{day} {clock}"
        for day in ("%m/%d/%Y", "%d/%m/%Y", "%Y-%m-%d", "%b %d, %Y")
        for clock in ("%I:%M %p", "%I:%M:%S %p", "%I %p")
    ),
    "%d/%m/%y",
    "%m/%d/%y",
    "%d.%m.%y",
    "%Y%m%d%H",
    "%Y%m%d%H%M",
    "%Y%m%d%H%M%S",
    "%Y-%b",
    "%Y %b",
    "%b %Y",
    "%b-%Y",
    "%b-%y",
    "%Y %B",
    "%B %Y",
    "%m/%Y",
    "%Y/%m",
    "%Y%m",
    "%YQ%q",
    "%Y Q%q",
    "%Y-Q%q",
    "%G-W%V",
    "%GW%V",
    "%Y",
    "%d/%b/%Y:%H:%M:%S %z",
    "%a %b %d %H:%M:%S %z %Y",
    "%a, %d %b %Y %H:%M:%S %z",
    *EPOCH,
)
NUMERIC = ("%Y", "%Y%m%d", "%Y%m", *EPOCH)  # what numbers, as JSON and Excel hold them, can be


def parse(text: pd.Series, style: str | None) -> pd.Series:
    """`text`, (n,), as times in UTC without a zone; null where it is not written so.

    `style` is strftime's, and beyond it: None is ISO 8601 and `day` the day of that as written; `unix` and `unix_ms`
    count from 1970; `%q` at the end is a quarter, 1 to 4; `%V` without a weekday is a week's Monday.

    Raises:
        ValueError: pandas can't read by `style`.
    """
    if style is not None and style in EPOCH:
        numbers = pd.to_numeric(text, errors="coerce").astype("float64")
        return pd.Series(pd.to_datetime((numbers * EPOCH[style]).round(), unit="ms", errors="coerce"), index=text.index)
    if style is None or style == DAY:  # pandas takes a bare "2024" or "20240131" for ISO 8601; an id must not pass
        text = text.where(text.str.match(ISO).fillna(False).astype(bool))
        text, style = text.str[:10] if style == DAY else text, "ISO8601"
    elif style.endswith("%q"):
        text = text.str.replace(r"(?<=\D)[1-4]$", lambda found: f"{3 * int(found[0]) - 2:02d}", regex=True)
        style = style.removesuffix("%q") + "%m"
        text = text.where(text.str.contains(r"\D(?:01|04|07|10)$").fillna(False).astype(bool))
    elif style.endswith("%V"):
        text, style = text + " 1", style + " %u"
    elif style == "%Y":
        text = text.str.removesuffix(".0")
    return pd.to_datetime(text, format=style, errors="coerce", utc=True).dt.tz_localize(None)


def check(style: str) -> None:
    """Refuse a `date_format` that nothing can be read by.

    Raises:
        DataOpsError: it says what is wrong with it.
    """
    wrong = "" if "%" in style or style == DAY or style in EPOCH else "it names no part of a date"
    try:
        parse(pd.Series(["2024-01-31"], dtype="str"), style)
    except (ValueError, TypeError) as error:
        wrong = wrong or str(error)
    if wrong:
        raise DataOpsError(
            f"the date format {style!r} can't be used: {wrong}",
            f"strftime's, as '%d.%m.%Y %H:%M'; also {', '.join(EPOCH)}, '%YQ%q', '%G-W%V', {DAY}",
        )


def plausible(times: pd.Series, style: str | None) -> bool:
    """Whether times read by `style` may be meant: 1234 is no second of 1970, 736389 no day of the year 7363."""
    if style in EPOCH:
        seconds = times.to_numpy("datetime64[s]").astype("int64")
        return bool(((seconds >= SINCE) & (seconds < UNTIL)).all())
    return style is None or bool(times.dt.year.between(1000, 2200).all())
