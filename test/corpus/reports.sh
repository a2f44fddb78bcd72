#!/usr/bin/env bash
# Changes after public bug reports, as files of shell: see case-files.mjs and docs/verdict-cases.md. Takes half an hour.
set -euo pipefail
cd "$(dirname "$0")/../.."
bash test/prepare.sh
host=${GUARD_TEST_HOST:-reports}
test/host/host.sh up --name "$host"
eval "$(test/host/host.sh env --name "$host")"
exec node test/corpus/case-files.mjs "$@"
