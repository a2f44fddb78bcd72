/** Follows what a program does to the terminal, so that it can be undone where the program had no time to. */
export interface TerminalModes {
  /** To be called with every piece of output, in order. */
  readonly see: (chunk: Uint8Array) => void;
  /** The sequences that bring the terminal back; empty where nothing is left to undo. Forgets what was seen. */
  readonly undo: () => string;
}

/** Private modes (DECSET, `ESC [ ? n h`) that programs leave behind, and how they are at rest: xterm's ctlseqs. */
const restingModes: Readonly<Record<string, 'h' | 'l'>> = {
  // The alternate screen comes first: leaving it puts the cursor back.
  '47': 'l',
  '1047': 'l',
  '1049': 'l',
  // Application cursor keys; line wrap; the cursor itself.
  '1': 'l',
  '7': 'h',
  '25': 'h',
  // Mouse and focus reports.
  '9': 'l',
  '1000': 'l',
  '1001': 'l',
  '1002': 'l',
  '1003': 'l',
  '1004': 'l',
  '1005': 'l',
  '1006': 'l',
  '1015': 'l',
  '1016': 'l',
  // Bracketed paste.
  '2004': 'l',
};

const escape = 0x1b;

/** A longer sequence than this is none of those that are looked for. */
const longestSequence = 64;

// oxlint-disable-next-line no-control-regex -- control sequences are what is looked for
const modeSequence = /\u001b\[\?([\d;]+)([hl])/g;

/** A terminal at rest. */
export function createTerminalModes(): TerminalModes {
  const left = new Map<string, 'h' | 'l'>();
  let hasEscapes = false;
  let rest = '';

  function note(text: string): void {
    for (const [, numbers = '', set] of text.matchAll(modeSequence))
      for (const number of numbers.split(';')) {
        const resting = restingModes[number];
        if (resting === set) left.delete(number);
        else if (resting !== undefined) left.set(number, resting);
      }
  }

  return {
    see: (chunk) => {
      if (rest === '' && !chunk.includes(escape)) return;
      hasEscapes = true;
      const text = rest + Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength).toString('latin1');
      note(text);
      // A sequence can be cut in two by the end of a chunk.
      const last = text.lastIndexOf('\u001b', text.length);
      rest =
        last >= 0 && text.length - last < longestSequence && isUnfinished(text.slice(last)) ? text.slice(last) : '';
    },
    undo: () => {
      const modes = Object.keys(restingModes).filter((number) => left.has(number));
      const colours = hasEscapes ? '\u001b[0m' : '';
      // In the table's order, which Object.keys does not keep for numbers: the alternate screen first.
      const ordered = modes.toSorted((a, b) => Number(isScreen(b)) - Number(isScreen(a)));
      const resumedAfterFailure = ordered.map((number) => `\u001b[?${number}${left.get(number) ?? 'l'}`).join('');
      left.clear();
      hasEscapes = false;
      rest = '';
      return resumedAfterFailure + colours;
    },
  };
}

function isScreen(mode: string): boolean {
  return mode === '47' || mode === '1047' || mode === '1049';
}

function isUnfinished(text: string): boolean {
  // oxlint-disable-next-line no-control-regex -- control sequences are what is looked for
  return /^\u001b(\[(\?[\d;]*)?)?$/.test(text);
}
