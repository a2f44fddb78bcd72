#!/bin/sh
# The last $2 lines that the unit $1 logged since $3 (seconds since 1970). Without a journal, the lines of the system's log that name the unit.
if command -v journalctl >/dev/null 2>&1; then
  journalctl --no-pager --quiet --boot --unit="$1" --lines="$2" --since="@$3" -o short 2>/dev/null
else
  for log in /var/log/messages /var/log/syslog; do
    [ -f "$log" ] && tail -c 200000 "$log" | grep -F -- "$1" | tail -n "$2"
  done
fi
:
