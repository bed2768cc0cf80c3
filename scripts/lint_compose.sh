#!/usr/bin/env bash
# Is docker-compose.yml what compose understands, without a .env and with what scripts/compose_env.sh makes?
set -euo pipefail
cd "$(dirname "$0")/.."
if ! docker compose version >/dev/null 2>&1; then
  echo "skipped: docker-compose.yml is not checked, as there is no \`docker compose\` here"
  exit 0
fi
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mkdir "$folder/scripts"
cp docker-compose.yml "$folder"
cp scripts/compose_env.sh "$folder/scripts"
cd "$folder"
if said=$(docker compose config --quiet 2>&1); then
  echo "docker-compose.yml: without .env compose should refuse, and it doesn't" >&2
  exit 1
elif [[ $said != *"scripts/compose_env.sh"* ]]; then
  printf '%s\n' "$said" >&2
  exit 1
fi
bash scripts/compose_env.sh >/dev/null
docker compose config --quiet
