#!/bin/sh
# What people write today: a snapshot, the command, one check.
set -eu
instance=$1
incus snapshot create "$instance" before-change
incus exec "$instance" -- true
incus exec "$instance" -- systemctl is-active --quiet multi-user.target
incus snapshot delete "$instance" before-change
