"""An old bucket beside the toy's remote."""

from __future__ import annotations

import itertools

import pytest
from oldbucket import OldBucket

from dataops.store.dvcconfig import Remote

NUMBER = itertools.count(1)


@pytest.fixture
def bucket(server: Remote) -> OldBucket:
    """Empty, and nobody else's."""
    return OldBucket(server, f"old-{next(NUMBER)}")
