"""Asking an unreliable HTTP API for JSON: at a limited rate, again after what passes, and never showing a secret."""

from __future__ import annotations

import itertools
import json
import logging
import socket
import time
from collections.abc import Iterator
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote, quote_plus

import requests
from urllib3.exceptions import HTTPError, NameResolutionError
from urllib3.util.retry import Retry

from dataops.errors import DataOpsError

PASSING = {408, 425, 429, 500, 502, 503, 504}  # statuses worth another try
LONGEST_WAIT = 120.0  # seconds, whatever Retry-After says
HINTS = {
    400: "check --param and --page-param",
    401: "is the key right? --key-env names the variable, --key-param or --key-header how it is sent",
    403: "the key has no right to this",
    404: "check the address",
}


class Again(Exception):  # noqa: N818
    """A failure that may pass."""

    def __init__(self, reason: str, wait: float | None = None) -> None:
        super().__init__(reason)
        self.reason, self.wait = reason, wait


class Client:
    """One API, one session. Use it in a `with` block."""

    def __init__(
        self,
        address: str,
        query: dict[str, str],
        headers: dict[str, str],
        secrets: list[str],
        rate: float,
        retries: int,
        timeout: float,
        backoff: float,
    ) -> None:
        self.address, self.query = address, query
        self._secrets = sorted({form for s in secrets for form in (s, quote(s), quote(s, ""), quote_plus(s))}, key=len)
        self._gap, self._retries, self._timeout, self._backoff = 1 / rate, retries, timeout, backoff
        self._next = 0.0
        self._session = requests.Session()
        self._session.headers.update({"Accept": "application/json", **headers})
        self._session.auth = lambda request: request  # else a .netrc would replace the Authorization header

    def __enter__(self) -> Self:
        logging.getLogger("urllib3.connectionpool").addFilter(self._redact_record)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        logging.getLogger("urllib3.connectionpool").removeFilter(self._redact_record)
        self._session.close()

    def get(self, query: dict[str, str], where: str) -> Any:
        """The JSON of one answer; `where` names it in errors.

        Raises:
            DataOpsError: a failure that doesn't pass, or didn't within the retries.
        """
        for attempt in range(self._retries + 1):
            self._keep_rate()
            try:
                return self._once({**self.query, **query}, where)
            except Again as failure:
                reason = failure.reason
                wait = self._backoff * 2**attempt if failure.wait is None else failure.wait
            if attempt < self._retries:
                time.sleep(min(wait, LONGEST_WAIT))
        tries = f"{self._retries + 1} tries" if self._retries else "one try"
        raise DataOpsError(f"{where}: {reason} (after {tries})", "nothing was recorded; try again later") from None

    def redact(self, text: str) -> str:
        """`text` without any secret."""
        for secret in reversed(self._secrets):
            text = text.replace(secret, "***")
        return text

    def _once(self, query: dict[str, str], where: str) -> Any:
        try:
            answer = self._session.get(self.address, params=query, timeout=self._timeout, allow_redirects=False)
        except requests.exceptions.SSLError:
            hint = "REQUESTS_CA_BUNDLE names a file of trusted authorities"
            raise DataOpsError(f"{where}: its certificate is not trusted", hint) from None
        except requests.RequestException as error:
            if not isinstance(
                error, requests.ConnectionError | requests.Timeout | requests.exceptions.ChunkedEncodingError
            ):
                raise DataOpsError(f"{where}: the request cannot be made: {type(error).__name__}") from None
            raise Again(_reason(error, self._timeout)) from None
        status = answer.status_code
        if status in PASSING:
            raise Again(f"the server answers {status} {answer.reason}", _retry_after(answer.headers.get("Retry-After")))
        if 300 <= status < 400:
            target = self.redact(answer.headers.get("Location", "").partition("?")[0])
            raise DataOpsError(f"{where}: redirected to {target or 'nowhere'}", "give that address, if you trust it")
        if status != requests.codes.ok:
            message = f"{where}: the server answers {status} {answer.reason}{self._said(answer)}"
            raise DataOpsError(message, HINTS.get(status, ""))
        return self._parsed(answer, where)

    def _parsed(self, answer: requests.Response, where: str) -> Any:
        try:
            return json.loads(answer.content)
        except ValueError:
            start = answer.content.lstrip()[:1]
            if start in (b"{", b"[", b""):  # JSON that breaks off
                raise Again("the answer was cut short") from None
        kind = answer.headers.get("Content-Type", "something").partition(";")[0]
        raise DataOpsError(
            f"{where}: the answer is {kind}, not JSON", "is this the API's address, or a page for people (a login)?"
        )

    def _said(self, answer: requests.Response) -> str:
        """The server's own words, when it has some."""
        try:
            body = answer.json()
            words = next(body[key] for key in ("status_message", "message", "error", "detail") if body.get(key))
        except (ValueError, AttributeError, StopIteration):
            return ""
        line = " ".join(self.redact(str(words)).split())
        return f": {line[:150]}"

    def _keep_rate(self) -> None:
        while (now := time.monotonic()) < self._next:
            time.sleep(self._next - now)
        self._next = now + self._gap  # from when it is sent: a sleep that took too long isn't caught up with

    def _redact_record(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = self.redact(record.getMessage()), ()
        return True


def _retry_after(value: str | None) -> float | None:
    """Seconds to wait, from a number or an HTTP date; None when there is no such header or it is nonsense."""
    if value is None:
        return None
    try:
        return max(Retry().parse_retry_after(value) or 0.0, 0.0)
    except HTTPError:
        return None


def _causes(error: BaseException) -> Iterator[BaseException]:
    """An exception and those inside it; requests wraps urllib3's, which wraps the system's."""
    todo: list[object] = [error]
    while todo:
        one = todo.pop()
        if isinstance(one, BaseException):
            yield one
            todo += [*one.args, getattr(one, "reason", None), one.__cause__, one.__context__]


def _reason(error: requests.RequestException, timeout: float) -> str:
    """Why there is no answer, in words of our own: those of the exception hold the URL, and with it the key."""
    if isinstance(error, requests.Timeout):
        return f"no answer within {timeout:g} s"
    if isinstance(error, requests.exceptions.ProxyError):
        return "the proxy does not answer"
    causes = list(itertools.islice(_causes(error), 50))
    if any(isinstance(cause, NameResolutionError | socket.gaierror) for cause in causes):
        return "the host's name is unknown"
    for cause in causes:
        if isinstance(cause, ConnectionError) and cause.strerror:
            return cause.strerror.lower()
    return (
        "the answer was cut short" if isinstance(error, requests.exceptions.ChunkedEncodingError) else "no connection"
    )
