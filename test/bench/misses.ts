import type { Row } from './row.ts';

/** What profiles (`--trace`, `node --cpu-prof`) say of a section whose targets are missed, by its letter. */
const reasons: Readonly<Record<string, string>> = {
  b: `guard looks at the whole instance before and after the command, which the script does not: each look is an exec in which the
  service manager answers about its units, and /proc and /etc are read, and takes as long as a check of the script and 40 ms
  more. Node and guard take a fifth of the time to the first request, and the mark on the instance is written and removed, with a
  lock that is taken and given back. What of each part is Incus' own operation is in the table above.`,
  c: `what is between the decision and the stop is the evidence: one exec, whose programs have to be read from the disk again, since
  the round before has restored it. Of the stop half a second is a sleep in the hook that lxcfs runs at each stop, which the script and
  bare REST wait for too. Below 0.9 of the script is below Incus' own operations over REST.`,
  d: `two execs, and what the service manager needs inside: about a millisecond for each unit that it is asked about in detail. All
  of it is processor time, so that the figure is the machine's.`,
  e: `guard's begin and end take some 0.35 s, those of \`incus exec\` 0.08 s. From the first byte to the last (the second row)
  guard is a little slower: its thread waits six tenths of that time, and two thirds of the rest write to the reader.`,
  f: `a guard process among fifty sends the same requests as one alone, and does not poll. What it takes more is the busy machine's: a
  single guard beside ten loops of the script, without another guard, took 1.27 times as much as alone. A guard wakes for some
  hundred answers, each time with the processor's caches full of others' work. One agent for all has its own warm: see its row.`,
  h: `as (b); on dir each side copies all files, and the copy is all that counts.`,
};

/** A chapter about the sections with a missed target; nothing where all are met. */
export const missesOf = (rows: readonly Row[]): string[] => {
  const missed = new Set(rows.filter(({ met }) => met === false).map(({ what }) => what.slice(1, 2)));
  const lines = [...missed].flatMap((letter) =>
    reasons[letter] === undefined ? [] : [`- (${letter}): ${reasons[letter]}`],
  );
  return lines.length === 0 ? [] : ['## Missed, and what the profiles say', '', ...lines, ''];
};
