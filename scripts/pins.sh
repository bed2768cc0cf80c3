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
