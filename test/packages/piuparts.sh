#!/usr/bin/env bash
# piuparts.sh IMAGE DEB…: installs, removes and purges in a chroot made from an image of the tests' Incus; piuparts compares
# the file system before and after. An upgrade it can only test from packages of an archive: packages.test.ts does that.
set -euo pipefail
image=$1
shift

folder=$(mktemp -d)
trap 'rm -rf --one-file-system "$folder"' EXIT
incus image export "$image" "$folder/image" >/dev/null
unsquashfs -quiet -no-progress -dest "$folder/chroot" "$folder/image.root" >/dev/null
# The image has changed its configuration, which piuparts would report.
chroot "$folder/chroot" dpkg --purge dhcpcd-base >/dev/null 2>&1

for package in "$@"; do
  for way in --install-purge-install --install-remove-install; do
    piuparts --existing-chroot "$folder/chroot" --keep-sources-list --no-eatmydata --no-upgrade-test --pedantic-purge-test \
      "$way" "$package" >"$folder/log" 2>&1 || {
      grep -v ' DEBUG: ' "$folder/log" | tail -n 60 >&2
      exit 1
    }
    grep -E ' (INFO|ERROR): (PASS|FAIL)' "$folder/log" | sed "s/^[0-9.ms]* /$(basename "$package") $image $way: /"
  done
done
