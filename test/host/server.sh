#!/usr/bin/env bash
# Another server for the same tests, beside the Incus of host.sh: Incus 7 from Debian sid, or LXD 5.0 from bookworm.
# Each runs in a root filesystem of its own with its own client, state and network namespace. Nothing of the machine is
# replaced. The state has the same path inside and outside, so that guard on the machine reaches the server's socket.
set -Eeuo pipefail
export LC_ALL=C.UTF-8
trap 'echo "server: this should not have failed: $BASH_COMMAND (${BASH_SOURCE[0]##*/}:$LINENO)" >&2' ERR
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source-path=SCRIPTDIR
. "$here/common.sh"
. "$here/sources.sh"
. "$here/machine.sh"
. "$here/setup.sh"
. "$here/image.sh"

servers_root=${GUARD_TEST_SERVERS:-/var/lib/guard-test-servers}

usage() {
  cat <<'END'
usage: server.sh COMMAND incus7|lxd5 …
  up                        bring the server up; does nothing where it is up
  down [--purge]            remove the server with everything in it; --purge: its root filesystem too
  env                       shell lines that point guard and the client to the server: eval "$(server.sh env incus7)"
  start, stop, kill         the daemon alone (kill is SIGKILL); containers run on
  client WORDS…             run the server's own client
  inside WORDS…             run a command in the daemon's namespaces
  address                   where the machine reaches what the daemon listens on
END
}

# Sets what differs between the kinds of server.
use_server() {
  kind=$1
  case $kind in
    incus7)
      suite=sid server_packages='incus-base incus-client lxcfs apparmor-' number=7
      daemon=/usr/libexec/incus/incusd client_command=incus variable=INCUS
      ;;
    lxd5)
      suite=bookworm server_packages='lxd lxd-client lxcfs' number=5
      daemon=/usr/bin/lxd client_command=lxc variable=LXD
      ;;
    *) usage >&2; exit 64 ;;
  esac
  home=$servers_root/$kind
  directory=$home/state conf=$home/conf namespace=$home/namespace
  root=$cache_root/root-$kind
  network=gts-$kind link=10.85.$number subnet=10.85.10$number bridge=gts$number
}

main() {
  local command=${1:-}
  [ $# -ge 2 ] || { usage >&2; exit 64; }
  use_server "$2"
  shift 2
  case $command in
    up) require_root; up ;;
    down) require_root; down "$@" ;;
    env) print_environment ;;
    start) require_root; start_server ;;
    stop) require_root; end_server TERM ;;
    kill) require_root; end_server KILL ;;
    client) client "$@" ;;
    inside) inside "$@" ;;
    address) printf '%s\n' "$link.2" ;;
    *) usage >&2; exit 64 ;;
  esac
}

up() {
  mkdir -p "$servers_root"
  exec 9>"$servers_root/.$kind.lock"
  flock 9
  if [ -e "$home/ready" ] && server_answers; then
    write_clients
    say_ready
    return
  fi
  mkdir -p "$machine"
  check_kernel
  install_packages
  ensure_kernel_settings
  ensure_root_filesystem
  ensure_image "$(machine_codename)"
  start_server
  write_clients
  set_up_server
  import_image "$(machine_codename)"
  touch "$home/ready"
  say_ready
}

say_ready() { say "$kind is up: eval \"\$($here/server.sh env $kind)\""; }

# debootstrap takes some minutes; a root that was not finished is made from nothing.
ensure_root_filesystem() {
  local base
  [ ! -e "$root.ready" ] || return 0
  require_suites
  base=$(base_suite)
  rm -rf --one-file-system "$root"
  mkdir -p "$cache_root"
  say "making the root filesystem of $kind ($suite): some minutes"
  unshare --mount --propagation private debootstrap --variant=minbase \
    --include=btrfs-progs,dnsmasq-base,nftables,iproute2,uidmap,attr,ca-certificates,kmod,procps,xz-utils,squashfs-tools,rsync,dbus \
    "$suite" "$root" "$(plain_uri "${base%%|*}")" >"$root.log" 2>&1 9>&- || fail "debootstrap failed; see $root.log"
  cp -n /etc/apt/apt.conf.d/99* "$root/etc/apt/apt.conf.d/" 2>/dev/null || true
  cp /etc/resolv.conf "$root/etc/resolv.conf"
  printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
  chmod 755 "$root/usr/sbin/policy-rc.d"
  # shellcheck disable=SC2016
  unshare --mount --propagation private sh -ec '
    mount -t proc proc "$1/proc"
    mount --rbind /dev "$1/dev"
    export DEBIAN_FRONTEND=noninteractive
    chroot "$1" apt-get update -q
    chroot "$1" apt-get install -yq --no-install-recommends $2' sh "$root" "$server_packages" >>"$root.log" 2>&1 9>&- ||
    fail "the packages of $kind could not be installed; see $root.log"
  grep -qs '^root:' "$root/etc/subuid" || for file in subuid subgid; do echo root:1000000:1000000000 >>"$root/etc/$file"; done
  touch "$root.ready"
}

# A network namespace of its own: nft 1.1 of sid writes into the table that all Incus daemons share what the nft of
# bookworm cannot read.
ensure_network_namespace() {
  [ ! -e "/run/netns/$network" ] || return 0
  ip netns add "$network"
  ip link add "$bridge-out" type veth peer name up0 netns "$network"
  ip address add "$link.1/30" dev "$bridge-out"
  ip link set "$bridge-out" up
  ip -n "$network" link set lo up
  ip -n "$network" address add "$link.2/30" dev up0
  ip -n "$network" link set up0 up
  ip -n "$network" route add default via "$link.1"
  # The machine reaches the containers as well.
  ip route add "$subnet.0/24" via "$link.2"
  nft "add table ip $network; add chain ip $network out { type nat hook postrouting priority srcnat; }
    add rule ip $network out ip saddr $link.0/30 oifname != \"$bridge-out\" masquerade"
}

remove_network_namespace() {
  nft delete table ip "$network" 2>/dev/null || true
  ip link delete "$bridge-out" 2>/dev/null || true
  ip netns delete "$network" 2>/dev/null || true
}

namespace_is_pinned() { [ "$(stat -f -c %T "$namespace/mnt" 2>/dev/null)" = nsfs ]; }

# Pinned as a file, so that a daemon that was killed comes back to its containers. pivot_root and not chroot: LXC pivots
# too, and a chroot has no mount to pivot. /sys/fs/cgroup has cgroup v2 only, as in daemon.sh.
ensure_mount_namespace() {
  ensure_network_namespace
  ! namespace_is_pinned || return 0
  mkdir -p "$namespace" "$directory" "$conf" "$root$home" "$root/.old" "$root$cache_root"
  chmod 711 "$home" "$directory"
  mountpoint -q "$namespace" || mount --bind "$namespace" "$namespace"
  mount --make-private "$namespace"
  touch "$namespace/mnt"
  # shellcheck disable=SC2016
  nsenter --net="/run/netns/$network" unshare --mount="$namespace/mnt" --propagation slave sh -ec '
    root=$1 home=$2 cache=$3
    mount --bind "$root" "$root"
    mount --rbind /dev "$root/dev"
    mount -t proc proc "$root/proc"
    mount -t sysfs sysfs "$root/sys"
    mount -t cgroup2 none "$root/sys/fs/cgroup"
    mount -t tmpfs -o mode=755 tmpfs "$root/run"
    # The daemon has to know the folders that tests make in /tmp.
    mount --rbind /tmp "$root/tmp"
    mount --bind "$home" "$root$home"
    mount --bind -o ro "$cache" "$root$cache"
    cd "$root"
    pivot_root . .old
    umount -l /.old' sh "$root" "$home" "$cache_root" 9>&- || fail "the namespace of $kind could not be made"
}

path_inside=/usr/libexec/incus:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
inside() {
  nsenter --net="/run/netns/$network" --mount="$namespace/mnt" env -i PATH="$path_inside" HOME=/root LANG=C.UTF-8 \
    "${variable}_DIR=$directory" "${variable}_CONF=$conf" "$@"
}
client() { inside "$client_command" "$@"; }

# For the shared functions of setup.sh and image.sh, which say `on_host incus …`.
on_host() {
  [ "$1" = incus ] || fail "on_host $1 is not known here"
  shift
  client "$@"
}

server_pid() {
  local pid started
  read -r pid started 2>/dev/null <"$home/daemon" || return 1
  [ "$(awk '{ sub(/.*\) /, ""); print $20 }' "/proc/$pid/stat" 2>/dev/null)" = "$started" ] && printf '%s\n' "$pid"
}
server_answers() { server_pid >/dev/null && client query /1.0 >/dev/null 2>&1; }
# Called by name.
# shellcheck disable=SC2317
server_gone() { ! server_pid >/dev/null; }

start_server() {
  if ! server_pid >/dev/null; then
    ensure_mount_namespace
    rm -f "$home/daemon"
    # shellcheck disable=SC2016
    setsid nsenter --net="/run/netns/$network" --mount="$namespace/mnt" env -i PATH="$path_inside" HOME=/root LANG=C.UTF-8 \
      "${variable}_DIR=$directory" record="$home/daemon" daemon="$daemon" log="$home/daemon.log" sh -c '
        stat=$(cat /proc/$$/stat); set -- ${stat##*) }; echo "$$ ${20}" >"$record"
        cd / && exec "$daemon" --group root --logfile "$log"' >>"$home/daemon.out" 2>&1 </dev/null 9>&- &
  fi
  until_true 60 server_answers || fail "$kind did not come up: $(tail -qn 3 "$home/daemon.log" "$home/daemon.out" 2>/dev/null | tr '\n' ' ')"
}

end_server() {
  local pid
  pid=$(server_pid) || return 0
  kill -"$1" "$pid"
  until_true 30 server_gone || fail "the daemon $pid of $kind does not end"
}

set_up_server() {
  client config set core.shutdown_timeout 1 >/dev/null
  client storage show default >/dev/null 2>&1 || client storage create default btrfs size=10GiB >/dev/null
  client network show "$bridge" >/dev/null 2>&1 ||
    client network create "$bridge" ipv4.address="$subnet.1/24" ipv4.nat=true ipv6.address=none dns.domain=guard >/dev/null
  client profile edit default <<END
description: what containers of the tests have
config:
  security.syscalls.deny: keyctl errno 38
devices:
  root: {type: disk, path: /, pool: default}
  eth0: {type: nic, name: eth0, network: $bridge}
END
}

# The clients run on the machine's own files with the libraries of their root filesystem. For LXD there is an `incus` as
# well, for tests that prepare and look at instances: it says the same in the words of `lxc`.
write_clients() {
  local loader=$root/lib64/ld-linux-x86-64.so.2
  [ -e "$loader" ] || loader=$root/usr/lib64/ld-linux-x86-64.so.2
  mkdir -p "$home/bin"
  printf '#!/bin/sh\nexec %s --library-path %s/usr/lib/x86_64-linux-gnu:%s/lib/x86_64-linux-gnu %s/usr/bin/%s "$@"\n' \
    "$loader" "$root" "$root" "$root" "$client_command" >"$home/bin/$client_command"
  [ "$kind" != lxd5 ] || cp "$here/incus-on-lxd.sh" "$home/bin/incus"
  chmod 755 "$home/bin"/*
}

print_environment() {
  printf 'unset INCUS_DIR INCUS_CONF INCUS_SOCKET INCUS_REMOTE INCUS_PROJECT LXD_DIR LXD_CONF LXD_SOCKET\n'
  printf "export %s_DIR='%s'\nexport %s_CONF='%s'\n" "$variable" "$directory" "$variable" "$conf"
  printf "export PATH='%s':\$PATH\n" "$home/bin"
}

down() {
  [ -d "$home" ] || return 0
  if [ -e "$home/ready" ]; then
    start_server
    client list --format csv -c n | while read -r each; do client delete --force "$each" </dev/null; done
  fi
  end_server TERM
  ! namespace_is_pinned || umount "$namespace/mnt"
  ! mountpoint -q "$namespace" || umount "$namespace"
  remove_network_namespace
  losetup -n -O NAME,BACK-FILE | awk -v disks="$directory/disks/" 'index($2, disks) == 1 { print $1 }' | xargs -r -n1 losetup -d
  rm -rf --one-file-system "$home"
  [ "${1:-}" != --purge ] || rm -rf --one-file-system "$root" "$root.ready" "$root.log"
}

# In one line, which is read as a whole: this file may be replaced while it runs.
main "$@"; exit
