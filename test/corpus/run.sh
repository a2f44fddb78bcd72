#!/usr/bin/env bash
# Real upgrades of real packages, with no configuration: see cases.mjs. Takes half an hour or more.
set -euo pipefail
cd "$(dirname "$0")/../.."
bash test/prepare.sh
host=${GUARD_TEST_HOST:-corpus}
test/host/host.sh up --name "$host"
eval "$(test/host/host.sh env --name "$host")"
exec node test/corpus/run.mjs "$@"
