#!/usr/bin/env bash
# Does the embedded S3 answer at this port of the loopback address? A healthcheck: no Python, which takes its time.
set -euo pipefail
exec 3<>"/dev/tcp/127.0.0.1/$1"
printf 'GET /healthz HTTP/1.0\r\n\r\n' >&3
read -r status <&3
[[ $status == *" 200 "* ]]
