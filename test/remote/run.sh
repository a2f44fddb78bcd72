#!/usr/bin/env bash
# The end-to-end tests once more, with a runner that is not the Incus host: its client knows the daemon only as a remote over
# HTTPS on the loopback, which a token has made trust it. Words are handed on to vitest: names of files, -t, …
set -euo pipefail
cd "$(dirname "$0")/../.."

bash test/prepare.sh
host=${GUARD_TEST_HOST:-remote}
test/host/host.sh up --name "$host"
eval "$(test/host/host.sh env --name "$host")"

address=$(incus config get core.https_address)
if [ -z "$address" ]; then
  address=127.0.0.1:$(node -e 'const s = require("node:net").createServer().listen(0, "127.0.0.1", () => { console.log(s.address().port); s.close(); })')
  incus config set core.https_address "$address"
fi
token=$(incus config trust add "runner-$$" --quiet | tail -n 1)
runner=$(mktemp -d "$(dirname "$INCUS_DIR")/runner-XXXXXX")
trap 'rm -rf "$runner"' EXIT
# INCUS_DIR stays: the few tests that look at the daemon's own socket find it there.
export INCUS_CONF=$runner
incus remote add far "https://$address" --token "$token" --accept-certificate
export INCUS_REMOTE=far

npx vitest run --project remote "$@"
