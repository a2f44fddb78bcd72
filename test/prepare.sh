#!/usr/bin/env bash
# What a fresh clone lacks: the dependencies of package-lock.json, and the built program.
set -euo pipefail
cd "$(dirname "$0")/.."

# A node_modules that is a link belongs to another checkout.
if [ ! -L node_modules ] && ! cmp -s package-lock.json node_modules/.guard-lock; then
  npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
  cp package-lock.json node_modules/.guard-lock
fi
node build.mjs
