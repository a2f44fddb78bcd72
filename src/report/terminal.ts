import { Writable } from 'node:stream';
import {
  Listr,
  ListrLogger,
  ProcessOutput,
  type ListrTaskWrapper,
  type DefaultRenderer,
  type SimpleRenderer,
} from 'listr2';
import { sayDuration } from '../duration.ts';
import type { Recorded } from '../event.ts';
import { neutralise } from '../text.ts';
import { createPlainView } from './plain.ts';
import { phaseTitles } from './sentences.ts';

type Task = ListrTaskWrapper<unknown, typeof DefaultRenderer, typeof SimpleRenderer>;

/** One phase on the screen: a list of its own, so that nothing of listr2 is active while the command has the terminal. */
interface PhaseLine {
  readonly tell: (text: string) => void;
  /** Resolves when the line stands and the terminal is free again. */
  readonly end: (ended: { readonly ok: boolean; readonly title: string }) => Promise<void>;
}

/**
 * The view for people: a live line for each phase, which stays when the phase is over. What comes meanwhile is held back
 * until the line stands. The command's own phase has no line before it ends, because its output has the terminal.
 */
export const createTerminalView = (stderr: Writable): ((event: Recorded) => Promise<void>) => {
  const sayPlainly = createPlainView(stderr, false);
  let line: PhaseLine | null = null;
  let held: Recorded[] = [];

  const endLine = async (event: Extract<Recorded, { type: 'phase-ended' }>): Promise<void> => {
    const title = `${phaseTitles[event.phase]}: ${neutralise(event.says)} (${sayDuration(event.ms)})`;
    const ending = line ?? startLine(stderr, phaseTitles[event.phase]);
    line = null;
    await ending.end({ ok: event.ok, title });
    for (const late of held) sayPlainly(late);
    held = [];
  };

  return async (event) => {
    switch (event.type) {
      case 'phase-begun':
        sayPlainly(event);
        if (event.phase !== 'command') line = startLine(stderr, phaseTitles[event.phase]);
        return;
      case 'phase-ended':
        return endLine(event);
      case 'watch-progress':
        line?.tell(sayProgress(event));
        return;
      case 'notice':
        if (line) held.push(event);
        else sayPlainly(event);
        return;
      default:
        sayPlainly(event);
    }
  };
};

const sayProgress = ({ waitingFor, healthyForMs }: Extract<Recorded, { type: 'watch-progress' }>): string => {
  const [first, ...rest] = waitingFor;
  if (first === undefined) return `healthy for ${sayDuration(healthyForMs)}, watching whether it stays so`;
  return `waiting: ${neutralise(first.says)}${rest.length > 0 ? `, and ${rest.length} more` : ''}`;
};

const startLine = (stderr: Writable, title: string): PhaseLine => {
  let finish: (ended: { readonly ok: boolean; readonly title: string }) => void = () => {};
  const ended = new Promise<{ readonly ok: boolean; readonly title: string }>((resolve) => {
    finish = resolve;
  });
  let task: Task | null = null;
  const list = new Listr(
    [
      {
        title,
        task: async (_context, wrapper: Task) => {
          task = wrapper;
          const end = await ended;
          wrapper.title = end.title;
          wrapper.output = '';
          if (!end.ok) throw new Error(end.title);
        },
      },
    ],
    {
      // Otherwise listr2 ends the whole process at the first Ctrl-C.
      registerSignalListeners: false,
      exitOnError: false,
      rendererOptions: { logger: loggerTo(stderr), collapseErrors: false, showErrorMessage: false },
    },
  );
  const shown = list.run();
  return {
    tell: (text) => {
      if (task) task.output = text;
    },
    end: async (end) => {
      finish(end);
      await shown;
    },
  };
};

/** listr2 takes over the streams that it is given: stdout, where the command's output goes, is not among them. */
const loggerTo = (stderr: Writable): ListrLogger =>
  new ListrLogger({
    useIcons: true,
    processOutput: new ProcessOutput(stderr as NodeJS.WriteStream, nowhere() as NodeJS.WriteStream, {
      leaveEmptyLine: false,
    }),
  });

const nowhere = (): Writable => new Writable({ write: (_chunk, _encoding, done) => done() });
