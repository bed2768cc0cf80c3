#!/bin/sh
# Run a program of the repository's environment on the code of the tree it is called in: an IDE's git and a shell that
# didn't activate .venv know nothing of it. An activated environment that has dataops is respected; else .venv is looked for upwards (a
# temporary experiment lies below the repository) and beside the first checkout (a worktree shares its). The tree's code
# comes before what PYTHONPATH has already.
PYTHONPATH=$PWD/src${PYTHONPATH:+:$PYTHONPATH}
export PYTHONPATH
if [ ! -x "${VIRTUAL_ENV:-}/bin/dataops" ]; then
  folder=$PWD
  while [ "$folder" != / ] && [ ! -x "$folder/.venv/bin/python" ]; do folder=$(dirname "$folder"); done
  if [ "$folder" = / ] && common=$(git rev-parse --git-common-dir 2>/dev/null); then
    folder=$(dirname "$(cd "$common" && pwd)")
  fi
  if [ -x "$folder/.venv/bin/python" ]; then
    PATH=$folder/.venv/bin:$PATH
    export PATH
  fi
fi
exec "$@"
