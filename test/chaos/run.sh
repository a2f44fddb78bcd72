#!/usr/bin/env bash
# Kills guard or the daemon at random moments of good and bad changes, and shows that `guard recover` finishes each:
#   npm run test:chaos -- --runs 200 --seed 7
set -euo pipefail
cd "$(dirname "$0")/../.."

npm run --silent build
bundle=node_modules/.cache/chaos.mjs
npx esbuild test/chaos/entry.mjs --bundle --loader:.sh=text --platform=node --format=esm --target=node20 --packages=external \
  --define:import.meta.dirname="\"$PWD/test/host\"" --log-level=warning --outfile="$bundle"
exec node "$bundle" "$@"
