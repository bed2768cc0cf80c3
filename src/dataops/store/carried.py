"""This clone's own DVC settings for another work tree of it: remotes and the cache are found from there, too."""

from __future__ import annotations

import re
from pathlib import Path

from dataops.store import dvcconfig
from dataops.store.cache import Cache
from dataops.store.dvcconfig import COMMITTED, LOCAL
from dataops.store.staging import explained

PATHS = ("url", "configpath", "credentialpath", "keyfile")  # relative ones count from .dvc
ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://|~|/")


def carry(root: Path, cache: Cache, other: Path) -> None:
    """Write `other`/.dvc/config.local: what `root` has there, every relative path made absolute, and its cache.

    It may hold keys, so that nobody else may read it.

    Raises:
        DataOpsError: it can't be written, or a configuration can't be read.
    """
    config = dvcconfig.read(root / LOCAL)
    for source in (dvcconfig.read(root / COMMITTED), dvcconfig.read(root / LOCAL)):
        for section in map(str, source.sections):
            for key in PATHS if section.strip("' \"").startswith("remote") else ():
                value = dvcconfig.get(source, section, key)
                if value and not ADDRESS.match(value):
                    dvcconfig.put(config, section, key, str((root / ".dvc" / value).resolve()))
    dvcconfig.put(config, "cache", "dir", str(cache.folder))
    try:
        dvcconfig.write(other / LOCAL, config, 0o600)
    except OSError as error:
        raise explained(error, other) from None
