#!/usr/bin/env bash
# Harms services in many ways, with no configuration: see mutations.mjs. Takes an hour or more.
set -euo pipefail
cd "$(dirname "$0")/../.."
bash test/prepare.sh
host=${GUARD_TEST_HOST:-mutations}
test/host/host.sh up --name "$host"
eval "$(test/host/host.sh env --name "$host")"
exec node test/mutations/run.mjs "$@"
