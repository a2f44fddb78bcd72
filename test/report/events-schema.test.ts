import { readFile } from 'node:fs/promises';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { describe, expect, test } from 'vitest';
import { fromJSONSchema } from 'zod';
import type { Cause, CommandEnd, Outcome, Phase, RunEvent, Signal } from '../../src/event.ts';
import { createJsonView } from '../../src/report/ndjson.ts';
import { withoutRoom } from './exact-schema.ts';
import { began, check, commandEnded, finding, recorded, started, verdict } from './example-events.ts';

type Json = Readonly<Record<string, unknown>>;

const published = JSON.parse(
  await readFile(new URL('../../schema/events.schema.json', import.meta.url), 'utf8'),
) as Json & { readonly anyOf: readonly { readonly properties: { readonly type: { readonly const: string } } }[] };

const schema = fromJSONSchema(withoutRoom(published) as Parameters<typeof fromJSONSchema>[0]);

const keysOf = <Key extends string>(all: Readonly<Record<Key, true>>): Key[] => Object.keys(all) as Key[];

const signals = keysOf<Signal>({ SIGINT: true, SIGTERM: true, SIGHUP: true });
const causes = keysOf<Cause>({
  command: true,
  unhealthy: true,
  inconclusive: true,
  timeout: true,
  interrupted: true,
  'not-confirmed': true,
});
const phases = keysOf<Phase>({
  inspect: true,
  baseline: true,
  'restore-point': true,
  push: true,
  command: true,
  verify: true,
  confirm: true,
  keep: true,
  evidence: true,
  stop: true,
  restore: true,
  start: true,
  'verify-again': true,
  release: true,
  copy: true,
  restart: true,
  'remove-copy': true,
});

const ends: { readonly [Kind in CommandEnd['kind']]: Extract<CommandEnd, { kind: Kind }> } = {
  exited: { kind: 'exited', status: 3 },
  'not-found': { kind: 'not-found' },
  'not-executable': { kind: 'not-executable' },
  timeout: { kind: 'timeout', limitMs: 1 },
  'idle-timeout': { kind: 'idle-timeout', limitMs: 1 },
  'instance-stopped': { kind: 'instance-stopped', restarted: true },
  lost: { kind: 'lost', message: 'It broke.' },
  'push-failed': { kind: 'push-failed', message: 'No space.' },
  interrupted: { kind: 'interrupted', signal: 'SIGINT' },
};

const refusal = { message: 'No.', advice: '' };
const outcomes: { readonly [Name in Outcome['outcome']]: readonly Extract<Outcome, { outcome: Name }>[] } = {
  kept: [{ outcome: 'kept' }],
  'rolled-back': causes.flatMap((cause) => (cause === 'interrupted' ? [] : [{ outcome: 'rolled-back', cause }])),
  'kept-unhealthy': causes.map((cause) => ({ outcome: 'kept-unhealthy', cause })),
  waiting: [{ outcome: 'waiting', deadline: 1 }],
  'kept-unchanged': causes.map((cause) => ({ outcome: 'kept-unchanged', cause })),
  'instance-gone': [{ outcome: 'instance-gone' }],
  'rolled-back-not-well': causes.map((cause) => ({ outcome: 'rolled-back-not-well', cause })),
  'rollback-failed': causes.map((cause) => ({
    outcome: 'rollback-failed',
    cause,
    message: 'No.',
    manualRecovery: ['a'],
  })),
  refused: [{ outcome: 'refused', refusal }],
  busy: [{ outcome: 'busy', refusal }],
  quarantined: [{ outcome: 'quarantined', refusal }],
  'rehearsal-passed': [{ outcome: 'rehearsal-passed' }],
  'rehearsal-failed': (['change', 'restart'] as const).flatMap((stage) =>
    causes.flatMap((cause) => (cause === 'interrupted' ? [] : [{ outcome: 'rehearsal-failed', cause, stage }])),
  ),
  'rehearsal-inconclusive': [{ outcome: 'rehearsal-inconclusive', refusal }],
  usage: [{ outcome: 'usage', refusal }],
  configuration: [{ outcome: 'configuration', refusal }],
  interrupted: signals.map((signal) => ({ outcome: 'interrupted', signal })),
};

const rehearsalCopy = {
  project: 'guard-rehearsal',
  instance: 'web',
  uuid: '6fa04c7c-2b36-4e3d-9b2f-0a7b7e3f1c11',
  volumes: [{ pool: 'default', copy: 'guard-1' }],
};
const names = { appeared: ['a'], gone: ['b'] };
const events: Readonly<Record<RunEvent['type'], readonly RunEvent[]>> = {
  'run-started': [
    started(),
    started({ remote: 'far' }),
    started({ server: 'a' }),
    started({ uuid: 'a' }),
    started({ rolledBackTo: '20261123-055126-k3f9' }),
    started({ rehearsal: { copy: rehearsalCopy, before: null, keepCopy: false } }),
    started({ rehearsal: { copy: rehearsalCopy, before: 'a', keepCopy: true } }),
    started({ rehearsedBy: 'a' }),
    started({ pushes: [{ local: '/a', inside: '/b', files: 1, bytes: 2 }] }),
  ],
  'phase-started': phases.map(began),
  'phase-ended': phases.map((phase) => ({ type: 'phase-ended', phase, ms: 1, ok: true, message: 'done' })),
  notice: (['info', 'warning'] as const).map((level) => ({ type: 'notice', level, message: 'So.' })),
  'baseline-recorded': [
    { type: 'baseline-recorded', baseline: { checks: [check('web', 'unknown')] } },
    {
      type: 'baseline-recorded',
      baseline: { checks: [] },
      coverage: { compared: ['2 units'], missing: ['no package manager'] },
    },
  ],
  'lifecycle-commands-planned': [
    {
      type: 'lifecycle-commands-planned',
      commands: {
        beforeRestorePoint: [
          { kind: 'exec', command: ['sync'], environment: { SECRET: '1' }, timeoutMs: 1, user: 0, cwd: '/' },
        ],
        afterKeep: [{ kind: 'host', command: ['true'], environment: {}, timeoutMs: 1 }],
      },
    },
  ],
  'lifecycle-command-started': (['inside', 'host'] as const).map((where) => ({
    type: 'lifecycle-command-started',
    moment: 'beforeRollback',
    where,
    command: ['true'],
  })),
  'lifecycle-command-ended': [
    { type: 'lifecycle-command-ended', moment: 'afterKeep', ok: true, message: 'exit status 0', ms: 1 },
    {
      type: 'lifecycle-command-ended',
      moment: 'afterRollback',
      ok: false,
      message: 'exit status 1',
      ms: 1,
      output: 'a',
    },
  ],
  'quiesce-ended': [{ type: 'quiesce-ended' }],
  'change-begun': [{ type: 'change-begun' }],
  'lease-acquired': [
    { type: 'lease-acquired', lease: 1 },
    { type: 'lease-acquired', lease: 1, holder: { host: 'h', pid: 1, bootId: 'b', network: 'n', id: 'i' } },
  ],
  'restore-point-created': [
    {
      type: 'restore-point-created',
      restorePoint: { name: 'guard-in-flight', createdAt: '2026-11-23T07:04:30Z', volumes: [] },
    },
  ],
  'command-output': [
    { type: 'command-output', stream: 'stdout', chunk: Buffer.from('text') },
    { type: 'command-output', stream: 'stderr', chunk: Buffer.from([0xff]) },
  ],
  'command-ended': Object.values(ends).map(commandEnded),
  'watch-progress': [
    { type: 'watch-progress', waitingFor: [finding('It waits.')], healthyForMs: 0, limitMs: 1, soakMs: 2 },
  ],
  'watch-observed': [
    {
      type: 'watch-observed',
      observations: [
        { at: 1, waitingFor: 1, message: 'It waits.' },
        { at: 2, waitingFor: 0 },
      ],
    },
  ],
  'unit-log': [{ type: 'unit-log', unit: 'a.service', lines: ['a'] }],
  verdict: (['healthy', 'unhealthy', 'inconclusive'] as const).map((kind) =>
    verdict(kind, true, {
      reasons: [finding('a'), { ...finding('a2'), before: 'b', after: 'c' }],
      advisories: [finding('b')],
      checks: [check('c', 'failed')],
    }),
  ),
  changes: [
    {
      type: 'changes',
      changes: {
        packages: [
          { name: 'a', from: null, to: '1' },
          { name: 'b', from: '1', to: null },
        ],
        units: { ...names, changed: [{ name: 'a.service', from: 'running', to: 'failed' }] },
        sockets: names,
        unknown: ['packages', 'units', 'sockets'],
      },
    },
    { type: 'changes', changes: { packages: [], units: names, sockets: names } },
  ],
  decided: [null, ...causes].map((cause) => ({ type: 'decided', decision: 'keep', cause })),
  'confirmation-requested': [
    { type: 'confirmation-requested', deadline: { at: 1, bootId: 'b', sinceBootMs: 2 }, by: null },
    ...[null, 1000].map((expiresMs) => ({
      type: 'confirmation-requested' as const,
      deadline: { at: 1, bootId: 'b', sinceBootMs: 2 },
      by: ['true'] as const,
      retention: { keep: 3, expiresMs },
    })),
  ],
  'confirmation-extended': [{ type: 'confirmation-extended', deadline: { at: 1, bootId: 'b', sinceBootMs: 2 } }],
  'confirmation-settled': [
    ...(['confirmed', 'refused', 'expired'] as const).map((state) => ({
      type: 'confirmation-settled' as const,
      state,
    })),
    { type: 'confirmation-settled', state: 'confirmed', by: { host: 'h', pid: 1, bootId: 'b', network: 'n', id: 'i' } },
  ],
  'instance-renamed': [{ type: 'instance-renamed', instance: 'web-2' }],
  'evidence-saved': [{ type: 'evidence-saved', files: ['a'], missing: ['b'] }],
  'rehearsal-report': ([null, 'change', 'restart'] as const).map((failedAt) => ({
    type: 'rehearsal-report',
    report: {
      failedAt,
      notRehearsed: [finding('a')],
      notSurvivingReboot: [finding('b')],
      refusedHosts: ['example.org'],
    },
  })),
  'copy-removed': [true, false].map((kept) => ({ type: 'copy-removed', kept })),
  'change-fingerprinted': [{ type: 'change-fingerprinted', fingerprint: 'a' }],
  released: [null, 'guard-1'].map((restorePoint) => ({ type: 'released', restorePoint })),
  'restore-point-pruned': [{ type: 'restore-point-pruned', name: 'guard-1', ofRun: '1' }],
  'run-ended': Object.values(outcomes).flatMap((list) =>
    list.map((outcome: Outcome): RunEvent => ({ type: 'run-ended', outcome, ms: 1 })),
  ),
};

const written = async (list: readonly RunEvent[]): Promise<Json[]> => {
  const stream = new PassThrough();
  const view = createJsonView(stream);
  for (const event of recorded(...list)) void view(event);
  stream.end();
  return (await text(stream))
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Json);
};

describe('the schema of --json', () => {
  test('names every type of event, and no other', () => {
    expect(published.anyOf.map(({ properties }) => properties.type.const)).toEqual(Object.keys(events));
  });

  test.each(Object.entries(events))('%s is as the schema says, field by field', async (_type, list) => {
    const wrong = (await written(list)).filter((event) => !schema.safeParse(event).success);
    expect(wrong).toEqual([]);
  });

  test.each(Object.entries(events))('%s without one of its fields is not', async (_type, list) => {
    const [event = {}] = await written(list);
    const fields = Object.entries(event);
    const unmissed = fields.filter(([name]) => {
      const rest = Object.fromEntries(fields.filter(([other]) => other !== name));
      return schema.safeParse(rest).success;
    });
    expect(unmissed).toEqual([]);
  });

  test('a field of a later version is no mistake', async () => {
    const [event] = await written([started()]);
    const open = fromJSONSchema(published as unknown as Parameters<typeof fromJSONSchema>[0]);
    expect(open.safeParse({ ...event, later: 1 }).success).toBe(true);
  });
});
