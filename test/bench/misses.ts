import type { Row } from './row.ts';

/** What profiles (`--trace`, `node --cpu-prof`) say of a section whose targets are missed, by its letter. */
const reasons: Readonly<Record<string, string>> = {
  b: `guard looks at the whole instance before and after the command, which the script does not: each look is one exec,
  in which the service manager answers about its units, and /proc and /etc are read. Beside them stand two more execs (is anything at work inside, is the command there) and some twenty
  requests one after another: they take the room, the lock, the mark and the lease, and give them back. A kept run is five
  execs where the script has two, and Node with guard's own code takes 90 ms before the first request.`,
  c: `what is between the decision and the stop is the evidence, one exec, and the question whether the restore point is
  there and still this run's. The rest is Incus: its force stop alone waits for 0.6 s, and guard, the script and bare REST
  are down for the same time. Below 0.9 of the script is below Incus' own operations over REST.`,
  d: `the service manager needs about a millisecond for each unit that it is asked about in detail.`,
  e: `guard's begin and end take some 0.35 s, those of \`incus exec\` 0.08 s. From the first byte to the last (the second row)
  guard is a little slower: its thread waits six tenths of that time, and two thirds of the rest write to the reader.`,
  f: `a guard among fifty sends the same requests as one alone, and does not poll. Most of what it takes more is the busy
  machine's: a single guard beside ten loops of the script, without another guard, takes 1.27 times as much as alone, and an empty
  program beside them 1.16 times. A guard wakes for some hundred answers, each time with the processor's caches full of others' work.`,
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
