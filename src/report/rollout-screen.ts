import { Writable } from 'node:stream';
import type { Listener } from '../event.ts';
import { formatDuration } from '../duration.ts';
import type { MemberRecord, RolloutRecord } from '../rollout/record.ts';
import type { RecordedRolloutEvent } from '../rollout-event.ts';
import { neutralise } from '../text.ts';
import { phaseTitles } from './format.ts';
import { startLiveBlock, type LiveBlock } from './phase-line.ts';
import { countStates, stateName, waveName } from './rollout-text.ts';
import type { RolloutSituation, RolloutView } from './rollout-situation.ts';

/** Rows that are left free beside those of the table and its title, for what the terminal shows below. */
const spareRows = 4;

/** How much of a command's output is shown where its change was not kept, in lines. */
const mostOutputLines = 20;

/**
 * A live table: what runs now, with its phase and how long it has run, and below it what ended last, in as many rows as the
 * terminal has. What a command writes is not shown between: the end of it is, where the change was not kept.
 */
export function createRolloutScreen(situation: RolloutSituation, plain: RolloutView): RolloutView {
  const { stderr, stdout, clock } = situation;
  const phases = new Map<string, { readonly title: string; readonly since: number }>();
  const tails = createTails();
  let record: RolloutRecord | null = null;
  let block: LiveBlock | null = null;
  let note = '';
  const lines: string[] = [];
  let callOff = (): void => {};

  const draw = (): void => {
    if (record === null || block === null) return;
    const title = titleOf(record, note);
    const told = lines.slice(-1).map((line) => neutralise(line, 1000));
    const free = rowsBeside(title, stderr) - told.length;
    block.update(title, [...tableRows(record, phases, clock.now(), clock.monotonic(), Math.max(3, free)), ...told]);
  };
  const tick = (): void => {
    callOff = clock.after(500, () => {
      draw();
      tick();
    });
  };
  const stop = async (how: 'done' | 'failed'): Promise<void> => {
    callOff();
    const shown = block;
    block = null;
    if (shown !== null && record !== null) await shown.end({ how, title: titleOf(record, '') });
    for (const line of lines.splice(0)) plain.tell(line);
  };
  return {
    ...plain,
    onRolloutEvent: async (event, after) => {
      record = after;
      switch (event.type) {
        case 'rollout-started':
        case 'rollout-resumed':
          await plain.onRolloutEvent(event, after);
          block = startLiveBlock(stderr, titleOf(after, ''));
          tick();
          return;
        case 'rollout-ended':
          await stop(event.exitStatus === 0 ? 'done' : 'failed');
          tails.write(stderr, after.members);
          return plain.onRolloutEvent(event, after);
        default:
          note = noteOf(event) ?? note;
          return draw();
      }
    },
    memberListener: ({ id }): Listener => {
      tails.begin(id);
      return (event) => {
        if (event.type === 'phase-started')
          phases.set(id, { title: phaseTitles[event.phase], since: clock.monotonic() });
        if (event.type === 'command-output') tails.add(id, event.chunk);
      };
    },
    memberOutput: (member) => outputBeside(plain.memberOutput(member), stdout.isTTY === true),
    tell: (line) => {
      if (block === null) return plain.tell(line);
      // At the end it is told in full.
      lines.push(line);
      draw();
    },
    close: async () => {
      await stop('failed');
      await plain.close();
    },
  };
}

/** How many rows the terminal has for the table. */
function rowsBeside(title: string, screen: Writable): number {
  const { rows = 24, columns = 80 } = screen as Writable & { readonly rows?: number; readonly columns?: number };
  return rows - spareRows - Math.ceil(title.length / columns);
}

/** What the title adds from this event on; null where it stays. */
function noteOf(event: RecordedRolloutEvent): string | null {
  switch (event.type) {
    case 'wave-pause':
      return ` · next wave in ${formatDuration(event.ms)}`;
    case 'member-waiting':
      return ` · confirm the changes that wait: guard rollout confirm ${event.rollout}`;
    case 'member-begun':
      return '';
    default:
      return null;
  }
}

function titleOf(record: RolloutRecord, note: string): string {
  return `rollout ${record.id}: ${countStates(record.members)}${note}`;
}

/** What runs first, then what ended last; as many as there is room for. */
export function tableRows(
  record: RolloutRecord,
  phases: ReadonlyMap<string, { readonly title: string; readonly since: number }>,
  now: number,
  monotonic: number,
  rows: number,
): string[] {
  const active = record.members.filter(({ state }) => state === 'running' || state === 'reverting');
  const over = record.members
    .filter(({ state }) => state !== 'running' && state !== 'reverting' && state !== 'pending')
    .toSorted((a, b) => (b.at ?? 0) - (a.at ?? 0));
  const all = [...active, ...over];
  const shown = all.slice(0, all.length > rows ? rows - 1 : rows);
  const width = Math.max(0, ...shown.map(({ label }) => label.length));
  const lines = shown.map((member) => {
    const phase = phases.get(member.id);
    const begin = `${neutralise(member.label, 100).padEnd(width)}  ${waveName(member.wave).padStart(6)}`;
    if (member.state !== 'running' && member.state !== 'reverting')
      return `${begin}  ${stateName(member)}${member.ms === null ? '' : ` (${formatDuration(member.ms)})`}${member.message === '' ? '' : `: ${neutralise(member.message, 200)}`}`;
    const seconds = phase === undefined ? 0 : wholeSeconds(monotonic - phase.since);
    const wait = member.message === '' ? '' : `, ${neutralise(member.message, 100)}`;
    const doing = `${phase?.title ?? 'Begins'}${seconds === 0 ? '' : ` ${formatDuration(seconds)}`}`;
    const all = member.at === null || member.state === 'reverting' ? 0 : wholeSeconds(now - member.at);
    const since = all === 0 ? '' : `, ${formatDuration(all)} in all`;
    return `${begin}  ${doing}${since}${wait}`;
  });
  const rest = all.length - shown.length;
  return rest > 0 ? [...lines, `and ${rest} more`] : lines;
}

function wholeSeconds(ms: number): number {
  return Math.max(0, Math.floor(ms / 1000)) * 1000;
}

/** Lines in between would break the picture; a stdout that is no terminal gets what the command writes to both. */
function outputBeside(output: ReturnType<RolloutView['memberOutput']>, isTerminal: boolean): typeof output {
  const nowhere = nullStream();
  return isTerminal ? { stdout: nowhere, stderr: nowhere, end: () => {} } : { ...output, stderr: output.stdout };
}

/** The end of what the command wrote in each instance. */
function createTails() {
  const tails = new Map<string, string>();
  return {
    begin: (id: string): void => void tails.set(id, ''),
    add: (id: string, chunk: Uint8Array): void =>
      void tails.set(id, `${tails.get(id) ?? ''}${Buffer.from(chunk).toString('utf8')}`.slice(-8192)),
    write: (stderr: Writable, members: readonly MemberRecord[]): void => {
      for (const member of members) writeTail(stderr, member, tails.get(member.id) ?? '');
    },
  };
}

function writeTail(stderr: Writable, member: MemberRecord, tail: string): void {
  if (member.state === 'kept' || member.state === 'skipped' || tail.trim() === '') return;
  const lines = tail.trimEnd().split('\n').slice(-mostOutputLines);
  const label = neutralise(member.label, 100);
  stderr.write(lines.map((line) => `${label} | ${neutralise(line, 1000)}\n`).join(''));
}

function nullStream(): Writable {
  return new Writable({ write: (_chunk, _encoding, done) => done() });
}
