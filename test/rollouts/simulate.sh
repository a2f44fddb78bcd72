#!/usr/bin/env bash
# Prints how long rollouts of up to 10,000 instances take and what they ask of their servers, by the planner's own decisions:
#   GUARD_RUN_MS=12000 GUARD_RUN_REQUESTS=43 GUARD_RUN_KB=283 bash test/rollouts/simulate.sh
set -euo pipefail
cd "$(dirname "$0")/../.."
bundle=node_modules/.cache/simulate-rollouts.mjs
npx esbuild test/rollouts/simulate.ts --bundle --platform=node --format=esm --target=node20 --packages=external --log-level=warning --outfile="$bundle"
exec node "$bundle"
