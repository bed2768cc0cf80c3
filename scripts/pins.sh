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


# What a training image installs, for Python 3.10 too, which AWS's images still have. There the newest versions that
# exist for it, elsewhere the pins of the file named first. `-` is the list of what is wanted.
training() {
  local like=$1 out=$2
  python -m uv pip compile -q --upgrade --universal --python-version 3.10 --no-annotate --no-header \
    --no-emit-index-url -o "$out" -c <(sed -E "
      s/^([^ ;]+) ; (.*)$/\1 ; (\2) and python_full_version >= '3.11'/; t
      s/$/ ; python_full_version >= '3.11'/" "$like") "${@:3}" - >/dev/null
}
entry=(lightgbm numpy pandas pyarrow)  # what src/pipeline/train.py imports
printf '%s\n' "${entry[@]}" | training requirements/main.txt requirements/image.txt
# and AWS's toolkit, which Dockerfile.train has besides
printf '%s\n' "${entry[@]}" sagemaker-training | training requirements/dev.txt requirements/toolkit.txt -c requirements/image.txt
