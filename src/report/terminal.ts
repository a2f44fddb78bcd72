import { formatDuration } from '../duration.ts';
import type { Phase, RecordedEvent } from '../event.ts';
import { neutralise } from '../text.ts';
import { startPhaseLine, type PhaseLine, type Screen } from './phase-line.ts';
import { createPlainView } from './plain.ts';
import { phaseTitles } from './format.ts';
import { createTerminalModes } from './terminal-modes.ts';

type EventOf<Type extends RecordedEvent['type']> = Extract<RecordedEvent, { readonly type: Type }>;

interface Terminals {
  readonly stderr: Screen;
  /** The command's. Where it is a terminal as well, it is taken to be the same one. */
  readonly stdout: { readonly isTTY?: boolean };
  /** What is known already of a run that is taken up again. */
  readonly history?: readonly RecordedEvent[];
}

/**
 * The view for people: a live line for each phase, which stays when the phase is over. What comes meanwhile is held back
 * until the line stands. The command's own phase has no line before it ends, because its output has the terminal.
 */
export function createTerminalView({ stderr, stdout, history }: Terminals): (event: RecordedEvent) => Promise<void> {
  const describePlainly = createPlainView(stderr, false, history);
  const traces = createTraces(stdout.isTTY === true);
  let line: { readonly phase: Phase; readonly shown: PhaseLine } | null = null;
  let held: RecordedEvent[] = [];
  let turn = Promise.resolve();

  function begin(event: EventOf<'phase-started'>): void {
    describePlainly(event);
    if (event.phase !== 'command')
      line = { phase: event.phase, shown: startPhaseLine(stderr, phaseTitles[event.phase]) };
  }
  async function end({ phase, message, ms, ok }: EventOf<'phase-ended'>): Promise<void> {
    const shown = line?.shown ?? startPhaseLine(stderr, phaseTitles[phase]);
    line = null;
    await shown.end({ ok, title: `${phaseTitles[phase]}: ${neutralise(message)} (${formatDuration(ms)})` });
    for (const late of held) describePlainly(late);
    held = [];
  }
  /** A phase whose end never came, because guard itself failed in it. */
  async function breakOff(): Promise<void> {
    if (line !== null) await line.shown.end({ ok: false, title: `${phaseTitles[line.phase]}: it did not end` });
    line = null;
    for (const late of held) describePlainly(late);
    held = [];
  }

  async function show(event: RecordedEvent): Promise<void> {
    const remains = traces.clear();
    if (remains !== '') stderr.write(remains);
    switch (event.type) {
      case 'phase-started':
        await breakOff();
        return begin(event);
      case 'phase-ended':
        if (line !== null && line.phase !== event.phase) await breakOff();
        return end(event);
      case 'notice':
        if (line === null) describePlainly(event);
        else held.push(event);
        return;
      case 'run-ended':
        await breakOff();
        return describePlainly(event);
      default:
        describePlainly(event);
    }
  }

  return (event) => {
    // The command's output is not shown here; it only leaves its traces on the same screen.
    if (event.type === 'command-output') traces.see(event);
    else if (event.type === 'watch-progress') line?.shown.update(describeProgress(event));
    else turn = turn.then(() => show(event));
    return turn;
  };
}

function describeProgress({ waitingFor, healthyForMs }: EventOf<'watch-progress'>): string {
  const [first, ...rest] = waitingFor;
  if (first === undefined) return `healthy for ${formatDuration(healthyForMs)}, waiting whether it stays healthy`;
  return `${rest.length > 0 ? `waiting for this and ${rest.length} more` : 'waiting'}: ${neutralise(first.message)}`;
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
