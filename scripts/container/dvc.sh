#!/usr/bin/env bash
# The service dvc: git's identity and hooks, S3 at the same loopback address as on the host, the remote; then it waits
# to be used. `docker compose exec dvc bash` is a shell in it.
set -euo pipefail
trap 'kill $(jobs -p) 2>/dev/null; exit 0' TERM INT
rm -f /tmp/ready
cd /workspace
for folder in /workspace /cache; do
  if [[ ! -w $folder && $(stat -c %u "$folder") == $(id -u) ]]; then
    echo "error: $folder is this user's and can't be written: read-only, or SELinux is in the way" >&2
    echo " hint: docs/container.md, \"SELinux\"" >&2
    exit 2
  elif [[ ! -w $folder ]]; then
    echo "error: $folder belongs to user $(stat -c %u "$folder"), and this is user $(id -u)" >&2
    echo " hint: \`make up\` builds the image for the user that .env names; docs/container.md, \"Another user\"" >&2
    exit 2
  fi
done
# an empty name would be worse than none: git would say so at every commit
[[ -z ${DATAOPS_GIT_NAME:-} ]] || git config --global user.name "$DATAOPS_GIT_NAME"
[[ -z ${DATAOPS_GIT_EMAIL:-} ]] || git config --global user.email "$DATAOPS_GIT_EMAIL"

socat "TCP-LISTEN:$DATAOPS_S3_PORT,bind=127.0.0.1,fork,reuseaddr" TCP:s3:8333 &
relay=$!
# what fails now can be mended from inside: an old commit is checked out, the S3's disk is full, a file has a wrong line
if git rev-parse --git-dir >/dev/null 2>&1; then
  dataops hook install || echo "warning: git's hooks may not work: \`dataops doctor\` says why" >&2
fi
dataops store connect --compose || echo "warning: the remote may not work; again: \`dataops store connect --compose\`" >&2
: >/tmp/ready
wait "$relay"
