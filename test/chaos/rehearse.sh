#!/usr/bin/env bash
# Kills guard or the daemon at random moments of rehearsals, and shows that `guard recover` removes the copy and that the
# instance is untouched:
#   npm run test:rehearse -- --runs 100 --seed 1
set -euo pipefail
cd "$(dirname "$0")/../.."

npm run --silent build
bundle=node_modules/.cache/chaos-rehearsal.mjs
npx esbuild test/chaos/rehearsal-entry.mjs --bundle --loader:.sh=text --platform=node --format=esm --target=node20 --packages=external \
  --define:import.meta.dirname="\"$PWD/test/host\"" --log-level=warning --outfile="$bundle"
exec node "$bundle" "$@"
