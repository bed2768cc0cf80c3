#!/usr/bin/env bash
# Build Dockerfile.train with a real Docker engine and train in it, without a network: the model has to be the one that
# this machine trains. BASES are the base images; DOCKER_ENGINE may name a script that brings an engine.
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/ci/engine.sh

secrets=()
[[ -z $DATAOPS_PIP_CONF ]] || secrets+=(--secret "id=pip_conf,src=$DATAOPS_PIP_CONF")
[[ -z $DATAOPS_CA ]] || secrets+=(--secret "id=ca,src=$DATAOPS_CA")
images=()
for base in ${BASES:-python:3.11-slim-bookworm}; do
  if ! docker image inspect "$base" >/dev/null 2>&1 && ! docker pull -q "$base" >/dev/null 2>&1; then
    echo "skipped: $base, a base image, can't be pulled"
    continue
  fi
  image=dataops-train:${base//[^a-zA-Z0-9.]/-}
  SECONDS=0
  DOCKER_BUILDKIT=1 docker build -q -f Dockerfile.train --build-arg "BASE_IMAGE=$base" "${secrets[@]}" -t "$image" . >/dev/null
  size() { docker image inspect -f '{{.Size}}' "$1"; }
  echo "$image: built in $SECONDS s; $((($(size "$image") - $(size "$base")) / 1000000)) MB over its base image"
  images+=("$image")
done
[[ ${#images[@]} -gt 0 ]] || exit 0
DATAOPS_TEST_IMAGES="${images[*]}" python -m pytest -m image tests/training/test_image.py
