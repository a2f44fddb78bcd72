#!/bin/sh
# What is still at work in the instance: its boot, its package managers. Reads only. With the argument `wait` it answers
# when the boot is over, after a few seconds at the latest: an instance that is asked again and again boots more slowly.
# A lock counts only with its holder. On btrfs the inode numbers of /proc/locks mean nothing without a process that has
# that very file open.
tries=0
while [ "$1" = wait ] && [ ! -S /run/systemd/private ] && [ "$tries" -lt 20 ]; do
  case $(readlink /proc/1/exe) in */systemd) sleep 0.05 ;; *) break ;; esac
  tries=$((tries + 1))
done
if [ -d /run/systemd/system ]; then
  state=
  [ "$1" = wait ] && state=$(timeout 2 systemctl is-system-running --wait 2>/dev/null)
  limit=
  command -v timeout >/dev/null && limit='timeout 2'
  case $state in running|degraded|maintenance) ;; *) state=$($limit systemctl is-system-running 2>/dev/null) ;; esac
  echo "systemd $state"
  case $state in running|degraded|maintenance) ;; *) systemctl list-jobs --no-legend --no-pager --plain 2>/dev/null | head -n 4 | while read -r _ unit _ how; do [ "$how" = running ] && echo "job $unit"; done ;; esac
elif [ -e /run/openrc/softlevel ]; then
  read -r level </run/openrc/softlevel
  busy=over
  [ -e /run/openrc/rc.starting ] && busy=starting
  for service in /run/openrc/starting/*; do [ -e "$service" ] && { busy=starting; echo "job ${service##*/}"; }; done
  echo "openrc $level $busy"
else
  case $(readlink /proc/1/exe) in */systemd) echo "systemd early" ;; *) echo none ;; esac
fi
read -r one </proc/1/stat && echo "one $one"
read -r self </proc/$$/stat && echo "self $self"
files='/var/lib/dpkg/lock-frontend /var/lib/dpkg/lock /var/lib/apt/lists/lock /var/cache/apt/archives/lock /var/lib/rpm/.rpm.lock /usr/lib/sysimage/rpm/.rpm.lock /lib/apk/db/lock /usr/lib/apk/db/lock'
# shellcheck disable=SC2086
inodes=$(ls -i $files 2>/dev/null)
while read -r _ _ _ mode pid where _; do
  [ "$mode" = WRITE ] || continue
  # shellcheck disable=SC2086
  set -- $inodes
  while [ $# -ge 2 ]; do
    inode=$1
    file=$2
    shift 2
    [ "${where##*:}" = "$inode" ] || continue
    for open in /proc/"$pid"/fd/*; do
      [ "$(readlink -f "$open")" = "$(readlink -f "$file")" ] || continue
      read -r name </proc/"$pid"/comm
      echo "lock $pid $file $name"
      break
    done
  done
done </proc/locks
if [ -s /run/zypp.pid ]; then
  read -r pid </run/zypp.pid
  [ -d "/proc/$pid" ] && read -r name </proc/"$pid"/comm && echo "lock $pid /run/zypp.pid $name"
fi
[ -e /var/lib/pacman/db.lck ] && echo "lock 0 /var/lib/pacman/db.lck pacman"
exit 0
