#!/bin/sh
# Stands in for apk, which no release of Debian has, with what apk-tools documents and does: the scripts in commit_hooks.d
# get `pre-commit` before anything is changed, and a failing one ends it; they get `post-commit` afterwards, also where something
# failed. What is installed is a file in /opt and an entry in apk's database, with a flag where its script failed.
#
#   apk add NAME…
hooks() {
  for hook in /etc/apk/commit_hooks.d/*; do
    [ ! -x "$hook" ] || "$hook" "$1" || return 1
  done
}

hooks pre-commit || { echo "ERROR: commit hook failed" >&2; exit 99; }
status=0
shift
for name in "$@"; do
  case $name in
    guard-fails)
      echo 1.0 >/opt/guard-one
      printf 'P:guard-one\nV:1.0\nf:S\n\nP:guard-fails\nV:1.0\nf:sS\n\n' >>/lib/apk/db/installed
      status=1
      break
      ;;
    guard-breaks) rm -f /etc/healthy ;;
  esac
  echo 1.0 >"/opt/$name"
  printf 'P:%s\nV:1.0\nf:S\n\n' "$name" >>/lib/apk/db/installed
done
hooks post-commit
exit "$status"
