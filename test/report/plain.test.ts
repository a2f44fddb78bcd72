import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { describe, expect, test } from 'vitest';
import type { Outcome, RunEvent } from '../../src/event.ts';
import { createPlainView } from '../../src/report/plain.ts';
import { began, commandEnded, finding, recorded, started, verdict } from './example-events.ts';

interface Shown {
  readonly quiet?: boolean;
  readonly columns?: number;
  readonly colours?: boolean;
}

const show = (events: readonly RunEvent[], { quiet = false, columns, colours }: Shown = {}): Promise<string> => {
  const stream = Object.assign(new PassThrough(), {
    ...(columns === undefined ? {} : { columns }),
    ...(colours === undefined ? {} : { hasColors: () => colours }),
  });
  const view = createPlainView(stream, quiet);
  recorded(...events).forEach((event) => view(event));
  stream.end();
  return text(stream);
};

test('what an interrupted run had told counts when it is taken up again, and is not said twice', async () => {
  const [first, command, ...rest] = recorded(
    started(),
    commandEnded({ kind: 'exited', status: 3 }),
    verdict('healthy', true),
    { type: 'run-ended', outcome: { outcome: 'rolled-back', cause: 'command' }, ms: 1 },
  );
  const stream = new PassThrough();
  const view = createPlainView(
    stream,
    false,
    [first, command].flatMap((event) => event ?? []),
  );
  for (const event of rest) view(event);
  stream.end();
  expect((await text(stream)).split('\n')[0]).toBe(
    'guard: rolled back: the command ended with exit status 3. web is back and healthy.',
  );
});

const ended = (outcome: Outcome): RunEvent => ({ type: 'run-ended', outcome, ms: 1 });

const rolledBack: readonly RunEvent[] = [
  started(),
  { type: 'phase-ended', phase: 'inspect', ms: 12, ok: true, message: 'running' },
  { type: 'phase-ended', phase: 'baseline', ms: 43, ok: true, message: 'facts' },
  { type: 'notice', level: 'info', message: 'apt asked its question.' },
  { type: 'notice', level: 'warning', message: 'disk "data" is not covered.\nIt stays as it is.' },
  began('command'),
  commandEnded({ kind: 'exited', status: 0 }),
  { type: 'phase-ended', phase: 'verify', ms: 5000, ok: false, message: 'unhealthy' },
  { type: 'watch-progress', waitingFor: [finding('not shown')], healthyForMs: 0, limitMs: 120_000, soakMs: 10_000 },
  verdict('unhealthy', false, { reasons: [finding('unit pdns.service ran before and now has failed')] }),
  verdict('healthy', true),
  ended({ outcome: 'rolled-back', cause: 'unhealthy' }),
];

test('a line for each phase, notices, and the closing words', async () => {
  expect(await show(rolledBack)).toMatchInlineSnapshot(`
    "guard: Baseline: facts (43 ms)
    guard: apt asked its question.
    guard: disk "data" is not covered.
      It stays as it is.
    guard: ✖ Verify: unhealthy (5 s)
    guard: rolled back: the instance was not healthy after the command. web is back and healthy.
      ✖ unit pdns.service ran before and now has failed
      record: guard show 20261123-070945-z8mf
    "
  `);
});

describe('quiet', () => {
  test('leaves warnings and bad ends', async () => {
    const said = await show(rolledBack, { quiet: true });
    expect(said).not.toMatch(/Baseline|apt asked/);
    expect(said).toContain('guard: disk "data" is not covered.\n');
    expect(said).toContain('guard: rolled back:');
  });

  test('says nothing when all is well', async () => {
    const events = [started(), commandEnded({ kind: 'exited', status: 0 }), ended({ outcome: 'kept' })];
    expect(await show(events, { quiet: true })).toBe('');
  });
});

describe('on a terminal', () => {
  const colourOf = async (outcome: Outcome): Promise<string> =>
    (await show([ended(outcome)], { colours: true })).split('\n')[0] ?? '';

  test('the outcome has a colour, and nothing else', async () => {
    const refusal = { message: 'No.', advice: '' };
    expect(await colourOf({ outcome: 'kept' })).toContain('guard: \u001b[1m\u001b[32mkept\u001b[39m\u001b[22m: ');
    expect(await colourOf({ outcome: 'refused', refusal })).toContain('\u001b[33mrefused');
    expect(await colourOf({ outcome: 'rolled-back-not-well', cause: 'command' })).toContain('\u001b[31mrestored, but');
    expect((await show(rolledBack, { colours: true })).split('\u001b[')).toHaveLength(5);
  });

  test('there is none where the stream does not want it (NO_COLOR, a file)', async () => {
    expect(await show(rolledBack, { colours: false })).not.toContain('\u001b');
    expect(await show(rolledBack)).not.toContain('\u001b');
  });

  test('long sentences are cut at spaces', async () => {
    const said = await show(rolledBack, { columns: 50 });
    for (const line of said.split('\n')) expect(line.length).toBeLessThanOrEqual(50);
    expect(said.replace(/\n\s+/g, ' ')).toContain('the instance was not healthy after the command. web is back');
  });
});

test('what others wrote cannot steer the terminal', async () => {
  const evil = 'a\u001b]0;owned\u0007b\rc';
  const said = await show([
    { type: 'notice', level: 'warning', message: evil },
    { type: 'phase-ended', phase: 'restore', ms: 1, ok: false, message: evil },
  ]);
  // oxlint-disable-next-line no-control-regex -- control characters are what must not be there
  expect(said).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/);
});
