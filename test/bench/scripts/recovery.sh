#!/bin/sh
# What people write today, where the check fails. Prints the time at which it is known to have failed, in ms since 1970.
set -eu
instance=$1
incus snapshot create "$instance" before-change
incus exec "$instance" -- touch /root/broken
if ! incus exec "$instance" -- test ! -e /root/broken; then
  date +%s%3N
  incus stop --force "$instance"
  incus snapshot restore "$instance" before-change
  incus start "$instance"
fi
incus snapshot delete "$instance" before-change
