import { Writable } from 'node:stream';
import { afterEach, expect, test } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import type { RolloutEvent } from '../../src/rollout-event.ts';
import { createRolloutView } from '../../src/report/rollout-view.ts';
import type { RolloutView } from '../../src/report/rollout-situation.ts';
import { withRolloutEvent } from '../../src/rollout/record.ts';
import { holder, membersOf, oneByOne, recorded, recordOf } from '../rollout/record-samples.ts';

// The live table on a terminal whose stdout is not it: `guard … | tee log`.

function collector(more: object = {}): Writable & { readonly text: () => string } {
  let text = '';
  const stream = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      text += chunk.toString();
      done();
    },
  });
  return Object.assign(stream, { ...more, text: () => text });
}

const run = '20261129-230000-0001';
let view: RolloutView;

afterEach(() => view.close());

async function begin() {
  const stdout = collector();
  const stderr = collector({ isTTY: true, columns: 120, rows: 20 });
  const situation = {
    environment: {},
    stdout,
    stderr,
    stdin: collector(),
    clock: systemClock,
    json: false,
    quiet: false,
  };
  view = await createRolloutView({ ...situation, settings: oneByOne } as never);
  const members = membersOf(2, oneByOne);
  let record = recordOf(members);
  const [member] = record.members;
  if (member === undefined) throw new Error('no member');
  const tell = async (event: RolloutEvent): Promise<void> => {
    record = withRolloutEvent(record, recorded(event));
    await view.onRolloutEvent(recorded(event), record);
  };
  await tell({ type: 'rollout-started', version: '1', command: ['true'], options: [], members, holder });
  return { stdout, stderr, member, tell };
}

const ending = { type: 'rollout-ended', stop: null, exitStatus: 40, ms: 1 } as const;

test('what a command writes does not come between the rows, and a stdout that is no terminal gets all of it', async () => {
  const { stdout, stderr, member, tell } = await begin();
  await tell({ type: 'member-begun', id: member.id, run });
  const output = view.memberOutput(member);
  output.stdout.write('said on stdout\n');
  output.stderr.write('said on stderr\n');
  output.end();
  await tell(ending);
  expect(stdout.text()).toBe('c0 | said on stdout\nc0 | said on stderr\n');
  expect(stderr.text()).not.toContain('said on stderr');
});

test('a message of guard is told in full after the table', async () => {
  const { stderr, tell } = await begin();
  view.tell('guard: the record cannot be written');
  const before = stderr.text().includes('guard: the record cannot be written\n');
  await tell(ending);
  expect(before).toBe(false);
  expect(stderr.text()).toContain('guard: the record cannot be written\nguard: rollout ');
});

test('a row is as wide as the terminal, whatever the width of stdout', async () => {
  const { stderr, member, tell } = await begin();
  const message = `it failed: ${'x'.repeat(300)}`;
  const end = { state: 'failed', outcome: 'rolled-back', message, ms: 1000 } as const;
  await tell({ type: 'member-ended', id: member.id, run, ...end });
  await expect.poll(() => stderr.text()).toMatch(/x{60}…/);
  await tell(ending);
});
