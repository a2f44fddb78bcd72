import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { RunEvent } from '../../src/event.ts';
import { createJsonView } from '../../src/report/ndjson.ts';
import { began, finding, recorded, started, verdict } from './example-events.ts';

const linesOf = async (...events: readonly RunEvent[]): Promise<string[]> => {
  const stream = new PassThrough();
  const view = createJsonView(stream);
  for (const event of recorded(...events)) void view(event);
  stream.end();
  return (await text(stream)).split('\n').slice(0, -1);
};

const output = (chunk: Uint8Array): RunEvent => ({ type: 'command-output', stream: 'stdout', chunk });

test('one event a line, each with version, run and time', async () => {
  const lines = await linesOf(
    started({ command: ['printf', 'a\nb\u2028c'] }),
    began('baseline'),
    { type: 'notice', level: 'info', message: 'line\nline' },
    verdict('unhealthy', false, { reasons: [finding('x\ry')] }),
    output(Buffer.from('a\r\nb\n')),
  );
  const events = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(events.map((event) => event['type'])).toEqual([
    'run-started',
    'phase-started',
    'notice',
    'verdict',
    'command-output',
  ]);
  for (const event of events) {
    expect(event).toMatchObject({ v: 1, run: '20261123-070945-z8mf' });
    expect(event['at']).toBeTypeOf('number');
  }
});

test('output of the command is text where it is UTF-8, else base64', async () => {
  const [plain, latin] = await linesOf(output(Buffer.from('grün\n')), output(Buffer.from([0x67, 0xfc, 0x6e])));
  expect(JSON.parse(plain ?? '')).toMatchObject({ stream: 'stdout', encoding: 'utf8', data: 'grün\n' });
  expect(JSON.parse(latin ?? '')).toMatchObject({ encoding: 'base64', data: 'Z/xu' });
  expect(JSON.parse(plain ?? '')).not.toHaveProperty('chunk');
});

test('any bytes come back as they were', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (bytes) => {
      const [line, ...more] = await linesOf(output(bytes));
      const { encoding, data } = JSON.parse(line ?? '') as { encoding: BufferEncoding; data: string };
      expect(more).toEqual([]);
      expect(Buffer.from(data, encoding)).toEqual(Buffer.from(bytes));
    }),
  );
});

test('of the baseline the checks are told, and not the facts', async () => {
  const baseline = { checks: [], facts: { units: {} } };
  const [line] = await linesOf({ type: 'baseline-recorded', baseline });
  expect(JSON.parse(line ?? '')).toMatchObject({ type: 'baseline-recorded', baseline: { checks: [] } });
  expect(line).not.toContain('facts');
});

test('a reader that is slow slows the output down, and nothing else', async () => {
  const stream = new PassThrough({ highWaterMark: 1 });
  const view = createJsonView(stream);
  const [notice] = recorded({ type: 'notice', level: 'info', message: 'x' }).map(view);
  expect(notice).toBeUndefined();
  let taken = 0;
  const outputs = recorded(output(Buffer.from('a')), output(Buffer.from('b'))).map(view);
  for (const one of outputs) void Promise.resolve(one).then(() => (taken += 1));
  await new Promise(setImmediate);
  expect(taken).toBe(0);
  stream.resume();
  await expect.poll(() => taken).toBe(2);
});
