#!/usr/bin/env bash
# Measures guard against the shell script of today and against Incus' own operations, side by side in one run:
#   npm run bench -- [--only kept-run,recovery] [--rounds 15] [--host bench] [--quick] [--write]
# --write puts the table into docs/benchmarks.md; --quick makes everything small, to see that it works.
set -euo pipefail
cd "$(dirname "$0")/../.."

bash test/prepare.sh
bundle=node_modules/.cache/bench.mjs
npx esbuild test/bench/entry.mjs --bundle --loader:.sh=text --platform=node --format=esm --target=node20 --packages=external \
  --define:import.meta.dirname="\"$PWD/test/host\"" --log-level=warning --outfile="$bundle"
exec node "$bundle" "$@"
