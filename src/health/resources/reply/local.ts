import { mapOf } from '../../finding.ts';
import { summaryOf } from '../../protocols/learn.ts';
import type { Section } from '../../probe/sections.ts';
import type { Difference } from '../../rules.ts';
import { isRemoved, type Comparison } from '../comparison.ts';

/** `PORT said HEX` and `PORT refused` lines: what listeners on loopback say, reduced to what tells a protocol and a state. */
export function localRepliesFrom(section: Section): Record<string, string> | null {
  if (section.status !== 0) return null;
  return Object.fromEntries(
    section.lines.slice(0, 200).flatMap((line) => {
      const [, port, hex] = /^(\d{1,5}) (?:said ?([0-9a-f]{0,400})|refused)$/.exec(line) ?? [];
      return port === undefined ? [] : [[`tcp/${port}`, summaryOfLocal(Buffer.from(hex ?? '', 'hex'))]];
    }),
  );
}

/** PostgreSQL says with one letter whether it would encrypt: either is an answer. */
function summaryOfLocal(bytes: Buffer): string {
  if (bytes.length === 0) return '';
  return bytes.length === 1 ? 'postgresql' : summaryOf(bytes);
}

/** Servers that only the instance itself can reach, and that say nothing or only errors where they answered before. */
export function compareLocalReplies(comparison: Comparison): Difference[] {
  const { before, after } = comparison;
  const [was, is] = [before.localReplies, after.localReplies];
  if (was == null || is == null) return [];
  const now = mapOf(is);
  return Object.entries(was).flatMap(([port, said]): Difference[] => {
    const answer = now.get(port);
    // A port that nobody has any more is told by the comparison of listeners.
    const holder = after.sockets?.find((socket) => `${socket.protocol}/${socket.port}` === port);
    if (said === '' || answer === undefined || answer === said || holder === undefined) return [];
    const lost = answer === '' || (goodHttp.test(said) && badHttp.test(answer)) || !said.startsWith('HTTP');
    if (!lost) return [];
    const who = holder.owner?.unit ?? holder.owner?.process ?? 'the server';
    return [
      {
        resource: 'reply',
        change: 'lost',
        name: port,
        subject: `answer:${port}`,
        message: `${who} answered inside at ${port} with ${said}, now ${answer === '' ? 'it does not answer' : `with ${answer}`}`,
        transient: true,
        traits: isRemoved(comparison, null, who) ? ['removed'] : [],
      },
    ];
  });
}

const goodHttp = /^HTTP [123]/;
const badHttp = /^HTTP (5|40[134])/;
