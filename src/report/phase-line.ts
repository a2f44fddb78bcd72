import type { Writable } from 'node:stream';
import { DefaultRenderer, Listr, ListrLogger, ProcessOutput, type ListrTaskWrapper, type SimpleRenderer } from 'listr2';

/** A terminal that guard's words go to. */
export type Screen = Writable & { readonly columns?: number; readonly rows?: number };

/** One phase on the screen: a list of its own, so that nothing of listr2 is active while the command has the terminal. */
export interface PhaseLine {
  /** Shows another title, such as the time that it takes. */
  readonly rename: (title: string) => void;
  /** Shows below the line what it waits for. */
  readonly update: (text: string) => void;
  /** Resolves when the line stands and the terminal is free again. */
  readonly end: (ended: PhaseEnd) => Promise<void>;
}

export interface PhaseEnd {
  /** `paused`: the line makes room for a question. */
  readonly how: 'done' | 'failed' | 'paused';
  /** The whole line, without its mark. */
  readonly title: string;
}

type Task = ListrTaskWrapper<unknown, typeof LiveRenderer, typeof SimpleRenderer>;

/** listr2 looks at stdout, and would write to it where that is no terminal (`guard … | sha256sum`): it is the command's. */
class LiveRenderer extends DefaultRenderer {
  static override nonTTY = true;
}

/** Wraps for this screen: listr2 takes the width of stdout, or 80 columns, and would make two rows of one. */
function rendererFor(screen: Screen): typeof LiveRenderer {
  return class extends LiveRenderer {
    constructor(...words: ConstructorParameters<typeof DefaultRenderer>) {
      super(...words);
      let wrap: (text: string, columns: number, options?: object) => string = (text) => text;
      Object.defineProperty(this, 'wrap', {
        get: () => (text: string, columns: number, options?: object) =>
          wrap(text, columns + (screen.columns ?? 80) - (process.stdout.columns ?? 80), options),
        // listr2 sets what it has loaded.
        set: (loaded: typeof wrap) => {
          wrap = loaded;
        },
      });
    }
  };
}

/** A title with rows below it, which change as long as it is shown. */
export interface LiveBlock {
  readonly rename: (title: string) => void;
  readonly update: (title: string, rows: readonly string[]) => void;
  /** Resolves when the title stands, without its rows, and the terminal is free again. */
  readonly end: (ended: PhaseEnd) => Promise<void>;
}

/** Starts a live line. */
export function startPhaseLine(screen: Screen, title: string): PhaseLine {
  const { rename, update, end } = startLiveBlock(screen, title);
  let shown = title;
  return {
    rename: (wanted) => {
      shown = wanted;
      rename(wanted);
    },
    update: (text) => update(shown, rowsThatFit(text, screen)),
    end,
  };
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
    wrapper.output = '';
    if (end.how === 'paused') wrapper.skip(end.title);
    // That is how listr2 is told of a failure; `exitOnError: false` keeps it there.
    if (end.how === 'failed') throw new Error(end.title);
  }
  const shown = new Listr([{ title, task: work }], {
    // Otherwise listr2 ends the whole process at the first Ctrl-C.
    registerSignalListeners: false,
    exitOnError: false,
    renderer: rendererFor(screen),
    rendererOptions: { logger: loggerTo(screen), collapseErrors: false, showErrorMessage: false, suffixSkips: false },
  }).run();
  return {
    rename: (title) => {
      if (task && task.title !== title) task.title = title;
    },
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

function oneRow(text: string, screen: Screen): string {
  const room = roomIn(screen);
  return text.length > room ? `${text.slice(0, room - 1)}…` : text;
}

function roomIn({ columns }: Screen): number {
  return Math.max(22, (columns ?? 80) - surroundings);
}

/** In as many rows as it needs; a redraw of more than the screen has would leave remains. */
function rowsThatFit(text: string, screen: Screen): string[] {
  return rowsOf(text, roomIn(screen)).slice(0, Math.max(1, Math.floor((screen.rows ?? 24) / 3)));
}

/** Cut at spaces; a longer word is cut wherever the row ends. */
function rowsOf(text: string, room: number): string[] {
  const rows: string[] = [];
  for (const word of text.split(' ').flatMap((word) => pieces(word, room))) {
    const last = rows.at(-1);
    if (last === undefined || last.length + 1 + word.length > room) rows.push(word);
    else rows[rows.length - 1] = `${last} ${word}`;
  }
  return rows;
}

function pieces(word: string, room: number): string[] {
  return Array.from({ length: Math.max(1, Math.ceil(word.length / room)) }, (_, at) =>
    word.slice(at * room, (at + 1) * room),
  );
}
