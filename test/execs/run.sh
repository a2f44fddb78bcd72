#!/usr/bin/env bash
# Runs many commands in a busy container, and compares output and status with what they had to be:
#   npm run test:execs -- --count 10000 --parallel 16
set -euo pipefail
cd "$(dirname "$0")/../.."

npm run --silent build
bundle=node_modules/.cache/execs.mjs
npx esbuild test/execs/entry.mjs --bundle --loader:.sh=text --platform=node --format=esm --target=node20 --packages=external \
  --define:import.meta.dirname="\"$PWD/test/host\"" --log-level=warning --outfile="$bundle"
exec node "$bundle" "$@"
