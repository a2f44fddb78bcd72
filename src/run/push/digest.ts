import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { entriesOf } from './source.ts';
import type { PushPlan } from '../plan.ts';

/** A hash of the pushed content, its owner and its destination. The source folder and time do not matter. */
export async function digestOfPush(push: PushPlan): Promise<string> {
  const hash = createHash('sha256').update(JSON.stringify([push.inside, push.kind, push.user, push.group]));
  for await (const entry of entriesOf(push)) {
    const { inside, kind, mode } = entry;
    hash.update(JSON.stringify([inside, kind, mode, entry.kind === 'link' ? entry.target : null]));
    if (entry.kind === 'file') for await (const chunk of createReadStream(entry.local)) hash.update(chunk as Buffer);
  }
  return hash.digest('hex');
}
