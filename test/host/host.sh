#!/usr/bin/env bash
# A real Incus for tests and demo, from nothing, on a Debian machine; next to an Incus that may already be there.
set -Eeuo pipefail
# One order of sorting, and messages of tools as this reads them.
export LC_ALL=C.UTF-8
trap 'echo "host: this should not have failed: $BASH_COMMAND (${BASH_SOURCE[0]##*/}:$LINENO)" >&2' ERR
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source-path=SCRIPTDIR
. "$here/common.sh"
. "$here/sources.sh"
. "$here/machine.sh"
. "$here/daemon.sh"
. "$here/setup.sh"
. "$here/image.sh"

usage() {
  cat <<'EOF'
usage: host.sh COMMAND [--name NAME] …        (NAME is main unless told)
  up [--pool-size 20GiB] [--dir-pool]   bring the host up; does nothing where it is up
  down [--purge] [--all]                remove the host; --purge, with the last host: cache, packages, apt source
  status                                the hosts there are
  env                                   shell lines that point the incus command to the host: eval "$(host.sh env)"
  image [--suite SUITE] [--init INIT]   have an image of a Debian release, with systemd or openrc, in the host; prints its alias
  start-daemon, stop-daemon             the daemon alone; containers run on
  kill-daemon                           the same as a crash (SIGKILL)
  revive-daemon                         where the daemon died by itself: say what is known about it, and start a new one
EOF
}

main() {
  command=${1:-}
  [ -n "$command" ] || { usage >&2; exit 64; }
  shift
  host=main pool_size=20GiB dir_pool='' purge='' all='' suite='' init=systemd
  while [ $# -gt 0 ]; do
    case $1 in
      --name) host=${2:?--name needs a name}; shift ;;
      --pool-size) pool_size=${2:?--pool-size needs a size}; shift ;;
      --suite) suite=${2:?--suite needs a release}; shift ;;
      --init) init=${2:?--init needs systemd or openrc}; shift ;;
      --dir-pool) dir_pool=yes ;;
      --purge) purge=purge ;;
      --all) all=yes ;;
      *) usage >&2; exit 64 ;;
    esac
    shift
  done
  use_host "$host"
  case $command in
    up) up ;;
    down) down ;;
    status) require_root; status ;;
    env) print_environment ;;
    image) image ;;
    start-daemon) require_root; require_host; with_host_lock start_daemon ;;
    revive-daemon) require_root; require_host; with_host_lock revive_daemon ;;
    stop-daemon) require_root; require_host; stop_daemon ;;
    kill-daemon) require_root; require_host; kill_daemon ;;
    help | --help | -h) usage ;;
    *) usage >&2; exit 64 ;;
  esac
}

up() {
  require_root
  is_up || bring_up
  say "host $name is up: eval \"\$($here/host.sh env --name $name)\""
}

bring_up() {
  lock_host
  # Another host.sh may have done it while this one waited.
  if is_up; then return; fi
  # A host that never became ready has nothing worth keeping, and may be broken in any way.
  [ -e "$home/ready" ] || remove_host
  lock_machine
  # From here on this is one of the machine's hosts; with the last of them goes what they share.
  mkdir -p "$incus_dir"
  check_kernel
  install_packages
  check_network
  ensure_id_ranges
  ensure_kernel_settings
  unlock_machine
  mkdir -p "$incus_conf"
  chmod 711 "$home" "$incus_dir"
  ensure_image "$(machine_codename)"
  say "starting host $name"
  start_daemon
  set_up_incus
  [ -z "$dir_pool" ] || ensure_dir_pool
  import_image "$(machine_codename)"
  warn_of_firewall
  image_key "$(machine_codename)" >"$home/ready"
  unlock_host
}

is_up() {
  [ -e "$home/ready" ] && [ "$(cat "$home/ready")" = "$(image_key "$(machine_codename)")" ] || return 1
  [ -z "$dir_pool" ] || [ -d "$incus_dir/storage-pools/dirpool" ] || return 1
  daemon_answers && has_firewall_rules
}

require_host() { [ -e "$home/ready" ] || fail "there is no host $name; bring it up: host.sh up --name $name"; }

with_host_lock() {
  lock_host
  "$@"
}

down() {
  require_root
  local each
  if [ -z "$all" ]; then
    take_down
  else
    for each in $(host_names); do use_host "$each"; take_down; done
  fi
  lock_machine
  if [ -n "$(host_names)" ]; then
    [ -z "$purge" ] || say "cache and packages stay: other hosts use them ($(host_names | tr '\n' ' '))"
    return 0
  fi
  forget_machine "$purge"
  [ -z "$purge" ] || [ -s "$machine/packages" ] || rm -rf "$state_root"
}

take_down() {
  lock_host
  remove_host
  rm -f "$state_root/.$name.lock"
  unlock_host
}

remove_host() {
  [ -d "$home" ] || return 0
  local interfaces
  interfaces=$(own_interfaces)
  kill_everything
  lock_machine
  remove_network "$interfaces"
  unlock_machine
  remove_apparmor_profiles
  unpin_namespace
  remove_loop_devices
  rm -rf --one-file-system "$home"
}

host_names() {
  local found
  for found in "$state_root"/*/incus; do [ ! -d "$found" ] || basename "${found%/incus}"; done
}

status() {
  local each pid
  [ -n "$(host_names)" ] || { echo "no host"; return; }
  for each in $(host_names); do
    use_host "$each"
    pid=$(daemon_pid) || pid=
    if [ -z "$pid" ]; then
      echo "$each: no daemon runs ($incus_dir)"
    elif ! [ -e "$home/ready" ]; then
      echo "$each: not ready ($incus_dir)"
    else
      echo "$each: up, daemon $pid, bridge $bridge $(cat "$home/subnet" 2>/dev/null).0/24, $(on_host incus list --format csv -c n 2>/dev/null | wc -l || true) instances, $incus_dir"
    fi
  done
}

print_environment() {
  printf "unset INCUS_SOCKET INCUS_REMOTE INCUS_PROJECT\n"
  printf "export INCUS_DIR='%s'\nexport INCUS_CONF='%s'\n" "$incus_dir" "$incus_conf"
}

image() {
  require_root
  require_host
  : "${suite:=$(machine_codename)}"
  case $init in systemd | openrc) ;; *) fail "no image is made with the init $init, only with systemd or openrc" ;; esac
  local words=("$suite")
  [ "$init" = systemd ] || words+=("$init")
  import_image "${words[@]}"
  image_alias "${words[@]}"
}

# In one line, which is read as a whole: this file may be replaced while it runs.
main "$@"; exit
