#!/bin/sh
# The installed packages and those that an upgrade would install, a line each. Reads only. The names of suites are left
# out of what apt would install: they change with every point release.
exec 2>/dev/null
if command -v dpkg-query >/dev/null; then
  dpkg-query -W
  apt-get -s -o Debug::NoLocking=1 dist-upgrade | sed -n 's/^\(Inst .*([^ ]*\) .*/\1/p; s/^Remv .*/&/p'
elif command -v rpm >/dev/null; then
  rpm -qa
  cksum /var/cache/dnf/*/repodata/repomd.xml /var/cache/libdnf5/*/repodata/repomd.xml /var/cache/zypp/raw/*/repodata/repomd.xml
elif command -v apk >/dev/null; then
  apk info -v
  apk version -l '<'
elif command -v pacman >/dev/null; then
  pacman -Q
  pacman -Qu
fi
:
