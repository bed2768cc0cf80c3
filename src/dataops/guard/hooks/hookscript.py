"""What is written into git's hooks folder and configuration: short shell scripts that find this environment again."""

from __future__ import annotations

import shlex

MADE = "`make install`, or call git in the container (`make shell`)"
MARK = "made by `dataops hook install`"
OWN = ".own"  # beside our script: the hook that was there before it, which it runs first
TYPES = ("pre-push", "post-checkout", "post-merge", "post-rewrite", "post-index-change")
DRIVER = "dataops"
ANCESTOR = "dataops-ancestor"  # what git calls for the merge base that it makes of several
SCRIPT = """\
#!/bin/sh
# {name}, {mark}; that or `make install` renews it
own=$0{own}
{body}"""
# a container and its host share one .git, and only the container says where its environment is
FIND = """\
python=${{DATAOPS_VENV:-/nowhere}}/bin/python
if [ ! -x "$python" ]; then python={python}; fi
if [ ! -x "$python" ]; then python=$PWD/.venv/bin/python; fi
if [ ! -x "$python" ]; then
  echo "dataops: no Python environment: {told}" >&2
  exit {status}
fi
"""
# git hands every ref on standard input, and it can be read once; -P: nothing of the work tree is imported
PUSH = """\
refs=$(cat)
if [ -x "$own" ]; then printf '%s\\n' "$refs" | "$own" "$@" || exit; fi
{find}printf '%s\\n' "$refs" | "$python" -P -m dataops hook pre-push -- "$@"
"""
AFTER = """\
if [ -x "$own" ]; then "$own" "$@" || exit; fi
{find}"$python" -P -m dataops hook {name} -- "$@" </dev/null || exit 0
"""
# git runs it whenever it has written its index, also at the end of a merge that stops at a conflict
MERGED_LIST = "dataops-merged"  # in git's folder: the .dvc files that the merge driver has written
INDEX = """\
if [ -x "$own" ]; then "$own" "$@" || exit; fi
folder=${{GIT_DIR:-.git}}
[ -d "$folder" ] || folder=$(git rev-parse --git-dir)
[ -f "$folder/{merged}" ] || exit 0
{find}"$python" -P -m dataops hook post-index-change -- "$@" </dev/null || exit 0
"""
# statuses of its own for "merged" and "conflict": with any other (no environment, an old one) git's text merge does it
MERGE = (
    'p=${{DATAOPS_VENV:-/nowhere}}/bin/python; [ -x "$p" ] || p={python}; [ -x "$p" ] || p=$PWD/.venv/bin/python; '
    '"$p" -P -m dataops hook merge-driver{flags} --ancestor %O --our %A --their %B --path=%P; '
    "case $? in 40) exit 0;; 41) exit 1;; *) git merge-file -L ours -L ancestor -L theirs %A %O %B;; esac"
)
MERGED, CONFLICT = 40, 41


def script(name: str, python: str) -> str:
    """The hook `name` (one of TYPES), which runs `python`."""
    if name == "pre-push":
        told, status = f"{MADE}; `git push --no-verify` pushes without a look at the data", "1"
    else:
        told, status = f"{MADE}; the data was left as it was", "0"
    find = FIND.format(python=shlex.quote(python), told=told.replace("`", "\\`"), status=status)
    form = {"pre-push": PUSH, "post-index-change": INDEX}.get(name, AFTER)
    body = form.format(find=find, name=name, merged=MERGED_LIST)
    return SCRIPT.format(name=name, mark=MARK, own=OWN, body=body)


def driver(python: str, *, ancestor: bool = False) -> str:
    """The command of the merge driver, as git's configuration holds it."""
    return MERGE.format(python=shlex.quote(python).replace("%", "%%"), flags=" --virtual" if ancestor else "")
