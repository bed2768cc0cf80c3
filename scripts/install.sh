#!/usr/bin/env bash
# Install one set of pins (main, dev or sagemaker), this repository's own package, and the git hooks.
set -euo pipefail
set=$1
echo "installing requirements/$set.txt"
python -m uv pip install -q --python "$(command -v python)" -r "requirements/$set.txt"
python -m uv pip install -q --python "$(command -v python)" --no-deps -e .
# beside hooks that are there already; a hooks path set by the user or a CI system is theirs
if git rev-parse --git-dir >/dev/null 2>&1; then
  python -m dataops hook install
fi
