#!/usr/bin/env bash
# The Debian packages in fresh containers of bookworm and trixie, and lintian. Words are handed on to vitest.
set -euo pipefail
cd "$(dirname "$0")/../.."

bash test/prepare.sh
for command in lintian:lintian x86_64-linux-gnu-strip:binutils; do
  command -v "${command%:*}" >/dev/null || apt-get install --yes --no-install-recommends "${command#*:}"
done
host=${GUARD_TEST_HOST:-packages}
test/host/host.sh up --name "$host"
test/host/host.sh image --suite trixie --name "$host"
eval "$(test/host/host.sh env --name "$host")"

out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
mkdir "$out/old"
node packaging/single-file.mjs "$out" x64
# Packed quickly: what is in them is what matters here.
export COMPRESSION=gzip
for name in guard guard-static; do
  program=dist
  [ "$name" = guard ] || program=$out/guard-linux-x64
  DEBIAN_VERSION=0.0.9 packaging/debian/build.sh "$name" "$program" "$out/old"
  packaging/debian/build.sh "$name" "$program" "$out"
done
GUARD_TEST_PACKAGES=$out npx vitest run --project packages "$@"
# The commands that depend most on how the program is packed, from the single executable.
GUARD_TEST_PROGRAM=$out/guard-linux-x64 npx vitest run --project e2e test/e2e/{hook,run,doctor,evidence}.test.ts
