# shellcheck shell=bash
# Sourced by what needs a real Docker engine: finds one, or ends the script with the reason. DOCKER_ENGINE names a script
# that brings one (`up` starts it and prints the exports for the client, `env` prints them, `down` ends it); without, one
# that already runs is used.
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
[[ -n ${DATAOPS_PIP_CONF:-} || ! -f /etc/pip.conf ]] || DATAOPS_PIP_CONF=/etc/pip.conf
[[ -n ${DATAOPS_CA:-} || ! -f ${PIP_CERT:-} ]] || DATAOPS_CA=$PIP_CERT
export DATAOPS_PIP_CONF=${DATAOPS_PIP_CONF:-} DATAOPS_CA=${DATAOPS_CA:-}
