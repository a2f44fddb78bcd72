import type { Clock } from '../clock.ts';
import { formatDuration } from '../duration.ts';
import type { Phase, RecordedEvent } from '../event.ts';
import { neutralise } from '../text.ts';
import { createKeyboard, type Keyboard, type Keys } from './keyboard.ts';
import { startPhaseLine, type PhaseEnd, type PhaseLine, type Screen } from './phase-line.ts';
import { createPlainView } from './plain.ts';
import { phaseTitles } from './format.ts';
import { createTerminalModes } from './terminal-modes.ts';
import type { Picture } from './picture.ts';

type EventOf<Type extends RecordedEvent['type']> = Extract<RecordedEvent, { readonly type: Type }>;

interface Terminals {
  readonly stderr: Screen;
  /** The command's. Where it is a terminal as well, it is taken to be the same one. */
  readonly stdout: { readonly isTTY?: boolean };
  /** What is known already of a run that is taken up again. */
  readonly history?: readonly RecordedEvent[];
  /** Left out, no time is shown. */
  readonly clock?: Clock;
  readonly stdin?: Keys & { readonly isTTY?: boolean };
  readonly foreground?: boolean;
  readonly interrupter?: { readonly interrupt: (signal: 'SIGINT') => unknown };
}

/** The line of the phase that is under way. */
interface Live {
  readonly phase: Phase;
  readonly shown: PhaseLine;
  /** Milliseconds of the clock. */
  readonly since: number;
  /** Ends the counting of its seconds. */
  readonly over: AbortController;
  progress: EventOf<'watch-progress'> | null;
}

/**
 * The view for people: a live line for each phase, which stays when the phase is over. What comes meanwhile is held back
 * until the line stands. The command's own phase has no line before it ends, because its output has the terminal. Keys that
 * are typed meanwhile are dropped.
 */
export function createTerminalView(terminals: Terminals): Picture {
  const { stderr, stdout, history, clock } = terminals;
  const describePlainly = createPlainView(stderr, false, history);
  const traces = createTraces(stdout.isTTY === true);
  const keyboard = keyboardOf(terminals);
  const lines = createLines(stderr, clock, describePlainly);
  let turn = Promise.resolve();

  async function show(event: RecordedEvent): Promise<void> {
    const remains = traces.clear();
    if (remains !== '') stderr.write(remains);
    switch (event.type) {
      case 'phase-started':
        await lines.breakOff();
        describePlainly(event);
        // The command, and the question whether its change is confirmed, have the terminal to themselves.
        if (event.phase === 'command' || event.phase === 'confirm') return keyboard.release();
        keyboard.hold();
        return lines.start(event.phase, clock?.monotonic() ?? 0);
      case 'phase-ended': {
        if (lines.current() !== null && lines.current()?.phase !== event.phase) await lines.breakOff();
        const { phase, message, ms, ok } = event;
        keyboard.hold();
        const title = `${phaseTitles[phase]}: ${neutralise(message)} (${formatDuration(ms)})`;
        return lines.end({ how: ok ? 'done' : 'failed', title }, phase);
      }
      case 'notice':
        return lines.describeLater(event);
      case 'confirmation-extended':
        // The question shows the time left, and stands in this line.
        return;
      case 'run-ended':
        await lines.breakOff();
        keyboard.release();
        return describePlainly(event);
      default:
        describePlainly(event);
    }
  }

  async function aside<T>(work: () => Promise<T>): Promise<T> {
    await turn;
    const paused = lines.current();
    if (paused !== null)
      await lines.end({ how: 'paused', title: `${phaseTitles[paused.phase]} continues` }, paused.phase);
    keyboard.release();
    try {
      return await work();
    } finally {
      keyboard.hold();
      if (paused !== null) lines.start(paused.phase, paused.since, paused.progress);
    }
  }

  return {
    aside,
    listener: (event) => {
      // The command's output is not shown here; it only leaves its traces on the same screen.
      if (event.type === 'command-output') traces.see(event);
      else if (event.type === 'watch-progress') showProgress(lines.current(), event, clock);
      else turn = turn.then(() => show(event));
      return turn;
    },
  };
}

/** The line of the phase that is under way, and what waits until it stands. */
function createLines(stderr: Screen, clock: Clock | undefined, describePlainly: (event: RecordedEvent) => void) {
  let line: Live | null = null;
  let held: RecordedEvent[] = [];

  async function end(ended: PhaseEnd, phase: Phase): Promise<void> {
    const ending = line?.shown ?? startPhaseLine(stderr, phaseTitles[phase]);
    line?.over.abort();
    line = null;
    await ending.end(ended);
    describeHeld();
  }
  function describeHeld(): void {
    for (const late of held) describePlainly(late);
    held = [];
  }
  return {
    end,
    current: (): Live | null => line,
    start: (phase: Phase, since: number, progress: Live['progress'] = null): void => {
      const shown = startPhaseLine(stderr, phaseTitles[phase]);
      line = { phase, shown, since, over: new AbortController(), progress };
      if (clock !== undefined) void countSeconds(line, clock);
    },
    /** A phase whose end never came, because guard itself failed in it. */
    breakOff: async (): Promise<void> => {
      if (line === null) return describeHeld();
      await end({ how: 'failed', title: `${phaseTitles[line.phase]}: it did not end` }, line.phase);
    },
    describeLater: (event: RecordedEvent): void => {
      if (line === null) describePlainly(event);
      else held.push(event);
    },
  };
}

function keyboardOf({ stdin, foreground = true, interrupter }: Terminals): Keyboard {
  if (stdin?.isTTY !== true || !foreground || interrupter === undefined) return { hold: () => {}, release: () => {} };
  return createKeyboard(stdin, () => void interrupter.interrupt('SIGINT'));
}

function showProgress(line: Live | null, event: EventOf<'watch-progress'>, clock: Clock | undefined): void {
  if (line === null) return;
  line.progress = event;
  line.shown.update(sayProgress(event));
  if (clock !== undefined) line.shown.rename(titleOf(line, clock));
}

/** Beyond a moment a person wants to know how long it takes already. */
const momentMs = 2000;

async function countSeconds(line: Live, clock: Clock): Promise<void> {
  for (;;) {
    await clock.sleep(1000, line.over.signal);
    if (line.over.signal.aborted) return;
    line.shown.rename(titleOf(line, clock));
  }
}

/** `Verify 0:41 of at most 2:00`. */
function titleOf({ phase, since, progress }: Live, clock: Clock): string {
  const ms = clock.monotonic() - since;
  if (ms < momentMs) return phaseTitles[phase];
  const limit =
    progress?.limitMs === undefined || ms > progress.limitMs ? '' : ` of at most ${minutes(progress.limitMs)}`;
  return `${phaseTitles[phase]} ${minutes(ms)}${limit}`;
}

/** `0:41`, `12:05`. */
function minutes(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
}

function sayProgress({ waitingFor, healthyForMs, soakMs }: EventOf<'watch-progress'>): string {
  const [first, ...rest] = waitingFor;
  const decide = ' · Ctrl-C to decide';
  if (first === undefined) {
    const length = soakMs === undefined ? '' : ` of ${formatDuration(soakMs)}`;
    return `healthy for ${formatDuration(Math.floor(healthyForMs / 1000) * 1000)}${length}${decide}`;
  }
  return `${neutralise(first.message)}${rest.length > 0 ? `, and ${rest.length} more` : ''}${decide}`;
}

const lineFeed = 0x0a;

const leaveScreen = '\u001b[?1049l';

/** What the command left on the screen: a line without an end, and modes that a killed program had no time to reset. */
function createTraces(stdoutIsScreen: boolean) {
  const modes = createTerminalModes();
  let atLineStart = true;
  return {
    see: ({ stream, chunk }: EventOf<'command-output'>): void => {
      if ((stream === 'stdout' && !stdoutIsScreen) || chunk.length === 0) return;
      modes.see(chunk);
      atLineStart = chunk[chunk.length - 1] === lineFeed;
    },
    /** What to write before guard's next word. */
    clear: (): string => {
      const resumedAfterFailure = modes.undo();
      // Leaving the alternate screen takes its unfinished line away.
      const remains =
        atLineStart || resumedAfterFailure.startsWith(leaveScreen) ? resumedAfterFailure : `${resumedAfterFailure}\n`;
      atLineStart = true;
      return remains;
    },
  };
}
