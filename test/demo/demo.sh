#!/usr/bin/env bash
# The main job, for real: a service in a container, a good upgrade that is kept, a broken one that is rolled back.
# Everything that is shown is what the programs really print.
set -euo pipefail
cd "$(dirname "$0")/../.."

bash test/prepare.sh
test/host/host.sh up
eval "$(test/host/host.sh env)"

work=$(mktemp -d)
cleanup() {
  incus delete --force ubuntu-test >/dev/null 2>&1 || true
  rm -rf "$work"
}
trap cleanup EXIT
export GUARD_STATE_DIR=$work/state
guard() { node dist/guard.cjs "$@"; }

say() { printf '\n\033[1m%s\033[0m\n' "$*"; }
show() {
  printf '$ %s\n' "$*"
  "$@"
}

say 'A container with a small web service, installed from a package'
incus delete --force ubuntu-test >/dev/null 2>&1 || true
incus launch --quiet guard-debian ubuntu-test </dev/null
for version in 1.0 1.1 2.0; do
  bash test/demo/package.sh "$version" "$work"
  incus file push --quiet "$work/hello-web_$version.deb" ubuntu-test/root/
done
address=$(bash test/demo/address.sh ubuntu-test)
show incus exec ubuntu-test -- dpkg -i /root/hello-web_1.0.deb </dev/null
ask() { node test/demo/ask.mjs "http://$address/"; }
printf '$ curl http://%s/\n' "$address"
ask

say 'A good upgrade is kept'
show guard --soak 3s ubuntu-test -- dpkg -i /root/hello-web_1.1.deb </dev/null
printf '$ curl http://%s/\n' "$address"
ask

say 'A broken upgrade: dpkg is content, the service is not. It is rolled back'
status=0
show guard --soak 3s ubuntu-test -- dpkg -i /root/hello-web_2.0.deb </dev/null || status=$?
printf '$ echo $?\n%s\n$ curl http://%s/\n' "$status" "$address"
ask

say 'What guard remembers'
show guard runs

[ "$status" = 11 ] || { echo "The broken upgrade should have ended with 11, not $status." >&2; exit 1; }
[ "$(ask)" = 'Hello from version 1.1' ] || { echo 'The service does not answer as before.' >&2; exit 1; }
say 'The demo is over; its container is removed. "test/host/host.sh down" removes the Incus of the demo.'
