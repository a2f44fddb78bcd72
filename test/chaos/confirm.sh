#!/usr/bin/env bash
# Kills guard, the agent, a confirmation or the daemon at random moments while a change waits for its confirmation, and shows
# that each change ends as confirmed or as rolled back:
#   npm run test:confirm -- --runs 50 --seed 1
set -euo pipefail
cd "$(dirname "$0")/../.."

npm run --silent build
bundle=node_modules/.cache/chaos-confirm.mjs
npx esbuild test/chaos/confirm-entry.mjs --bundle --loader:.sh=text --platform=node --format=esm --target=node20 --packages=external \
  --define:import.meta.dirname="\"$PWD/test/host\"" --log-level=warning --outfile="$bundle"
exec node "$bundle" "$@"
