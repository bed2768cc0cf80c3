"""The environment that git runs with, whoever called this."""

from __future__ import annotations

import os
from pathlib import Path

# a replaced commit would be read under the real one's id
ALWAYS = {"LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0", "GIT_NO_REPLACE_OBJECTS": "1"}
# what a hook inherits, and what is wrong for every other repository (`git rev-parse --local-env-vars`, less -c's)
LOCAL = (
    *("GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_OBJECT_DIRECTORY", "GIT_DIR", "GIT_WORK_TREE", "GIT_IMPLICIT_WORK_TREE"),
    *("GIT_GRAFT_FILE", "GIT_INDEX_FILE", "GIT_NO_REPLACE_OBJECTS", "GIT_REPLACE_REF_BASE", "GIT_PREFIX"),
    *("GIT_SHALLOW_FILE", "GIT_COMMON_DIR", "GIT_NAMESPACE", "GIT_QUARANTINE_PATH", "GIT_INTERNAL_SUPER_PREFIX"),
)


def environment(folder: Path) -> dict[str, str]:
    """What git runs with: no prompt, English messages, and nothing that a hook of another repository passed on."""
    own = _own(folder)
    return {name: value for name, value in os.environ.items() if own or name not in LOCAL} | ALWAYS


def apart() -> dict[str, str]:
    """The same with nothing that any hook passed on."""
    return {name: value for name, value in os.environ.items() if name not in LOCAL} | ALWAYS


def _own(folder: Path) -> bool:
    """Do GIT_DIR and GIT_INDEX_FILE mean the repository in `folder`?"""
    said = os.environ.get("GIT_DIR") or os.path.split(os.environ.get("GIT_INDEX_FILE", ""))[0]
    if not said:
        return not os.environ.get("GIT_INDEX_FILE")
    mine = folder / ".git" if (folder / ".git").exists() else folder
    if mine.is_file():
        mine = folder / mine.read_text(errors="replace").removeprefix("gitdir:").strip()
    elif mine == folder and os.path.realpath(os.environ.get("GIT_WORK_TREE", "")) == os.path.realpath(folder):
        return True  # `git --git-dir=… --work-tree=…`
    own = os.path.realpath(mine)
    return own in (os.path.realpath(said), os.path.realpath(folder / said))
