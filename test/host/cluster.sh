#!/usr/bin/env bash
# A cluster of three Incus daemons on this machine, each with a state of its own, on ports of the loopback:
#   cluster.sh up NAME | down NAME | env NAME [MEMBER] | stop NAME MEMBER | start NAME MEMBER
# Members are NAME-1 to NAME-3. Their containers have no network: three bridges of one name cannot be on one machine.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source-path=SCRIPTDIR
. "$here/common.sh"
. "$here/sources.sh"
. "$here/machine.sh"
. "$here/daemon.sh"

command=${1:-help}
cluster=${2:-cluster}
port_of() { printf '127.0.0.1:%s\n' "$((28440 + $1))"; }
member() { use_host "$cluster-$1"; }

up() {
  local each token
  for each in 1 2 3; do
    member "$each"
    mkdir -p "$incus_dir" "$incus_conf"
    chmod 711 "$home" "$incus_dir"
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
  for each in 3 2 1; do "$here/host.sh" down --name "$cluster-$each"; done
}

case $command in
  up) up ;;
  down) down ;;
  env) member "${3:-1}"; printf "unset INCUS_SOCKET INCUS_REMOTE INCUS_PROJECT\nexport INCUS_DIR='%s'\nexport INCUS_CONF='%s'\n" "$incus_dir" "$incus_conf" ;;
  stop) member "$3"; kill_everything ;;
  start) member "$3"; start_daemon ;;
  *) sed -n '2,4s/^# //p' "$0"; exit 64 ;;
esac
