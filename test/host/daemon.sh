# shellcheck shell=bash
# One daemon of Incus, in a mount namespace of its own. Sourced by host.sh.
#
# Why a namespace: systemd 256 and later starts only where it finds cgroup v2 and nothing else, so the daemon has to see
# just that in /sys/fs/cgroup, whatever the machine has. The pool's mounts stay in there too. The namespace is pinned as a file
# ($namespace/mnt), since a daemon that was killed has to come back into the same one: its containers still run there.

# The record of the daemon: PID and start time, so that a number used again by another process is never taken for it.
daemon_pid() {
  local pid started
  read -r pid started 2>/dev/null <"$home/daemon" || return 1
  [ "$(start_time "$pid")" = "$started" ] || return 1
  grep -qszxF "INCUS_DIR=$incus_dir" "/proc/$pid/environ" || return 1
  printf '%s\n' "$pid"
}

# Field 22 of /proc/PID/stat; the command's name before it may hold anything.
start_time() {
  local stat
  stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 0
  # shellcheck disable=SC2086
  set -- ${stat##*) }
  printf '%s\n' "${20}"
}

daemon_answers() { daemon_pid >/dev/null && on_host incus query /1.0 >/dev/null 2>&1; }
# A daemon whose bridge could not be set up runs on without it, and tries again only a minute later.
networks_available() { ! on_host incus query '/1.0/networks?recursion=1' | grep -q '"status": *"Unavailable"'; }

# A process that is killed has no environment any more for a moment before it is over: its state tells.
process_over() {
  local stat
  stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 0
  # shellcheck disable=SC2086
  set -- ${stat##*) }
  [ "$1" = Z ]
}

start_daemon() {
  local tries
  for tries in 1 2 3; do
    start_daemon_once
    ! networks_available || return 0
    [ "$tries" = 3 ] || stop_daemon
  done
  until_true 90 networks_available || fail "host $name has no network: $(grep -i network "$home/daemon.log" | tail -n1)"
}

start_daemon_once() {
  local incusd enter=(--mount="$namespace/mnt")
  # Members of a cluster on one machine have networks of the same names.
  [ -z "${network_namespace:-}" ] || enter+=(--net="/run/netns/$network_namespace")
  if daemon_pid >/dev/null; then
    until_true 60 daemon_answers || fail "the daemon of host $name runs but does not answer; see $home/daemon.log"
    return 0
  fi
  incusd=$(find_incusd) || fail "no incusd is installed; use: host.sh up"
  ensure_namespace
  rm -f "$home/daemon"
  # Appended: the last words of a daemon that died are still wanted after the next one has started.
  echo "--- started $(date -u +%FT%TZ)" >>"$home/daemon.out"
  # The shell notes itself before it becomes the daemon, so there is no moment in which a daemon runs unrecorded.
  # shellcheck disable=SC2016
  setsid nsenter "${enter[@]}" env -i \
    PATH="${incusd%/*}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" HOME=/root LANG=C.UTF-8 \
    INCUS_DIR="$incus_dir" record="$home/daemon" incusd="$incusd" log="$home/daemon.log" \
    bash -c 'stat=$(<"/proc/$$/stat"); fields=(${stat##*) }); echo "$$ ${fields[19]}" >"$record"
      cd / && exec "$incusd" --group root --logfile "$log"' \
    >>"$home/daemon.out" 2>&1 </dev/null 7>&- 8>&- 9>&- &
  until_true 60 daemon_answers || fail "the daemon of host $name did not come up: $(tail -n1 "$home/daemon.log" "$home/daemon.out" 2>/dev/null | tr '\n' ' ')"
}

# A daemon that died by itself: what is known about it, then a new one. `deaths` is for test/run.sh, which reports it.
revive_daemon() {
  local pid
  ! daemon_pid >/dev/null || return 0
  read -r pid _ 2>/dev/null <"$home/daemon" || pid='?'
  {
    echo "the daemon $pid of host $name died by itself, found at $(date -u +%FT%TZ). Its last output, log and the kernel's words:"
    tail -n 20 "$home/daemon.out" 2>/dev/null
    tail -n 10 "$home/daemon.log" 2>/dev/null
    dmesg 2>/dev/null | grep -E "\b$pid\b" | tail -n 5
  } | tee -a "$home/deaths" | sed 's/^/host: /' >&2 || true
  start_daemon
}

# As SIGTERM means to Incus: the daemon ends, the containers run on.
stop_daemon() {
  local pid
  pid=$(daemon_pid) || return 0
  kill -TERM "$pid"
  until_true 30 process_over "$pid" || { kill -KILL "$pid"; until_true 10 process_over "$pid" || fail "the daemon $pid cannot be ended"; }
}

kill_daemon() {
  local pid
  pid=$(daemon_pid) || return 0
  kill -KILL "$pid"
  until_true 10 process_over "$pid" || fail "the daemon $pid cannot be killed"
}

namespace_is_pinned() { [ "$(stat -f -c %T "$namespace/mnt" 2>/dev/null)" = nsfs ]; }

ensure_namespace() {
  local survivor
  ! namespace_is_pinned || return 0
  mkdir -p "$namespace"
  # A namespace can be pinned only below a mount that does not propagate.
  mountpoint -q "$namespace" || mount --bind "$namespace" "$namespace"
  mount --make-private "$namespace"
  touch "$namespace/mnt"
  survivor=$(own_processes | head -n1)
  if [ -n "$survivor" ]; then
    mount --bind "/proc/$survivor/ns/mnt" "$namespace/mnt"
    return
  fi
  # Slave: what the machine unmounts later is not held by the daemon.
  unshare --mount="$namespace/mnt" --propagation slave sh -ec '
    [ "$(stat -f -c %T /sys/fs/cgroup)" != cgroup2fs ] || exit 0
    umount -R -l /sys/fs/cgroup
    mount -t cgroup2 none /sys/fs/cgroup' 7>&- 8>&- 9>&- ||
    fail "cannot give the daemon a /sys/fs/cgroup with only cgroup v2"
}

unpin_namespace() {
  ! namespace_is_pinned || umount "$namespace/mnt"
  ! mountpoint -q "$namespace" || umount "$namespace"
}

# The daemon, its helpers and the containers' monitors: what is in the namespace, or is an incusd of this INCUS_DIR.
# (A test's own process may have INCUS_DIR in its environment as well; it is no incusd.)
own_processes() {
  local pid
  {
    if namespace_is_pinned; then
      find /proc/[0-9]*/ns/mnt -maxdepth 0 -lname "mnt:\[$(stat -L -c %i "$namespace/mnt")\]" 2>/dev/null | cut -d/ -f3 || true
    fi
    grep -slzxF "INCUS_DIR=$incus_dir" /proc/[0-9]*/environ 2>/dev/null | cut -d/ -f3 | while read -r pid; do
      case $(readlink "/proc/$pid/exe" 2>/dev/null || true) in */incusd | */incusd\ *) printf '%s\n' "$pid" ;; esac
    done || true
  } | sort -un
}

children_of() { awk -v parents=" $* " '/^Pid:/ { pid = $2 } /^PPid:/ && index(parents, " " $2 " ") { print pid }' /proc/[0-9]*/status 2>/dev/null || true; }

# A zombie is dead: when it disappears is up to the machine's PID 1.
all_dead() {
  local pid
  for pid in $1; do
    grep -qsE '^State:[[:space:]]+[^ZX]' "/proc/$pid/status" && return 1
  done
  return 0
}
no_own_processes() { [ -z "$(own_processes)" ]; }

# Ends the daemon, every container and every helper, hard and at once: a container's processes go with its init, and its
# monitor must not live on to clean up with the help of a daemon that is gone.
# Only processes found by own_processes and their children are killed.
kill_everything() {
  local own inits cgroups pid
  kill_daemon
  own=$(own_processes | tr '\n' ' ')
  [ -n "$own" ] || return 0
  # shellcheck disable=SC2086
  inits=$(children_of $own | tr '\n' ' ')
  cgroups=$(for pid in $own $inits; do lxc_cgroup_of "$pid"; done | sort -u)
  # shellcheck disable=SC2086
  kill -KILL $own $inits 2>/dev/null || true
  until_true 10 all_dead "$inits" && until_true 10 no_own_processes || fail "processes of host $name cannot be ended: $(own_processes | tr '\n' ' ')"
  remove_cgroups "$cgroups"
}

lxc_cgroup_of() { sed -n 's#^0::\(/lxc\.[^/]*\).*#\1#p' "/proc/$1/cgroup" 2>/dev/null || true; }

remove_cgroups() {
  local root group
  root=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)
  [ -n "$root" ] || return 0
  for group in $1; do
    until_true 2 remove_cgroup "$root$group" || say "the cgroup $root$group could not be removed"
  done
}

remove_cgroup() {
  find "$1" -depth -type d -exec rmdir {} + 2>/dev/null
  [ ! -d "$1" ]
}
