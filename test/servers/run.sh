#!/usr/bin/env bash
# A smoke of guard on each server that people have: Incus 6.0, Incus 7.0 and LXD 5.0. The first run makes root filesystems
# for the last two, which takes some minutes. Words: the servers (incus6 incus7 lxd5); without any, all of them. Words after
# `--` go to vitest in place of the smoke: `run.sh lxd5 -- --project e2e test/e2e/run.test.ts`.
set -euo pipefail
cd "$(dirname "$0")/../.."

bash test/prepare.sh
servers=()
while [ $# -gt 0 ] && [ "$1" != -- ]; do servers+=("$1"); shift; done
[ ${#servers[@]} -gt 0 ] || servers=(incus6 incus7 lxd5)
if [ $# -gt 1 ]; then shift; else set -- --project servers; fi
failed=()
for server in "${servers[@]}"; do
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
    npx vitest run "$@"
  ) || failed+=("$server")
done
[ ${#failed[@]} -eq 0 ] || { echo "servers: failed on ${failed[*]}" >&2; exit 1; }
