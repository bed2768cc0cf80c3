"""DATA008: keys and passwords in the configuration of DVC and compose that git keeps, and in the URLs of records."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from dataops.guard.commit import Commit
from dataops.guard.findings import Finding, quoted

CONFIG = ".dvc/config"
PRIVATE = (".dvc/config.local",)  # DVC keeps it out of git, unless somebody forces it in
ENV = ".env"  # compose's, which may be others', too
ENV_KEY = re.compile(rb"^\s*(?:export\s+)?DATAOPS_S3_SECRET_ACCESS_KEY\s*=\s*[^\s#]", re.MULTILINE)
# options of DVC's remotes that let somebody in; an access key's id is told with its secret alone
OPTIONS = re.compile(
    r"^\s*[\"']?(secret_access_key|session_token|aws_secret_access_key|password|passphrase|connection_string|account_key|sas_token|"
    r"client_secret|gdrive_client_secret|gdrive_user_credentials|oss_key_secret|token|dvc_studio_token|access_token|private_key)[\"']?\s*=\s*(?!$|[\"']{2}\s*$)",
    re.IGNORECASE,
)
KEY_ID = re.compile(r"^\s*(access_key_id)\s*=\s*[\"']?(?:AKIA|ASIA)[0-9A-Z]{16}", re.IGNORECASE)
SECTION = re.compile(r"^\s*\[\s*(.*?)\s*\]\s*$")
REMOTE = re.compile(r"""^['"]?\s*remote\s+"([^"]+)"\s*['"]?$""")
KNOWN = r"(?:gh[pousr]_|github_pat_|glpat-|hf_)[^/\s@]+"
LOGIN = rf"(?:://(?:[^/\s:@]+:[^/\s@]+|{KNOWN})@|[?&](?:sig|token)=[^\s&])"
IN_URL = re.compile(rf"^\s*url\s*=.*{LOGIN}", re.IGNORECASE)
IN_RECORD = re.compile(rf"^[\s-]*(?:url|path|connection):.*{LOGIN}".encode(), re.IGNORECASE | re.MULTILINE)


def find(commit: Commit) -> Iterator[Finding]:
    """In the index, changed by this commit or not: it leaks either way."""
    for path in PRIVATE:
        if path in commit.tree:
            yield Finding(path, "is for this clone alone", (quoted("git", "rm", "-q", "--cached", "--", path),))
    if ENV in commit.tree and ENV_KEY.search(commit.content(ENV)):
        yield Finding(ENV, "holds the keys of compose's S3", (quoted("git", "rm", "-q", "--cached", "--", ENV),))
    section = ""
    for number, line in enumerate(commit.content(CONFIG).decode(errors="replace").splitlines(), 1):
        if header := SECTION.match(line):
            section = header[1]
        option = OPTIONS.match(line) or KEY_ID.match(line)
        if option:
            yield Finding(f"{CONFIG}:{number}", f"{option[1].lower()} of {section}", _moved(section, option[1].lower()))
        elif IN_URL.match(line):
            yield Finding(
                f"{CONFIG}:{number}",
                f"a password in the URL of {section}",
                (quoted("dvc", "remote", "modify", *_name(section), "url", "URL"), quoted("git", "add", CONFIG)),
            )
    yield from _in_records(commit)


def _in_records(commit: Commit) -> Iterator[Finding]:
    """`dvc import https://TOKEN@host/…` writes it into the .dvc file. Of those that the commit changes."""
    paths = sorted(
        path for path in commit.changed & commit.tree.keys() if path.endswith((".dvc", "dvc.yaml", "dvc.lock"))
    )
    for path, blob in zip(paths, commit.git.batch([commit.tree[path] for path in paths]), strict=True):
        found = IN_RECORD.search(blob.content) if blob else None
        if blob and found:
            number = blob.content.count(b"\n", 0, found.end()) + 1
            fix = ("# take it out by hand; git's own credential helper keeps it:", quoted("git", "add", "--", path))
            yield Finding(f"{path}:{number}", "a password or token in a URL", fix)


def _name(section: str) -> tuple[str, ...]:
    remote = REMOTE.match(section)
    return (remote[1],) if remote else ()


def _moved(section: str, option: str) -> tuple[str, ...]:
    """Into .dvc/config.local; the secret itself is not repeated here."""
    where = " ".join(_name(section)) or posixpath.basename(section)
    change = ("dvc", "remote", "modify") if _name(section) else ("dvc", "config")
    names = (where, option) if _name(section) else (f"{where}.{option}",)
    unset = ("dvc", "remote", "modify", "--unset", *names) if _name(section) else ("dvc", "config", "--unset", *names)
    return (
        f"{quoted(*change, '--local', *names)} VALUE",
        quoted(*unset),
        quoted("git", "add", CONFIG),
        "# and have a new one made wherever it was pushed already",
    )
