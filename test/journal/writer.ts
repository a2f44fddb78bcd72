import { openJournal } from '../../src/journal/journal.ts';
import { openRolloutJournal } from '../../src/journal/rollouts.ts';
import { ok } from '../../src/result.ts';
import { recorded, sampleRun, started } from './samples.ts';

// A process of its own that writes durable events, of a run or of a rollout, until it is stopped or the disk is full, and says
// what came of each. `waiting`: of a run, and the second event waits until stdin ends.
const [stateDirectory = '', what = 'run'] = process.argv.slice(2);

async function openWriter() {
  if (what === 'rollout') {
    const journal = await openRolloutJournal(stateDirectory, sampleRun);
    if (!journal.ok) return journal;
    const append = (at: number) =>
      journal.value.append({
        v: 1,
        rollout: sampleRun,
        at,
        type: 'member-begun',
        id: `default/c${at}`,
        run: sampleRun,
      });
    return ok(append);
  }
  const journal = await openJournal({ stateDirectory, run: sampleRun });
  if (!journal.ok) return journal;
  const decided = { type: 'decided', decision: 'keep', cause: null } as const;
  return ok((at: number) => journal.value.append(recorded(at === 0 ? started() : decided, at)));
}

const main = async (): Promise<void> => {
  const append = await openWriter();
  if (!append.ok) {
    process.stdout.write(`cannot open: ${append.error}\n`);
    return;
  }
  let failures = 0;
  for (let at = 0; at < 2000 && failures < 3; at += 1) {
    const written = await append.value(at);
    if (!written.ok) failures += 1;
    process.stdout.write(written.ok ? `written ${at}\n` : `failed: ${written.error}\n`);
    if (what === 'waiting' && at === 0) for await (const _ of process.stdin);
  }
};

void main();
