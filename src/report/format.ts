import { formatDuration } from '../duration.ts';
import type { Changes, CommandEnd, Phase } from '../event.ts';
import { neutralise, shellWords } from '../text.ts';

/** What a phase is called. */
export const phaseTitles: Readonly<Record<Phase, string>> = {
  inspect: 'Inspect',
  baseline: 'Baseline',
  'restore-point': 'Restore point',
  push: 'Push',
  command: 'Command',
  verify: 'Verify',
  confirm: 'Confirm',
  keep: 'Keep',
  evidence: 'Evidence',
  stop: 'Stop',
  restore: 'Restore',
  start: 'Start',
  'verify-again': 'Verify again',
  release: 'Clean up',
  copy: 'Copy',
  restart: 'Restart the copy',
  'remove-copy': 'Remove the copy',
};

/** How the command ended, to be read after "the command". */
export function describeCommandEnd(end: CommandEnd): string {
  switch (end.kind) {
    case 'exited':
      return `ended with exit status ${end.status}`;
    case 'not-found':
      return 'was not found (127)';
    case 'not-executable':
      return 'could not be executed (126)';
    case 'timeout':
      return `ran longer than ${formatDuration(end.limitMs)}`;
    case 'idle-timeout':
      return `wrote no output for ${formatDuration(end.limitMs)}`;
    case 'instance-stopped':
      if (!end.restarted) return 'was ended by a stop of the instance';
      return end.cutOff === true ? 'was cut off by a restart of the instance' : 'restarted the instance';
    case 'lost':
      return `lost its connection: ${neutralise(end.message).replace(/\.$/, '')}`;
    case 'push-failed':
      return `was not started: ${neutralise(end.message, 1000).replace(/\.$/, '')}`;
    case 'interrupted':
      return `was interrupted by ${end.signal}`;
  }
}

/** Text of several lines, each made safe on its own; what is beyond `most` lines is counted. */
export function safeLines(text: string, most = 50): string[] {
  const lines = text.replace(/\s+$/, '').split(/\r?\n/);
  const shown = lines.slice(0, most).map((line) => neutralise(line, 2000));
  return lines.length > most ? [...shown, `… (${lines.length - most} more lines)`] : shown;
}

/** The command line of a run as a title. */
export function commandTitle(target: TitledRun, maxLength: number): string {
  const rehearse = target.rehearsal === true ? 'rehearse ' : '';
  return neutralise(`guard ${rehearse}${target.instance} -- ${titleWords(target.command)}`, maxLength);
}

interface TitledRun {
  readonly instance: string;
  readonly command: readonly string[];
  readonly rehearsal?: true;
}

/** A command in one line: of a word with several lines, the first. */
export function titleWords(command: readonly string[]): string {
  const words = command.map((word) => {
    const [first = '', ...more] = word.trimStart().split('\n');
    return more.length === 0 ? word : `${first.trimEnd()} …`;
  });
  return shellWords(words);
}

/** Some of many, in one line: `a, b, and 7 more`. */
export function bounded(items: readonly string[], most: number): string {
  const rest = items.length - most;
  return `${items.slice(0, most).join(', ')}${rest > 0 ? `, and ${rest} more` : ''}`;
}

/** `nginx 1.0 → 1.1`. */
export function formatPackageChange({ name, from, to }: Changes['packages'][number]): string {
  if (from === null) return `${name} ${to ?? ''} (new)`;
  return to === null ? `${name} ${from} (removed)` : `${name} ${from} → ${to}`;
}

/** `512 bytes`, `61 KiB`, `1.4 GiB`. */
export function formatBytes(bytes: number): string {
  const units = ['KiB', 'MiB', 'GiB', 'TiB'];
  if (bytes < 1024) return `${bytes} bytes`;
  let size = bytes / 1024;
  let unit = 0;
  for (; size >= 1024 && unit < units.length - 1; unit += 1) size /= 1024;
  return `${size < 10 ? size.toFixed(1) : Math.round(size)} ${units[unit] ?? ''}`;
}
