#!/usr/bin/env bash
# Build Dockerfile.dev and use it through compose with a real Docker engine, in a fresh clone of this repository's HEAD.
# DATAOPS_BASE_IMAGE is the base image; DOCKER_ENGINE may name a script that brings an engine.
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/ci/engine.sh

docker compose version >/dev/null 2>&1 || skip "this Docker has no compose"
base=${DATAOPS_BASE_IMAGE:-python:3.11-slim-bookworm}
docker image inspect "$base" >/dev/null 2>&1 || docker pull -q "$base" >/dev/null 2>&1 \
  || skip "$base, the base image, can't be pulled"
bash scripts/lint_compose.sh
python -m pytest -m container tests/container
