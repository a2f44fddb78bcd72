#!/usr/bin/env bash
# Prints the IPv4 address of a container, as soon as it has one.
set -euo pipefail
for _ in $(seq 100); do
  address=$(incus list "^$1\$" --columns 4 --format csv | cut -d' ' -f1)
  [ -z "$address" ] || { echo "$address"; exit 0; }
  sleep 0.1
done
echo "$1 got no address within 10 s" >&2
exit 1
