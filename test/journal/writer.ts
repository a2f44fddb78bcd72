import { openJournal } from '../../src/journal/journal.ts';
import { recorded, sampleRun, started } from './samples.ts';

// A process of its own that writes durable events until it is stopped or the disk is full, and says what came of each. The second
// event waits until stdin ends.
const main = async (): Promise<void> => {
  const stateDirectory = process.argv[2] ?? '';
  const journal = await openJournal({ stateDirectory, run: sampleRun });
  if (!journal.ok) {
    process.stdout.write(`cannot open: ${journal.error}\n`);
    return;
  }
  let failures = 0;
  for (let at = 0; at < 2000 && failures < 3; at += 1) {
    const event = at === 0 ? started() : ({ type: 'decided', decision: 'keep', cause: null } as const);
    const written = await journal.value.append(recorded(event, at));
    if (!written.ok) failures += 1;
    process.stdout.write(written.ok ? `written ${at}\n` : `failed: ${written.error}\n`);
    if (at === 0) for await (const _ of process.stdin);
  }
};

void main();
