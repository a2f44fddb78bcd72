#!/usr/bin/env bash
# Builds guard, bundles an entry of the tests and runs it:
#   bundled.sh ENTRY [words for the entry…]
set -euo pipefail
cd "$(dirname "$0")/.."
entry=$1
shift

npm run --silent build
bundle=node_modules/.cache/$(echo "${entry%.mjs}" | tr / -).mjs
npx esbuild "$entry" --bundle --loader:.sh=text --platform=node --format=esm --target=node20 --packages=external \
  --define:import.meta.dirname="\"$PWD/test/host\"" --log-level=warning --outfile="$bundle"
exec node "$bundle" "$@"
