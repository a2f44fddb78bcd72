/**
 * What the relay runs in the instance as root: POSIX sh, mkfifo and cat. Lines that clients
 * write to `ask` are output; input lines name a client and contain its answer.
 *
 * - The process that Incus started becomes the `cat`: Incus kills that one when guard is gone. The shell that reads guard's
 *   lines sees the end of them then, and clears up: so nothing lingers, and a client sees at once that nobody is there.
 * - All is opened for reading and writing, so that nothing ever waits for the other side to open it.
 * - systemd and OpenRC lay a new /run over the first one while they boot: that is waited for, and later, whenever guard asks,
 *   the relay looks whether it is still what clients find there.
 * - A relay of before that was not cleared up (a lost connection that nobody noticed) is ended first.
 */
export const relayScript = `
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
    tr '\\0' '\\n' <"/proc/$pid/environ" 2>/dev/null | grep -q '^GUARD_RELAY=' && kill -9 "$pid" 2>/dev/null
  done
fi
rm -rf ask ask.new relay
mkfifo ask.new || exit 1
exec 3<>ask.new 5<&0
(
  while IFS=' ' read -r id text; do
    case $id in
      look) [ $d/ask -ef /proc/$$/fd/0 ] && continue; break ;;
      ''|*[!0-9]*) continue ;;
    esac
    [ -p "reply.$id" ] && [ ! -L "reply.$id" ] && printf '%s\\n' "$text" 1<>"reply.$id"
  done
  read -r now rest <relay
  [ "$now" = $$ ] && rm -f ask relay && cd / && rmdir $d
  kill $$
) <&5 3<&- >/dev/null 2>&1 &
echo "$$ $!" >relay
mv ask.new ask && echo ready && exec cat <&3 5<&-
`;

/** The line that makes the relay check whether clients still find it. It ends if they do not. */
export const pollLine = 'look';

/** The line that reports that the relay is ready. */
export const readyLine = 'ready';
