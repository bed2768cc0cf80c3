#!/usr/bin/env bash
# The service s3: the embedded S3 in /store, and a relay that is all of it which other containers and the host reach.
# weed stays on loopback, because it opens a port without keys beside every port of S3.
set -euo pipefail
trap 'kill $(jobs -p) 2>/dev/null; exit 0' TERM INT
if [[ ! -w /store ]]; then
  echo "error: the volume s3 belongs to user $(stat -c %u /store), and this is user $(id -u)" >&2
  echo " hint: docs/container.md, \"Another user\"" >&2
  exit 2
fi
dataops store serve /store --port 8334 &
socat TCP-LISTEN:8333,fork,reuseaddr TCP:127.0.0.1:8334 &
status=0
wait -n || status=$? # one is of no use without the other
((status != 137)) || echo "error: killed, as what needs more than DATAOPS_S3_MEMORY of .env is" >&2
exit "$status"
