#!/usr/bin/env bash
# Resolve the pins again. Plain name==version lines: a uv.lock would hold the addresses of a registry.
set -euo pipefail
compile() {
  python -m uv pip compile -q --universal --python-version 3.11 --no-annotate --no-header --no-emit-index-url \
    pyproject.toml "$@" >/dev/null
}
compile --upgrade -o requirements/main.txt
compile --upgrade --extra dev -c requirements/main.txt -o requirements/dev.txt
compile --upgrade --extra sagemaker -c requirements/main.txt -o requirements/sagemaker.txt

# What the entry point needs and nothing else, for a training image: the pins of main.txt, and on Python 3.10, which
# AWS's images still have, the newest there are. `-` is the list of what src/pipeline/train.py imports.
constraints=$(mktemp)
trap 'rm -f "$constraints"' EXIT
sed -E "s/^([^ ;]+) ; (.*)$/\1 ; (\2) and python_full_version >= '3.11'/; t; s/$/ ; python_full_version >= '3.11'/" \
  requirements/main.txt >"$constraints"
printf '%s\n' lightgbm numpy pandas pyarrow |
  python -m uv pip compile -q --upgrade --universal --python-version 3.10 --no-annotate --no-header \
    --no-emit-index-url -c "$constraints" -o requirements/image.txt - >/dev/null
