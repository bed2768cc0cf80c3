#!/usr/bin/env bash
# Make .env, which compose reads: who you are, a port, and keys for the embedded S3. What is there already stays as it
# is, so this may run before every `docker compose up`, as `make up` does.
set -euo pipefail
cd "$(dirname "$0")/.."
file=.env
# an empty value counts for nothing, as compose would refuse it
has() { [[ -f $file ]] && grep -qE "^[[:space:]]*(export[[:space:]]+)?$1[[:space:]]*=[[:space:]]*[^[:space:]]" "$file"; }
hex() { od -An -N"$1" -tx1 /dev/urandom | tr -d ' \n'; }
taken() { (: <"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }
quoted() { # in single quotes compose expands nothing but \'
  printf "'%s'" "$(printf %s "$1" | tr -d '\\\n' | sed "s/'/\\\\'/g")"
}
add() { has "$1" || printf '%s=%s\n' "$1" "$2" >>"$part"; }

if [[ -e $file && ! -f $file ]]; then
  echo "error: $file is no file" >&2
  echo " hint: remove it; this makes one" >&2
  exit 2
fi
umask 077 # the keys are yours alone
part=$(mktemp "$file.part.XXXXXX") # of this run alone: one that was killed, or runs beside it, wrote another
trap 'rm -f "$part"' EXIT
if [[ -f $file ]]; then
  cat "$file" >"$part"
else
  echo '# Made by scripts/compose_env.sh for compose; git ignores it. Yours to edit: what is here stays.' >"$part"
fi
[[ -z $(tail -c 1 "$part") ]] || echo >>"$part"

# the folder's path is in both, so that two clones share neither volumes nor port
hash=$(printf %s "$PWD" | cksum | cut -d' ' -f1)
name=$(basename "$PWD" | tr '[:upper:]' '[:lower:]' | tr -cd 'a-z0-9_-' | sed 's/^[_-]*//')
add COMPOSE_PROJECT_NAME "${name:-dataops}-$(printf '%06x' $((hash % 0xffffff)))"
port=$((10240 + hash % 12000))
has DATAOPS_S3_PORT || while taken $port; do port=$((port + 1)); done
add DATAOPS_S3_PORT "$port"
add DATAOPS_S3_ACCESS_KEY_ID "$(hex 10)"
add DATAOPS_S3_SECRET_ACCESS_KEY "$(hex 20)"

# files that are made in the container are yours; where the engine runs without root, its root is you
uid=$(id -u) gid=$(id -g)
if docker info --format '{{.SecurityOptions}}' 2>/dev/null | grep -q rootless; then uid=0 gid=0; fi
add DATAOPS_UID "$uid"
add DATAOPS_GID "$gid"
add DATAOPS_GIT_NAME "$(quoted "$(git config user.name || true)")"
add DATAOPS_GIT_EMAIL "$(quoted "$(git config user.email || true)")"

# a copied folder has the first one's name: `up` in it would take the first one's containers away, with what runs in them
project=$(sed -n 's/^COMPOSE_PROJECT_NAME=//p' "$part" | tail -n 1)
other=$(docker ps -a --filter "label=com.docker.compose.project=$project" \
  --format '{{.Label "com.docker.compose.project.working_dir"}}' 2>/dev/null | head -n 1 || true)
if [[ -n $other && -f $other/.env && ! $other -ef $PWD ]]; then
  echo "error: $file names the containers of $other" >&2
  echo " hint: a copy of that folder? \`rm .env\` here. The same, moved? \`docker compose down\` first" >&2
  exit 2
fi

if cmp -s "$part" "$file"; then exit 0; fi
[[ -f $file ]] && verb=completed || verb=made
mv "$part" "$file"
echo "$file $verb: project, port and keys of compose's S3, your user id and git identity"
