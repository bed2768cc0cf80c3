#!/usr/bin/env bash
# Build Dockerfile.train with a real Docker engine and train in it, without a network: the model has to be the one that
# this machine trains. DOCKER_ENGINE names a script that brings an engine (`up` starts one and prints the exports for
# the client, `env` prints them, `down` ends it); without, one that already runs is used. BASES are the base images.
set -euo pipefail
cd "$(dirname "$0")/.."
engine=${DOCKER_ENGINE:-}
skip() { echo "skipped: $*"; exit 0; }

if [[ -n $engine ]]; then
  [[ -x $engine ]] || skip "$engine, which should bring a Docker engine, is not on this machine"
  ours=$(dirname "$(command -v python)")
  eval "$("$engine" env)"
  if ! docker version >/dev/null 2>&1; then
    trap '"$engine" down' EXIT
    "$engine" up >/dev/null || skip "$engine up failed: no Docker engine"
  fi
  PATH=$ours:$PATH # this repository's environment first, then the client of the engine
fi
docker version >/dev/null 2>&1 || skip "no Docker engine runs here, and DOCKER_ENGINE names none"

# a private certificate authority and a package mirror are the machine's, never the image's
secrets=()
[[ -f /etc/pip.conf ]] && secrets+=(--secret id=pip_conf,src=/etc/pip.conf)
[[ -f ${PIP_CERT:-} ]] && secrets+=(--secret "id=ca,src=$PIP_CERT")
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
