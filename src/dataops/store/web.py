"""A remote on a web server, as many public DVC repositories have one. It is only read."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TYPE_CHECKING

from dataops.errors import DataOpsError
from dataops.store.objects import BLOCK, Body, BrokenReadError, Head, MissingObjectError, Object

if TYPE_CHECKING:
    import requests

TIMEOUT = (10, 60)  # seconds to connect, and between two packets
GONE = (404, 410)
REFUSED = (401, 403)  # what S3 says of a missing object, too, to those who may not list


class WebStore:
    """Objects by HTTP GET. An ETag of some web server proves nothing: what it has is hashed."""

    kind = "http"

    def __init__(self, url: str, options: Mapping[str, str] | None = None) -> None:
        self._base = url.rstrip("/")
        self.url = re.sub(r"(?<=://)[^/]+@", "", self._base)  # as it is shown: without a password
        self._options = options or {}
        self._local = threading.local()
        self._keys: dict[str, str] = {}

    def head(self, obj: Object) -> Head | None:
        """Size and time, from the headers of the first of its places that answers."""
        refused = 0
        for key in self._places(obj):
            with self._get(key, {"Range": "bytes=0-0"}) as answer:
                if answer.status_code in (*GONE, *REFUSED):
                    refused = refused or (answer.status_code in REFUSED and answer.status_code)
                    continue
                size = 0 if answer.status_code == 416 else _total(answer)
                if size is None:
                    raise DataOpsError(f"{self.url} doesn't say how large {key} is", "`dvc fetch` may cope with it")
                self._keys[obj.digest] = key
                modified = answer.headers.get("Last-Modified")
                return Head(
                    size,
                    answer.headers.get("ETag", "").strip('"') or None,
                    modified=parsedate_to_datetime(modified) if modified else None,
                    key=key,
                )
        if refused:
            raise self._refuses(refused)
        return None

    def read(self, obj: Object, start: int = 0, end: int | None = None) -> Body:
        """The bytes; a server that knows no ranges sends all, and the rest is passed over."""
        last = "" if end is None else str(end - 1)
        headers = {"Range": f"bytes={start}-{last}"} if start or end is not None else {}
        refused = 0
        for key in self._places(obj):
            answer = self._get(key, headers)
            if answer.status_code in (*GONE, *REFUSED):
                refused = refused or (answer.status_code in REFUSED and answer.status_code)
                answer.close()
                continue
            self._keys[obj.digest] = key
            if answer.status_code == 416:
                answer.close()
                return Body(iter(()), 0)
            skip = start if answer.status_code == 200 else 0
            count = None if end is None else end - start
            return Body(self._blocks(answer, skip, count), _total(answer))
        if refused:
            raise self._refuses(refused)
        raise MissingObjectError(self.url, obj)

    def put(self, obj: Object, path: Path) -> None:
        """Refused."""
        raise self._read_only(obj, path)

    def delete(self, objs: Sequence[Object]) -> None:
        """Refused."""
        raise self._read_only(objs)

    def listing(self) -> Iterator[tuple[Object, Head]]:
        """Refused: HTTP lists nothing."""
        raise DataOpsError(f"{self.url} is a web server, which lists nothing", "name another remote with --remote")

    def uri(self, obj: Object) -> str:
        """The object's URL."""
        return f"{self.url}/{self._places(obj)[0]}"

    def _places(self, obj: Object) -> tuple[str, ...]:
        """Where it may be, the known place first."""
        known = self._keys.get(obj.digest)
        return (known, *(key for key in obj.keys if key != known)) if known else obj.keys

    def _get(self, key: str, headers: Mapping[str, str]) -> requests.Response:
        """A response whose status is one of those that mean something here."""
        import requests

        try:
            answer = self._session().get(
                f"{self._base}/{key}", headers={"Accept-Encoding": "identity", **headers}, stream=True, timeout=TIMEOUT
            )
        except (requests.RequestException, ValueError) as error:
            raise self._unreachable(error) from None
        code = answer.status_code
        if code in (200, 206, 416, *GONE, *REFUSED):
            return answer
        answer.close()
        raise BrokenReadError(f"{self.url} answered {code} {answer.reason or ''}".rstrip(), "try again later")

    def _blocks(self, answer: requests.Response, skip: int, count: int | None) -> Iterator[bytes]:
        """The wanted part of what comes.

        Raises:
            DataOpsError: the connection broke, or fewer bytes came than were announced.
        """
        import requests
        import urllib3

        try:
            with answer:
                for block in answer.iter_content(BLOCK):
                    kept = block[skip:] if skip else block
                    skip = max(0, skip - len(block))
                    if count is not None:
                        kept = kept[:count]
                        count -= len(kept)
                    if kept:
                        yield kept
                    if count == 0:
                        return
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            raise self._unreachable(error) from None

    def _session(self) -> requests.Session:
        """One a thread, as they may not be shared."""
        import requests

        session: requests.Session | None = getattr(self._local, "session", None)
        if session is None:
            session = self._local.session = requests.Session()
            session.verify = self._options.get("ssl_verify", "true").lower() != "false"
            if user := self._options.get("user"):
                session.auth = (user, self._options.get("password", ""))
        return session

    def _unreachable(self, error: Exception) -> BrokenReadError:
        reason = type(error).__name__
        return BrokenReadError(f"can't reach {self.url} ({reason})", "check the address, the network and HTTPS_PROXY")

    def _refuses(self, code: int) -> DataOpsError:
        hint = "does the remote need a user and a password? or the object isn't there"
        return DataOpsError(f"{self.url} refuses access ({code})", hint)

    def _read_only(self, *_: object) -> DataOpsError:
        return DataOpsError(f"{self.url} is a web server: it is only read", "name another remote with --remote")


def _total(answer: requests.Response) -> int | None:
    """The whole object's size, of a part's answer or of a whole one's."""
    part = answer.headers.get("Content-Range", "").rpartition("/")[2]
    text = part if answer.status_code == 206 else answer.headers.get("Content-Length", "")
    return int(text) if text.isdigit() else None
