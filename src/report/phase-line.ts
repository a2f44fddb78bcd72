import type { Writable } from 'node:stream';
import { DefaultRenderer, Listr, ListrLogger, ProcessOutput, type ListrTaskWrapper, type SimpleRenderer } from 'listr2';

/** A terminal that guard's words go to. */
export type Screen = Writable & { readonly columns?: number; readonly rows?: number };

/** One phase on the screen: a list of its own, so that nothing of listr2 is active while the command has the terminal. */
export interface PhaseLine {
  /** Shows below the line what it waits for. */
  readonly update: (text: string) => void;
  /** Resolves when the line stands and the terminal is free again. */
  readonly end: (ended: PhaseEnd) => Promise<void>;
}

export interface PhaseEnd {
  readonly ok: boolean;
  /** The whole line, without its mark. */
  readonly title: string;
}

type Task = ListrTaskWrapper<unknown, typeof LiveRenderer, typeof SimpleRenderer>;

/** listr2 looks at stdout, and would write to it where that is no terminal (`guard … | sha256sum`): it is the command's. */
class LiveRenderer extends DefaultRenderer {
  static override nonTTY = true;
}

/** A title with rows below it, which change as long as it is shown. */
export interface LiveBlock {
  readonly update: (title: string, rows: readonly string[]) => void;
  /** Resolves when the title stands, without its rows, and the terminal is free again. */
  readonly end: (ended: PhaseEnd) => Promise<void>;
}

/** Starts a live line. */
export function startPhaseLine(screen: Screen, title: string): PhaseLine {
  const { update, end } = startLiveBlock(screen, title);
  return { update: (text) => update(title, [text]), end };
}

/** Starts a live title with rows. More rows than the terminal has would break the redraw: the caller keeps to that. */
export function startLiveBlock(screen: Screen, title: string): LiveBlock {
  let finish: (ended: PhaseEnd) => void = () => {};
  const ended = new Promise<PhaseEnd>((resolve) => {
    finish = resolve;
  });
  let task: Task | null = null;
  async function work(_context: unknown, wrapper: Task): Promise<void> {
    task = wrapper;
    const end = await ended;
    wrapper.title = end.title;
    // That is how listr2 is told of a failure; `exitOnError: false` keeps it there.
    if (!end.ok) throw new Error(end.title);
  }
  const shown = new Listr([{ title, task: work }], {
    // Otherwise listr2 ends the whole process at the first Ctrl-C.
    registerSignalListeners: false,
    exitOnError: false,
    renderer: LiveRenderer,
    rendererOptions: { logger: loggerTo(screen), collapseErrors: false, showErrorMessage: false },
  }).run();
  return {
    update: (newTitle, rows) => {
      if (!task) return;
      if (task.title !== newTitle) task.title = newTitle;
      task.output = rows.map((row) => oneRow(row, screen)).join('\n');
    },
    end: async (end) => {
      finish(end);
      await shown;
    },
  };
}

/**
 * listr2 takes over the streams that it is given, and holds back what others write to them. It gets stand-ins: neither the
 * command's output nor a last word of guard's can be held back, whatever happens while a line is shown.
 */
function loggerTo(screen: Screen): ListrLogger {
  const output = new ProcessOutput(standIn(screen), nowhere(), { leaveEmptyLine: false });
  // listr2 would give the redraw a copy, with the size of the terminal as it was at first.
  Object.defineProperty(output, 'stdout', { value: standIn(screen) });
  return new ListrLogger({ useIcons: true, processOutput: output });
}

function standIn(screen: Screen): NodeJS.WriteStream {
  return {
    get columns() {
      return screen.columns ?? 80;
    },
    get rows() {
      return screen.rows ?? 24;
    },
    write: (text: string) => screen.write(text),
  } as NodeJS.WriteStream;
}

function nowhere(): NodeJS.WriteStream {
  return { write: () => true } as unknown as NodeJS.WriteStream;
}

/** What listr2 puts around the text: an indent, a mark, and two columns that it leaves free. */
const surroundings = 8;

function oneRow(text: string, { columns }: Screen): string {
  const room = Math.max(10, (columns ?? 80) - surroundings);
  return text.length > room ? `${text.slice(0, room - 1)}…` : text;
}
