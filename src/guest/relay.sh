#!/bin/sh
# What guard's agent runs in the instance as root: POSIX sh, mkfifo and cat. Lines that clients write to `ask` are
# output; each line of input names a client and contains its answer.
#
# - The process that Incus started becomes the `cat`. Incus kills that one when guard has gone. The shell that reads
#   guard's lines then sees the end of its input and cleans up, so that nothing is left and clients see it at once.
# - Pipes are opened for reading and writing, so that opening one never waits for the other side.
# - systemd and OpenRC mount a new /run over the first one while they boot. The relay waits for that. Later, whenever
#   guard asks, it checks whether it is still what clients find there.
# - An earlier relay that was not cleaned up (its connection was lost and nobody noticed) is ended first.
umask 077
d=/run/guard
tries=0
while [ $tries -lt 100 ]; do
  case $(readlink /proc/1/exe) in
    */systemd) [ -d /run/systemd/system ] && break ;;
    */openrc-init) [ -e /run/openrc/softlevel ] && break ;;
    *lxc* | *incus*) ;;
    *) [ ! -e /sbin/openrc ] || [ -e /run/openrc/softlevel ] && break ;;
  esac
  tries=$((tries + 1))
  sleep 0.1
done
if [ -L $d ] || { [ -e $d ] && [ ! -d $d ]; }; then rm -f $d; fi
mkdir -p $d && chmod 700 $d && chown 0:0 $d && cd $d || exit 1
if [ -f relay ] && read -r before reader <relay; then
  for pid in "$before" "$reader"; do
    case $pid in ''|*[!0-9]*) continue ;; esac
    tr '\0' '\n' <"/proc/$pid/environ" 2>/dev/null | grep -q '^GUARD_RELAY=' && kill -9 "$pid" 2>/dev/null
  done
fi
rm -rf ask ask.new relay
mkfifo ask.new || exit 1
exec 3<>ask.new 5<&0
(
  while IFS=' ' read -r id text; do
    # -ef is in dash, BusyBox and bash.
    # shellcheck disable=SC3013
    case $id in
      check) [ $d/ask -ef /proc/$$/fd/0 ] && continue; break ;;
      ''|*[!0-9]*) continue ;;
    esac
    [ -p "reply.$id" ] && [ ! -L "reply.$id" ] && printf '%s\n' "$text" 1<>"reply.$id"
  done
  read -r now rest <relay
  [ "$now" = $$ ] && rm -f ask relay && cd / && rmdir $d
  kill $$
) <&5 3<&- >/dev/null 2>&1 &
echo "$$ $!" >relay
mv ask.new ask && echo ready && exec cat <&3 5<&-
