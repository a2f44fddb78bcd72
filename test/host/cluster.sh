#!/usr/bin/env bash
# A cluster of three Incus daemons on this machine, each with a state and a network namespace of its own:
#   cluster.sh up NAME | down NAME | env NAME [MEMBER] | stop NAME MEMBER | start NAME MEMBER
# Members are NAME-1 to NAME-3. The namespaces are connected by a bridge, so that each member can have networks of the same names.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source-path=SCRIPTDIR
. "$here/common.sh"
. "$here/sources.sh"
. "$here/machine.sh"
. "$here/daemon.sh"

command=${1:-help}
cluster=${2:-cluster}
link=gtc-$cluster
link=${link:0:15}
subnet=198.18.77
port_of() { printf '%s.%s:8443\n' "$subnet" "$((10 + $1))"; }
member() {
  use_host "$cluster-$1"
  network_namespace=$cluster-$1
}

# The namespace of one member, with the interface `uplink` to the bridge, and a /sys in which the daemon sees its own interfaces.
ensure_network_namespace() {
  if ! ip netns list | grep -qw "$network_namespace"; then
    ip netns add "$network_namespace"
    ip link add "gtc$1-${cluster:0:8}" type veth peer name uplink netns "$network_namespace"
    ip link set "gtc$1-${cluster:0:8}" master "$link" up
    ip -n "$network_namespace" link set lo up
    ip -n "$network_namespace" addr add "$subnet.$((10 + $1))/24" dev uplink
    ip -n "$network_namespace" link set uplink up
  fi
  ensure_namespace
  nsenter --mount="$namespace/mnt" test -e /sys/class/net/uplink ||
    nsenter --mount="$namespace/mnt" --net="/run/netns/$network_namespace" sh -ec '
      mount -t sysfs none /sys
      mount -t cgroup2 none /sys/fs/cgroup'
}

up() {
  local each token
  ip link show "$link" >/dev/null 2>&1 || { ip link add "$link" type bridge && ip addr add "$subnet.1/24" dev "$link"; }
  ip link set "$link" up
  for each in 1 2 3; do
    member "$each"
    mkdir -p "$incus_dir" "$incus_conf"
    chmod 711 "$home" "$incus_dir"
    ensure_network_namespace "$each"
    start_daemon
  done
  member 1
  if ! on_host incus cluster list >/dev/null 2>&1; then
    on_host incus config set core.https_address "$(port_of 1)"
    on_host incus cluster enable "$cluster-1" >/dev/null
    on_host incus storage create default dir >/dev/null
    on_host incus profile device add default root disk path=/ pool=default >/dev/null
  fi
  for each in 2 3; do
    member 1
    ! on_host incus cluster show "$cluster-$each" >/dev/null 2>&1 || continue
    token=$(on_host incus cluster add "$cluster-$each" | tail -n1)
    member "$each"
    on_host incus admin init --preseed <<PRESEED
cluster:
  enabled: true
  server_address: $(port_of "$each")
  cluster_token: $token
  member_config:
    - { entity: storage-pool, name: default, key: source, value: "" }
PRESEED
  done
  touch "$state_root/$cluster-1/ready" "$state_root/$cluster-2/ready" "$state_root/$cluster-3/ready"
}

down() {
  local each
  for each in 3 2 1; do
    "$here/host.sh" down --name "$cluster-$each"
    ip netns delete "$cluster-$each" 2>/dev/null || true
  done
  ip link delete "$link" 2>/dev/null || true
}

case $command in
  up) up ;;
  down) down ;;
  env) member "${3:-1}"; printf "unset INCUS_SOCKET INCUS_REMOTE INCUS_PROJECT\nexport INCUS_DIR='%s'\nexport INCUS_CONF='%s'\n" "$incus_dir" "$incus_conf" ;;
  stop) member "$3"; kill_everything ;;
  start) member "$3"; ensure_network_namespace "$3"; start_daemon ;;
  *) sed -n '2,4s/^# //p' "$0"; exit 64 ;;
esac
