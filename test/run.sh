#!/usr/bin/env bash
# Everything `npm test` does, from a fresh clone: install, build, check, bring up the test Incus, run all tests.
# Ends with one line "N passed, N failed".
set -euo pipefail
cd "$(dirname "$0")/.."

bash test/prepare.sh
command -v shellcheck >/dev/null || DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends shellcheck >/dev/null
host=${GUARD_TEST_HOST:-main}
test/host/host.sh up --name "$host"
eval "$(test/host/host.sh env --name "$host")"
deaths=$(dirname "$INCUS_DIR")/deaths
rm -f "$deaths"
failed_checks=0
npm run --silent check || failed_checks=1

projects=("$@")
[ $# -gt 0 ] || projects=(--project unit --project page --project e2e)

# The pages are tested in Debian's Chromium.
case " ${projects[*]} " in
  *" page "*) command -v chromium >/dev/null || DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core >/dev/null ;;
esac

report=$(mktemp)
trap 'rm -f "$report"' EXIT
status=0
npx vitest run "${projects[@]}" --reporter=default --reporter=json --outputFile.json="$report" || status=$?

if [ -s "$deaths" ]; then
  cat "$deaths"
  failed_checks=$((failed_checks + 1))
fi
node test/count.mjs "$report" "$status" "$failed_checks"
