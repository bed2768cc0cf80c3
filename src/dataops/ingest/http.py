"""The source `http`: a paged JSON API in the style of TMDB, as one JSON Lines file."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import parse_qsl, urlsplit, urlunsplit

from dataops.errors import DataOpsError
from dataops.ingest.client import Client
from dataops.ingest.source import Context, Incoming, Taken

MOST_PAGES = 100_000  # an API that never ends


@dataclass(frozen=True)
class Http:
    """Where the API is and how it pages."""

    url: str
    key_env: str | None = None
    key_param: str | None = None
    key_header: str | None = None
    param: list[str] | None = None
    items: str = "results"
    page_param: str = "page"
    total_pages: str = "total_pages"
    max_pages: int | None = None
    rate: float = 4.0
    retries: int = 8
    timeout: float = 30.0
    name: str | None = None
    backoff: float = 0.5  # seconds before the first retry; doubles
    kind = "http"

    def take(self, context: Context) -> Taken:
        """Fetch every page; records in page order, each once.

        Raises:
            DataOpsError: the URL or an option is wrong, the key is not set, or the API does not answer as expected.
        """
        address = self._address()
        taken = Taken(description=address, detail={"items": self.items})
        name = f"{self.name or PurePosixPath(urlsplit(address).path).name or 'records'}.jsonl"
        path = context.work / "records.jsonl"
        count = Count()
        with self._client(address) as client, path.open("w", encoding="utf-8", newline="\n") as file:
            for records in self._pages(client, count, context):
                for record in records:
                    line = json.dumps(record, sort_keys=True, ensure_ascii=False)
                    count.received += 1
                    if line not in count.seen:
                        count.seen.add(line)
                        file.write(f"{line}\n")
        if not count.seen:
            raise DataOpsError(f"{address} has no records", f"its list {self.items} is empty on the first page")
        taken.warnings = count.warnings(address)
        parts = urlsplit(address)
        if self.key_env and parts.scheme == "http" and parts.hostname not in ("localhost", "127.0.0.1", "::1"):
            taken.warnings.append("the key travelled unencrypted: does the API speak https?")
        if context.dry_run:
            taken.files = [Incoming(name, None, count=count.total if count.total is not None else None)]
        else:
            taken.files = [Incoming(name, path, count=len(count.seen))]
        return taken

    def _pages(self, client: Client, count: Count, context: Context) -> Iterator[list[Any]]:
        """The records of one page after the other."""
        last, page, before = 1, 0, None
        while page < last:
            page += 1
            where = f"{client.address}, page {page}"
            answer = client.get({self.page_param: str(page)}, where)
            self._same_page(answer, page, where)
            records = self._records(answer, where)
            total = _at(answer, self.total_pages)
            if isinstance(total, bool) or not isinstance(total, int | None):
                raise DataOpsError(f"{where}: {self.total_pages} is no number", "--total-pages names its key")
            if total is None and records and records == before:
                raise DataOpsError(f"{where} is the same as the page before", "is --page-param right?")
            last = total if total is not None else page + 1 if records else page
            results = answer.get("total_results") if isinstance(answer, dict) else None
            count.total = results if isinstance(results, int) else None
            limit = min(self.max_pages or MOST_PAGES, 1 if context.dry_run else MOST_PAGES)
            count.cut = last > limit
            last, before = min(last, limit), records
            context.progress(page, last, "fetching pages")
            yield records

    def _same_page(self, answer: Any, page: int, where: str) -> None:
        said = answer.get(self.page_param) if isinstance(answer, dict) else None
        if isinstance(said, int) and said != page:
            raise DataOpsError(f"{where}: the answer is page {said}", "is --page-param right?")

    def _records(self, answer: Any, where: str) -> list[Any]:
        records = answer if self.items == "." else _at(answer, self.items)
        if isinstance(records, list):
            wrong = next((record for record in records if not isinstance(record, dict)), None)
            if wrong is not None:
                raise DataOpsError(f"{where}: a record is not an object but {json.dumps(wrong)[:40]}")
            return records
        if isinstance(answer, list):
            raise DataOpsError(f"{where}: the answer itself is a list", "take it with --items .")
        lists = [key for key, value in answer.items() if isinstance(value, list)] if isinstance(answer, dict) else []
        known = ", ".join(list(answer)[:10]) if isinstance(answer, dict) else type(answer).__name__
        raise DataOpsError(
            f"{where}: the answer has no list {self.items}",
            f"--items {lists[0]}?" if lists else f"it has: {known}; --items names the key of the list",
        )

    def _address(self) -> str:
        """The URL without user, password and query, which may hold secrets."""
        parts = urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise DataOpsError("an API's address begins with https:// or http:// and a host")
        checks = {"rate": self.rate > 0, "timeout": self.timeout > 0, "retries": self.retries >= 0}
        checks["max-pages"] = self.max_pages is None or self.max_pages > 0
        for option, fine in checks.items():
            if not fine:
                raise DataOpsError(f"--{option} must be greater than 0")
        return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))

    def _client(self, address: str) -> Client:
        parts = urlsplit(self.url)
        if parts.username or parts.password:
            raise DataOpsError("the address holds a user or password", "give the key by --key-env and --key-header")
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        for pair in self.param or []:
            name, equals, value = pair.partition("=")
            if not equals or not name:
                raise DataOpsError("a --param is not K=V", "as --param language=en")
            query[name] = value
        headers = {}
        secrets = [value for value in query.values() if len(value) > 5]
        if self.key_env:
            key = os.environ.get(self.key_env, "").strip()
            if not key:
                raise DataOpsError(
                    f"the environment variable {self.key_env} is not set",
                    f"`export {self.key_env}=…`; it holds the key",
                )
            if re.search(r"[^\x21-\x7e ]", key):
                raise DataOpsError(f"the key in {self.key_env} holds characters that no key has")
            secrets = [key, *secrets]
            if self.key_header:
                headers[self.key_header] = key
            else:
                query[self.key_param or "api_key"] = key
        elif self.key_param or self.key_header:
            raise DataOpsError("name the environment variable that holds the key: --key-env")
        return Client(address, query, headers, secrets, self.rate, self.retries, self.timeout, self.backoff)


class Count:
    """What was received, for the comparison with what the API says it has."""

    def __init__(self) -> None:
        self.received = 0
        self.seen: set[str] = set()
        self.total: int | None = None
        self.cut = False  # not all pages were asked for

    def warnings(self, address: str) -> list[str]:
        """Where the numbers don't agree."""
        result = []
        if self.total is not None and not self.cut and self.total != self.received:
            result.append(f"{address} says it has {self.total} records and sent {self.received}")
        twice = self.received - len(self.seen)
        if twice:
            result.append(f"{twice} records came twice and were taken once: did the list move while it was read?")
        return result


def _at(answer: Any, path: str) -> Any:
    """The value that `data.items` leads to, None when there is none."""
    if isinstance(answer, dict) and path in answer:
        return answer[path]
    for step in path.split("."):
        answer = answer.get(step) if isinstance(answer, dict) else None
    return answer
