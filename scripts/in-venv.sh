#!/bin/sh
# Run a program of the repository's .venv: an IDE's git knows nothing of it, and a worktree shares the first one's.
top=$(git rev-parse --show-toplevel) || exit 2
common=$(cd "$(git rev-parse --git-common-dir)" && pwd) || exit 2
for root in "$top" "$(dirname "$common")"; do
  if [ -x "$root/.venv/bin/python" ]; then
    PATH=$root/.venv/bin:$PATH
    export PATH
    break
  fi
done
exec "$@"
