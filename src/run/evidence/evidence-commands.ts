import { shellWords } from '../../text.ts';

/** One file of the evidence, and the command whose output it contains. */
export interface EvidenceCommand {
  /** The fixed name of the file. */
  readonly file: string;
  /** The time limit in the instance, in seconds, so that a hanging command does not prevent the others. */
  readonly seconds: number;
  /** Run with `sh -c`; `$1` is the start of the period (seconds since 1970), `$2` the maximum number of bytes, the rest are units. */
  readonly script: string;
}

/**
 * What a restore destroys and what explains the failure. For any POSIX shell and for BusyBox. Only plain
 * files are read: a pipe of that name would block. `tail` bounds each answer inside, so that the end of a log is kept.
 */
export const evidenceCommands: readonly EvidenceCommand[] = [
  {
    file: 'system-log.txt',
    seconds: 5,
    script: `
if command -v journalctl >/dev/null 2>&1; then
  since=$1 limit=$2
  # Months of files take seconds to open: those that nothing was written to since then hold nothing of it.
  set -- $(find /var/log/journal /run/log/journal -name '*.journal*' -newermt "@$((since - 60))" -printf '--file=%p ' 2>/dev/null)
  log() { journalctl --no-pager --quiet --since="@$since" -o short-precise "$@"; }
  # One file that cannot be opened costs all those that are named, and none of a folder's.
  { { [ "$#" -gt 0 ] && log "$@" 2>/dev/null; } || log 2>&1; } | tail -c "$limit"
else
  for log in /var/log/messages /var/log/syslog; do
    [ -f "$log" ] && tail -c "$2" "$log"
  done
fi
:`,
  },
  {
    file: 'package-logs.txt',
    seconds: 2,
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
    seconds: 8,
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
    seconds: 2,
    script: '{ ps -ef || ps; } 2>&1 | head -c "$2"',
  },
];

/**
 * All questions for one shell, which reads them on its standard input: an exec costs as much as an answer. The log takes as
 * long as what is running, so that each has a stream of its own. The nonce marks what is whose, and is no argument, which all
 * processes inside could read.
 */
export function evidenceInput(nonce: string): string {
  return String.raw`
n=${nonce}
answer() {
  printf '\n%s begin %s\n' "$n" "$1"
  seconds=$2 script=$3
  shift 3
  if command -v timeout >/dev/null; then timeout "$seconds" sh -c "$script" guard "$@"; else sh -c "$script" guard "$@"; fi
  printf '\n%s end %s\n' "$n" "$?"
}
all() {
  exec 3>&2 2>/dev/null </dev/null
  {
    ${evidenceCommands.filter(isOfRunning).map(answered).join('\n    ')}
  } >&3 3>&- &
  exec 3>&-
  ${evidenceCommands
    .filter((question) => !isOfRunning(question))
    .map(answered)
    .join('\n  ')}
  wait
}
all "$@"
`;
}

function isOfRunning({ file }: EvidenceCommand): boolean {
  return file === 'units.txt' || file === 'processes.txt';
}

function answered({ file, seconds, script }: EvidenceCommand): string {
  return `answer ${file} ${seconds} ${shellWords([script])} "$@"`;
}

/** The output of one command from `evidenceInput`; null if it is missing or incomplete. */
export function evidenceAnswer(text: string, nonce: string, file: string): string | null {
  const begin = `\n${nonce} begin ${file}\n`;
  const at = text.indexOf(begin);
  if (at === -1) return null;
  const from = at + begin.length;
  const to = text.indexOf(`\n${nonce} end `, from);
  if (to === -1) return null;
  const status = /^\d+/.exec(text.slice(to + `\n${nonce} end `.length))?.[0];
  const said = text.slice(from, to);
  // Cut off in the middle: the end is another one's.
  return status === timedOut || said.includes(nonce) ? null : said;
}

/** The status of `timeout`. */
const timedOut = '124';
