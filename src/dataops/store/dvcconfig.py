"""DVC's configuration files (configobj's format), read and edited without dvc: what we don't change stays as it is."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import platformdirs
from configobj import ConfigObj, ConfigObjError, Section

from dataops import files
from dataops.errors import DataOpsError

COMMITTED, LOCAL = Path(".dvc/config"), Path(".dvc/config.local")
STORAGE, EMBEDDED = "storage", "embedded"  # the team's remote; the one that stands in for it
KEYS = ("access_key_id", "secret_access_key", "session_token")


@dataclass(frozen=True)
class Remote:
    """One DVC remote on S3, its options from every file merged. Its keys are never shown."""

    name: str
    url: str
    endpoint_url: str | None = None
    region: str | None = None
    profile: str | None = None
    access_key_id: str | None = field(default=None, repr=False)
    secret_access_key: str | None = field(default=None, repr=False)
    session_token: str | None = field(default=None, repr=False)
    verify: bool | str | None = None
    anonymous: bool = False  # a public bucket: requests aren't signed
    defined_in: str = ""
    """The file that names the URL, relative to the repository where it is inside."""

    @property
    def bucket(self) -> str:
        """The first part of the URL."""
        return self.url.removeprefix("s3://").partition("/")[0]

    @property
    def prefix(self) -> str:
        """What follows the bucket, without slashes around it."""
        return self.url.removeprefix("s3://").partition("/")[2].strip("/")


def read(path: Path) -> ConfigObj:
    """A configuration file, empty where there is none.

    Raises:
        DataOpsError: DVC couldn't read it either.
    """
    try:
        return parse(path.read_text() if path.is_file() else "", str(path))
    except UnicodeDecodeError as error:
        raise DataOpsError(f"{path} can't be read: {error}", "repair it by hand, or restore it from git") from None


def parse(text: str, name: str) -> ConfigObj:
    """A configuration file's content; `name` is for the error.

    Raises:
        DataOpsError: DVC couldn't read it either.
    """
    lines = text.splitlines()
    try:
        return ConfigObj(lines, interpolation=False, indent_type=None if lines else "    ")
    except ConfigObjError as error:
        raise DataOpsError(f"{name} can't be read: {error}", "repair it by hand, or restore it from git") from None


def write(path: Path, config: ConfigObj, mode: int | None = None) -> None:
    """Replace the file in one step, unless nothing changed; `mode` defaults to the file's own."""
    lines = config.write()
    text = "\n".join(lines) + "\n" if any(lines) else ""
    if mode is None:
        mode = path.stat().st_mode & 0o777 if path.is_file() else 0o644
    if path.is_file() and path.read_text() == text and path.stat().st_mode & 0o777 == mode:
        return
    files.write_text(path, text, mode)


def levels(root: Path) -> list[tuple[str, ConfigObj]]:
    """Every file that DVC merges, the strongest last: system, account, repository, this clone."""
    here = [(str(path), root / path) for path in (COMMITTED, LOCAL)]
    return outside() + [(name, read(path)) for name, path in here if path.is_file()]


def outside() -> list[tuple[str, ConfigObj]]:
    """What DVC reads whatever the repository: the system's file and the account's."""
    system = os.environ.get("DVC_SYSTEM_CONFIG_DIR") or platformdirs.site_config_dir("dvc", "iterative")
    account = os.environ.get("DVC_GLOBAL_CONFIG_DIR") or platformdirs.user_config_dir("dvc", "iterative")
    paths = [Path(system) / "config", Path(account) / "config"]
    return [(str(path), read(path)) for path in paths if path.is_file()]


def get(config: ConfigObj, section: str, key: str) -> str | None:
    """One value; names are compared as DVC compares them, in lower case."""
    found = _section(config, section)
    values = {str(name).lower(): value for name, value in found.items()} if found is not None else {}
    return str(values[key]) if key in values else None


def put(config: ConfigObj, section: str, key: str, value: str | None) -> None:
    """Set one value, or take it away (and a section that it leaves empty) where `value` is None."""
    found = _section(config, section)
    if found is None:
        if value is None:
            return
        config[section] = {}
        found = config[section]
    existing = next((name for name in found if str(name).lower() == key), key)
    if value is not None:
        found[existing] = value
    elif existing in found:
        del found[existing]
        if not found:
            drop(config, section)


def drop(config: ConfigObj, section: str) -> bool:
    """Remove a whole section; says whether it was there."""
    found = _section(config, section)
    if found is not None:
        del config[found.name]
    return found is not None


def remote_section(name: str) -> str:
    """The section's name as DVC writes it."""
    return f'remote "{name}"'


def default_remote(named: Sequence[tuple[str, ConfigObj]]) -> tuple[str | None, str]:
    """The default remote's name and the file that chose it."""
    chosen: tuple[str | None, str] = (None, "")
    for file, config in named:
        if name := get(config, "core", "remote"):
            chosen = (name.lower(), file)
    return chosen


def options_of(named: Sequence[tuple[str, ConfigObj]], name: str) -> dict[str, str]:
    """Every option of the remote `name`, the strongest file's value."""
    options: dict[str, str] = {}
    for _, config in named:
        found = _section(config, remote_section(name))
        options |= {str(key).lower(): str(value) for key, value in (found or {}).items()}
    return options


def defined_in(named: Sequence[tuple[str, ConfigObj]], name: str) -> str:
    """The file that names the remote's URL; empty where none does."""
    return next((file for file, config in reversed(named) if get(config, remote_section(name), "url")), "")


def merged(named: Sequence[tuple[str, ConfigObj]], name: str) -> Remote | None:
    """The remote `name` as DVC sees it, or None where no file gives it a URL."""
    options = options_of(named, name)
    return remote_of(name, options, defined_in(named, name)) if "url" in options else None


def remote_of(name: str, options: Mapping[str, str], defined_in: str) -> Remote:
    """A remote out of its options, among them the URL."""
    verify = options.get("ssl_verify")
    return Remote(
        name=name,
        url=options["url"],
        endpoint_url=options.get("endpointurl"),
        verify={"true": True, "false": False}.get(verify.lower(), verify) if verify else None,
        anonymous=options.get("allow_anonymous_login", "").lower() == "true",
        defined_in=defined_in,
        **{key: options.get(key) for key in ("region", "profile", *KEYS)},
    )


def _section(config: ConfigObj, name: str) -> Section | None:
    """A section, however its name is spaced and capitalised."""

    def plain(text: str) -> str:
        return re.sub(r"\s+", " ", text.strip().lower())

    return next((config[found] for found in config.sections if plain(found) == plain(name)), None)
