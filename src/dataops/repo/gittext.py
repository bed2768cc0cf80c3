"""Git's words and numbers as text and times."""

from __future__ import annotations

import datetime as dt
import re

EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
SIGNED = re.compile(r"^-----BEGIN (?:PGP SIGNATURE|PGP MESSAGE|SSH SIGNATURE|SIGNED MESSAGE)-----$", re.MULTILINE)
IN_QUERY = "sig|token|key|secret|passw|credential|auth"  # what names a key in a URL
WORDS = ("fatal: ", "error: ", "remote: ")


def moment(seconds: int) -> dt.datetime:
    """Seconds since 1970 in UTC; what no calendar holds is the nearest that one does."""
    try:
        return EPOCH + dt.timedelta(seconds=seconds)
    except OverflowError:
        return (dt.datetime.max if seconds > 0 else dt.datetime.min).replace(tzinfo=dt.UTC)


def message(raw: bytes) -> tuple[str, str]:
    """Subject and body of a tag's or commit's text: UTF-8 where it is, LF, and no signature."""
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        text = raw.decode("latin-1")
    text = text.replace("\r\n", "\n")
    signature = SIGNED.search(text) if "-----BEGIN " in text else None
    text = (text[: signature.start()] if signature else text).strip("\n")
    subject, _, body = text.partition("\n")
    return subject.strip(), body.strip("\n")


def public(url: str) -> str:
    """A URL as everybody may read it: no password, no token, no signature. The user of ssh://git@host stays."""
    url = re.sub(r"(?i)(https?://)[^/?#\s]*@|(?<=://)[^/?#\s]*:[^/?#\s]*@", r"\1", url)
    return re.sub(rf"(?i)([?&][^=&#]*(?:{IN_QUERY})[^=&#]*=)[^&#]+", r"\1…", url)


def complaint(stderr: bytes) -> str:
    """The line of git's that says what is wrong, without passwords."""
    lines = [line for line in stderr.decode(errors="replace").splitlines() if line.strip()]
    told = next((line for word in WORDS for line in lines if line.startswith(word)), lines[-1] if lines else "failed")
    for word in WORDS:
        told = told.removeprefix(word)
    return re.sub(r"(?<=://)[^/\s']+@", "", told).strip()
