#!/usr/bin/env bash
# Runs a script with a test host of its own, which it leaves running:
#   with-host.sh HOST SCRIPT [words for the script…]
# $GUARD_TEST_HOST names another host.
set -euo pipefail
cd "$(dirname "$0")/.."
host=${GUARD_TEST_HOST:-$1}
script=$2
shift 2

bash test/prepare.sh
test/host/host.sh up --name "$host"
eval "$(test/host/host.sh env --name "$host")"
exec node "$script" "$@"
