# shellcheck shell=bash
# Where things are, how this says things, and the locks. Sourced by host.sh.

state_root=${GUARD_TEST_STATE:-/var/lib/incus-guard-test}
cache_root=${GUARD_TEST_CACHE:-/var/cache/incus-guard-test}
# What was changed on the machine itself, for `down` to take back.
machine=$state_root/.machine

say() { printf 'host: %s\n' "$*" >&2; }

fail() {
  printf 'host: %s\n' "$*" >&2
  exit 1
}

# Sets the paths and names of one host.
use_host() {
  name=$1
  # The bridge is called gt-NAME, and the kernel takes 15 characters.
  [[ $name =~ ^[a-z][a-z0-9-]{0,11}$ ]] ||
    fail "a host's name is 1 to 12 of a-z, 0-9 and -, beginning with a letter; got '$name'"
  home=$state_root/$name
  incus_dir=$home/incus
  incus_conf=$home/conf
  namespace=$home/namespace
  bridge=gt-$name
  # Incus makes unix sockets some way below INCUS_DIR, and the kernel takes 107 bytes.
  [ "${#incus_dir}" -le 64 ] || fail "$state_root is too long a path for unix sockets; set GUARD_TEST_STATE to a shorter one"
}

# The client of this host, whatever the caller's environment says.
on_host() {
  env -u INCUS_SOCKET -u INCUS_REMOTE -u INCUS_PROJECT INCUS_DIR="$incus_dir" INCUS_CONF="$incus_conf" "$@"
}

# Two locks, taken in this order and going with this process: one for a host, and one for what hosts share on the machine
# (packages, id ranges, subnets). A third, in image.sh, is for the cache. Started daemons must not inherit them.
lock_host() {
  local file=$state_root/.$name.lock
  mkdir -p "$state_root"
  while true; do
    exec 9>"$file"
    flock -n 9 || { say "waiting for another host.sh at host $name"; flock 9; }
    # Whoever held it may have removed the file with the host.
    [ "$(stat -L -c %i /proc/self/fd/9)" != "$(stat -c %i "$file" 2>/dev/null)" ] || return 0
  done
}
unlock_host() { exec 9>&-; }

lock_machine() {
  mkdir -p "$state_root"
  exec 7>"$state_root/.lock"
  flock -n 7 || { say "waiting for another host.sh"; flock 7; }
}
unlock_machine() { exec 7>&-; }

# until_true SECONDS COMMAND…: asks ten times a second until the command succeeds or the time is over.
until_true() {
  local tries=$(($1 * 10))
  shift
  until "$@"; do
    tries=$((tries - 1))
    [ "$tries" -gt 0 ] || return 1
    sleep 0.1
  done
}
