#!/usr/bin/env bash
# A smoke of guard on each server that people have: Incus 6.0, Incus 7.0 and LXD 5.0. The first run makes root filesystems
# for the last two, which takes some minutes. Words: the servers (incus6 incus7 lxd5); without any, all of them.
set -euo pipefail
cd "$(dirname "$0")/../.."

bash test/prepare.sh
[ $# -gt 0 ] || set -- incus6 incus7 lxd5
failed=()
for server in "$@"; do
  case $server in
    incus6)
      host=${GUARD_TEST_HOST:-main}
      test/host/host.sh up --name "$host"
      environment=$(test/host/host.sh env --name "$host")
      ;;
    *)
      test/host/server.sh up "$server"
      environment=$(test/host/server.sh env "$server")
      ;;
  esac
  (
    eval "$environment"
    # Each server is found by its own variables.
    export GUARD_TEST_SERVER=$server
    npx vitest run --project servers
  ) || failed+=("$server")
done
[ ${#failed[@]} -eq 0 ] || { echo "servers: failed on ${failed[*]}" >&2; exit 1; }
