#!/usr/bin/env bash
# What a fresh clone lacks: the dependencies of package-lock.json, and the built program.
set -euo pipefail
cd "$(dirname "$0")/.."

if ! cmp -s package-lock.json node_modules/.guard-lock; then
  # Not `npm ci`: it wants a lock entry for every platform's optional binary, and some registries do not have them all.
  npm install --no-save --ignore-scripts --no-audit --no-fund --loglevel=error
  cp package-lock.json node_modules/.guard-lock
fi
node build.mjs
