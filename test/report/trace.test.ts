import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openTrace } from '../../src/report/trace.ts';
import { temporaryFolder } from '../journal/temporary.ts';

interface Span {
  readonly name: string;
  readonly ph: string;
  readonly ts: number;
  readonly dur: number;
  readonly tid: number;
  readonly args: Readonly<Record<string, unknown>>;
}

const traced = async () => {
  const folder = await temporaryFolder();
  let now = 100;
  const clock = {
    now: () => 0,
    monotonic: () => now,
    boottime: () => now,
    sleep: async () => {},
    after: () => () => {},
  };
  const opened = await openTrace('trace.json', { clock, workingDirectory: folder });
  if (!opened.ok) throw new Error(opened.error);
  const spans = async (): Promise<Span[]> => {
    const all = JSON.parse(await readFile(join(folder, 'trace.json'), 'utf8')) as Span[];
    return all.filter(({ ph }) => ph === 'X');
  };
  return { trace: opened.value, spans, at: (ms: number) => (now = ms) };
};

const event = { v: 1, run: 'r', at: 0 } as const;

test('one span a phase and a request, in microseconds, without the secrets of a request', async () => {
  const { trace, spans, at } = await traced();
  await trace.listener({ ...event, type: 'phase-started', phase: 'inspect' });
  at(110);
  const request = { method: 'GET', path: '/1.0/operations/x/websocket?secret=abc' };
  trace.onRequest(request);
  at(112.5);
  trace.onAnswer(request);
  at(120);
  await trace.listener({ ...event, type: 'phase-ended', phase: 'inspect', ms: 20, ok: true, message: 'running' });
  trace.close();
  expect((await spans()).map(({ name, ts, dur }) => ({ name, ts, dur }))).toEqual([
    { name: 'start-up', ts: 0, dur: 100_000 },
    { name: 'GET /1.0/operations/x/websocket', ts: 110_000, dur: 2500 },
    { name: 'inspect', ts: 100_000, dur: 20_000 },
  ]);
});

test('requests at the same time lie in different lanes; one without an answer is there as well', async () => {
  const { trace, spans } = await traced();
  const [one, two] = [
    { method: 'GET', path: '/one' },
    { method: 'GET', path: '/two' },
  ];
  trace.onRequest(one);
  trace.onRequest(two);
  trace.onAnswer(one);
  trace.close();
  const [first, second] = (await spans()).slice(1);
  expect(first?.tid).not.toBe(second?.tid);
  expect(second).toMatchObject({ name: 'GET /two', args: { unanswered: true } });
});

test('a file that cannot be written is one sentence', async () => {
  const clock = { now: () => 0, monotonic: () => 0, boottime: () => 0, sleep: async () => {}, after: () => () => {} };
  expect(await openTrace('/nowhere/trace.json', { clock, workingDirectory: '/' })).toEqual({
    ok: false,
    error: '"/nowhere/trace.json": it does not exist (ENOENT).',
  });
});
