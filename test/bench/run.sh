#!/usr/bin/env bash
# Measures guard against the shell script of today and against Incus' own operations, side by side in one run:
#   npm run bench -- [--only kept-run,recovery] [--rounds 15] [--host bench] [--quick] [--write]
# --write puts the table into docs/benchmarks.md; --quick makes everything small, to see that it works.
set -euo pipefail
cd "$(dirname "$0")/../.."

bash test/prepare.sh
exec bash test/bundled.sh test/bench/entry.mjs "$@"
