#!/bin/sh
# Kills every process with $1 (NAME=value) in its environment. Twice, so that a child forked during the first pass is
# found in the second.
for _ in 1 2; do
  for environment in /proc/[0-9]*/environ; do
    if tr '\0' '\n' <"$environment" 2>/dev/null | grep -qxF "$1"; then
      pid=${environment#/proc/}
      kill -9 "${pid%/environ}" 2>/dev/null
    fi
  done
done
:
