#!/usr/bin/env bash
# The Debian packages in fresh containers of bookworm, trixie and sid, lintian and piuparts, and the single executable in the
# end-to-end tests that depend on it. Words are handed on to vitest.
set -euo pipefail
cd "$(dirname "$0")/../.."

for command in lintian:lintian piuparts:piuparts x86_64-linux-gnu-strip:binutils; do
  command -v "${command%:*}" >/dev/null || apt-get install --yes --no-install-recommends "${command#*:}"
done
host=${GUARD_TEST_HOST:-packages}
test/host/host.sh up --name "$host"
declare -A images
GUARD_TEST_IMAGES=''
for suite in bookworm trixie sid; do
  images[$suite]=$(test/host/host.sh image --suite "$suite" --name "$host")
  GUARD_TEST_IMAGES+="${GUARD_TEST_IMAGES:+ }$suite=${images[$suite]}"
done
eval "$(test/host/host.sh env --name "$host")"

out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
mkdir "$out/old"
# Packed quickly: what is in them is what matters here.
export COMPRESSION=gzip

# build FOLDER: both packages.
build() {
  bash test/prepare.sh
  node packaging/single-file.mjs "$1" x64
  packaging/debian/build.sh guard dist "$1"
  packaging/debian/build.sh guard-static "$1/guard-linux-x64" "$1"
}
GUARD_COMMIT=previous DEBIAN_VERSION=0.0.9 build "$out/old"
build "$out"

export GUARD_TEST_IMAGES GUARD_TEST_PACKAGES=$out
npx vitest run --project packages "$@"
test/packages/piuparts.sh "${images[bookworm]}" "$out"/guard-static_*.deb
test/packages/piuparts.sh "${images[trixie]}" "$out"/guard_*.deb
# The commands that depend most on how the program is packed, from the single executable.
GUARD_TEST_PROGRAM=$out/guard-linux-x64 npx vitest run --project e2e test/e2e/{hook,run,doctor,evidence}.test.ts
