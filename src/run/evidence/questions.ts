/** One file of the evidence, and the question inside whose answer it holds. */
export interface EvidenceQuestion {
  /** The file's name: of guard's own choosing, never from the instance. */
  readonly file: string;
  /** Asked with `sh -c`; `$1` is the moment since when (seconds since 1970), `$2` the most bytes, the rest are units. */
  readonly script: string;
}

/**
 * What is gone after the restore and explains what went wrong. Written for any POSIX shell and for BusyBox. Only plain
 * files are read: a pipe of that name would block. `tail` bounds each answer inside, so that the end of a log is kept.
 */
export const evidenceQuestions: readonly EvidenceQuestion[] = [
  {
    file: 'system-log.txt',
    script: `
if command -v journalctl >/dev/null 2>&1; then
  journalctl --no-pager --quiet --since="@$1" -o short-precise 2>&1 | tail -c "$2"
else
  for log in /var/log/messages /var/log/syslog; do
    [ -f "$log" ] && tail -c "$2" "$log"
  done
fi
:`,
  },
  {
    file: 'package-logs.txt',
    script: `
share=$(($2 / 4))
for log in /var/log/dpkg.log /var/log/apt/history.log /var/log/apt/term.log /var/log/dnf.log /var/log/dnf5.log \\
  /var/log/dnf.rpm.log /var/log/yum.log /var/log/zypp/history /var/log/pacman.log /var/log/apk.log; do
  if [ -f "$log" ] && [ -s "$log" ]; then
    printf '==> %s <==\\n' "$log"
    tail -c "$share" "$log"
    printf '\\n'
  fi
done`,
  },
  {
    file: 'units.txt',
    script: `
limit=$2
shift 2
{
  if command -v systemctl >/dev/null 2>&1; then
    systemctl --failed --no-pager --full --all
    systemctl status --state=failed --no-pager --full --lines=100 '*'
    [ "$#" -gt 0 ] && systemctl status --no-pager --full --lines=100 -- "$@"
  elif command -v rc-status >/dev/null 2>&1; then
    rc-status --all
  fi
} 2>&1 | head -c "$limit"
:`,
  },
  {
    file: 'processes.txt',
    script: '{ ps -ef || ps; } 2>&1 | head -c "$2"',
  },
];
