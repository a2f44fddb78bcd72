import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { CheckDefinition } from '../../../src/check-definition.ts';
import type { Finding } from '../../../src/event.ts';
import { watchWith, type WatchEnd } from '../../../src/health/watch/watch.ts';
import type { Facts } from '../../../src/health/facts.ts';
import { failed, facts, process, restarting, service, tcp, units } from '../example-facts.ts';
import { fakeProber, type FakeAsker, type Story } from '../fake-prober.ts';
import { fakeClock } from '../fake-clock.ts';
import { baselineOf, checkOf, resultOf } from '../samples.ts';

interface Told {
  readonly waitingFor: readonly Finding[];
  readonly healthyForMs: number;
}

interface Watched extends WatchEnd {
  readonly ms: number;
  readonly prober: FakeAsker;
  readonly told: Told[];
}

const well = facts({ units: units(service('pdns.service')), sockets: [tcp('0.0.0.0', 53)] });

const watched = async (
  story: Story,
  more: {
    readonly before?: Facts;
    readonly definitions?: readonly CheckDefinition[];
    readonly limitMs?: number;
    readonly soakMs?: number;
    readonly abortAtMs?: number;
  } = {},
): Promise<Watched> => {
  const clock = fakeClock();
  const prober = fakeProber(clock, story);
  const definitions = more.definitions ?? [];
  const baseline = baselineOf({
    facts: more.before ?? facts(),
    definitions,
    checks: definitions.map(({ name, severity }) => resultOf(name, 'passed', { severity })),
  });
  const told: Told[] = [];
  const began = clock.monotonic();
  const controller = new AbortController();
  if (more.abortAtMs !== undefined) void clock.sleep(more.abortAtMs).then(() => controller.abort());
  const end = await watchWith(
    prober,
    { clock, signal: controller.signal },
    baseline,
    { limitMs: more.limitMs ?? 120_000, soakMs: more.soakMs ?? 10_000 },
    (waitingFor, healthyForMs) => told.push({ waitingFor, healthyForMs }),
  );
  return { ...end, ms: clock.monotonic() - began, prober, told };
};

describe('an instance that is well', () => {
  it('is watched for the soak, and no longer', async () => {
    const { verdict, ms } = await watched({});
    expect(verdict).toMatchObject({ verdict: 'healthy', reasons: [] });
    expect(ms).toBeGreaterThanOrEqual(10_000);
    expect(ms).toBeLessThan(10_500);
  });

  it('needs one look without a soak', async () => {
    const { verdict, prober } = await watched({}, { soakMs: 0, definitions: [checkOf('web')] });
    expect(verdict.verdict).toBe('healthy');
    expect(prober.looks).toHaveLength(1);
  });

  it('is asked everything afresh by the last look (F35)', async () => {
    const definitions = [checkOf('seldom', { intervalMs: 60_000, retries: 1 })];
    const { prober } = await watched({}, { definitions });
    expect(prober.asked['seldom']).toHaveLength(2);
    expect(prober.asked['seldom']?.[1]).toBeGreaterThanOrEqual(10_000);
  });

  it('tells each second of health, and nothing twice', async () => {
    const { told } = await watched({});
    expect(told.length).toBeGreaterThanOrEqual(8);
    expect(told.length).toBeLessThanOrEqual(12);
    expect(told.every(({ waitingFor }) => waitingFor.length === 0)).toBe(true);
  });
});

describe('waiting', () => {
  it('waits for a service that takes 20 s to listen', async () => {
    const deaf = { ...well, sockets: [] };
    const { verdict, ms, told } = await watched({ facts: (at) => (at < 20_000 ? deaf : well) }, { before: well });
    expect(verdict.verdict).toBe('healthy');
    expect(ms).toBeGreaterThan(30_000);
    expect(ms).toBeLessThan(33_000);
    expect(told[0]?.waitingFor[0]?.subject).toContain('53');
  });

  it('looks fast at first, then slower', async () => {
    const { prober } = await watched(
      { facts: (at) => (at < 30_000 ? { ...well, sockets: [] } : well) },
      { before: well },
    );
    const gaps = prober.looks.slice(1).map((at, index) => at - (prober.looks[index] ?? 0));
    expect(gaps[0]).toBeLessThan(100);
    expect(Math.max(...gaps)).toBeLessThanOrEqual(2100);
    expect(prober.looks.filter((at) => at < 1000).length).toBeGreaterThanOrEqual(5);
  });

  it('is over at the limit', async () => {
    const { verdict, ms } = await watched(
      { facts: () => ({ ...well, sockets: [] }) },
      { before: well, limitMs: 15_000 },
    );
    expect(verdict.verdict).toBe('unhealthy');
    expect(ms).toBeGreaterThanOrEqual(15_000);
    expect(ms).toBeLessThan(15_200);
  });

  it('sees a service that becomes well at the last look', async () => {
    const { verdict } = await watched(
      { facts: (at) => (at < 14_990 ? { ...well, sockets: [] } : well) },
      {
        before: well,
        limitMs: 15_000,
      },
    );
    expect(verdict.verdict).toBe('healthy');
  });

  it('waits for a check, and asks it at every look until it passes', async () => {
    const definitions = [checkOf('web', { intervalMs: 30_000, retries: 1 })];
    const { verdict, ms } = await watched(
      { checks: { web: (at) => (at < 7000 ? 'failed' : 'passed') } },
      { definitions },
    );
    expect(verdict.verdict).toBe('healthy');
    expect(ms).toBeLessThan(20_000);
  });

  it('ends in unhealthy when a check never passes, and in inconclusive when it can never be asked', async () => {
    const definitions = [checkOf('web')];
    const failing = await watched({ checks: { web: () => 'failed' } }, { definitions, limitMs: 20_000 });
    expect(failing.verdict).toMatchObject({ verdict: 'unhealthy', reasons: [{ subject: 'check:web' }] });
    const mute = await watched({ checks: { web: () => 'unknown' } }, { definitions, limitMs: 20_000 });
    expect(mute.verdict).toMatchObject({ verdict: 'inconclusive', reasons: [{ subject: 'check:web' }] });
  });

  it('does not wait for an advisory check', async () => {
    const definitions = [checkOf('nice', { severity: 'advisory' })];
    const { verdict, ms } = await watched({ checks: { nice: () => 'failed' } }, { definitions });
    expect(verdict).toMatchObject({ verdict: 'healthy', advisories: [{ subject: 'check:nice' }] });
    expect(ms).toBeLessThan(11_000);
  });

  it('waits for an instance that cannot be asked for a while', async () => {
    const { verdict } = await watched({
      state: (at) => (at < 5000 ? { kind: 'unreachable', message: 'no answer' } : { kind: 'reachable' }),
    });
    expect(verdict.verdict).toBe('healthy');
  });

  it('waits for an instance that reboots', async () => {
    const reborn = facts({ init: { name: 'systemd', startTicks: 9000 } });
    const { verdict } = await watched({
      state: (at) => (at < 1000 ? { kind: 'not-running', message: 'its status is "Stopped"' } : { kind: 'reachable' }),
      facts: () => reborn,
    });
    expect(verdict.verdict).toBe('healthy');
  });
});

describe('waiting in vain', () => {
  it('ends early when a unit has failed for good', async () => {
    const { verdict, ms } = await watched(
      { facts: () => ({ ...well, units: units(failed('pdns.service')) }) },
      { before: well },
    );
    expect(verdict.verdict).toBe('unhealthy');
    expect(ms).toBeGreaterThanOrEqual(3000);
    expect(ms).toBeLessThan(6000);
    expect(verdict.advisories.map(({ message }) => message)).toContain(
      'guard did not wait longer: no queued or running job will change it',
    );
  });

  it('gives a unit that something triggers half a minute', async () => {
    const unit = failed('pdns.service', { triggeredBy: ['pdns.socket'] });
    const socket = service('pdns.socket', { sub: 'listening' });
    const { verdict, ms } = await watched(
      { facts: (at) => (at < 25_000 ? { ...well, units: units(unit, socket) } : well) },
      { before: facts({ ...well, units: units(service('pdns.service', { triggeredBy: ['pdns.socket'] })) }) },
    );
    expect(verdict.verdict).toBe('healthy');
    expect(ms).toBeGreaterThan(25_000);
  });

  it('gives a service that is up, idle and silent half a minute', async () => {
    const { verdict, ms } = await watched({ facts: () => ({ ...well, sockets: [] }) }, { before: well });
    expect(verdict.verdict).toBe('unhealthy');
    expect(ms).toBeGreaterThan(30_000);
    expect(ms).toBeLessThan(34_000);
  });

  it('waits beyond the limit for one that visibly works, and no longer than ten minutes', async () => {
    const working = (at: number): Facts => ({
      ...well,
      sockets: [],
      processes: [process('pdns', 100, { unit: 'pdns.service', cpuTicks: Math.floor(at / 20) })],
    });
    const slow = await watched({ facts: (at) => (at < 150_000 ? working(at) : well) }, { before: well });
    expect(slow.verdict.verdict).toBe('healthy');
    expect(slow.ms).toBeGreaterThan(150_000);
    const endless = await watched({ facts: working }, { before: well });
    expect(endless.verdict.verdict).toBe('unhealthy');
    expect(endless.ms).toBeGreaterThan(590_000);
    expect(endless.ms).toBeLessThan(605_000);
  });

  it('ends early where the address is another one and nothing is at work', async () => {
    const elsewhere = well.sockets?.map((socket) => ({ ...socket, address: '127.0.0.1' })) ?? [];
    const { verdict, ms } = await watched({ facts: () => ({ ...well, sockets: elsewhere }) }, { before: well });
    expect(verdict.verdict).toBe('unhealthy');
    expect(ms).toBeGreaterThan(10_000);
    expect(ms).toBeLessThan(14_000);
  });

  it('ends early in a restart loop that nothing else can end', async () => {
    const { verdict, ms } = await watched(
      { facts: (at) => ({ ...well, units: units(restarting('pdns.service', Math.floor(at / 1000))) }) },
      { before: well },
    );
    expect(verdict.verdict).toBe('unhealthy');
    expect(ms).toBeGreaterThan(5000);
    expect(ms).toBeLessThan(12_000);
  });

  it('gives a restart loop its time while another unit is still starting', async () => {
    const database = service('database.service', { active: 'activating', sub: 'start' });
    const before = facts({ ...well, units: units(service('pdns.service'), service('database.service')) });
    const { verdict, ms } = await watched(
      {
        facts: (at) =>
          at < 60_000
            ? {
                ...well,
                units: units(restarting('pdns.service', Math.floor(at / 1000)), database),
                processes: [process('db', 7, { unit: 'database.service', cpuTicks: Math.floor(at / 20) })],
              }
            : {
                ...before,
                units: units(service('pdns.service', { restarts: 60, invocation: 'new' }), service('database.service')),
              },
      },
      { before },
    );
    expect(verdict.verdict).toBe('healthy');
    expect(ms).toBeGreaterThan(60_000);
  });

  it('ends early when the instance stays stopped', async () => {
    const { verdict, ms } = await watched({
      state: () => ({ kind: 'not-running', message: 'its status is "Stopped"' }),
    });
    expect(verdict).toMatchObject({ verdict: 'unhealthy', reasons: [{ subject: 'instance' }] });
    expect(ms).toBeLessThan(15_000);
  });
});

describe('the soak', () => {
  it('catches a service that dies after 8 s', async () => {
    const dead = { ...well, units: units(failed('pdns.service')), sockets: [] };
    const { verdict, ms } = await watched({ facts: (at) => (at < 8000 ? well : dead) }, { before: well });
    expect(verdict.verdict).toBe('unhealthy');
    expect(ms).toBeLessThan(10_000);
  });

  it('catches one that died and was started again between two looks', async () => {
    const again = { ...well, units: units(service('pdns.service', { restarts: 1, invocation: 'second' })) };
    const { verdict, ms } = await watched({ facts: (at) => (at < 8000 ? well : again) }, { before: well });
    expect(verdict).toMatchObject({ verdict: 'unhealthy', reasons: [{ subject: 'unit:pdns.service' }] });
    expect(ms).toBeLessThan(10_000);
  });

  it('catches one that is just then waiting to be started again', async () => {
    const looping = { ...well, units: units(restarting('pdns.service', 0)) };
    const { verdict, ms } = await watched(
      { facts: (at) => (at < 4000 || at > 5500 ? well : looping) },
      { before: well },
    );
    expect(verdict.verdict).toBe('unhealthy');
    expect(ms).toBeLessThan(7000);
  });

  it('catches a socket that vanished', async () => {
    const { verdict } = await watched(
      { facts: (at) => (at < 8000 ? well : { ...well, sockets: [] }) },
      { before: well },
    );
    expect(verdict.verdict).toBe('unhealthy');
  });

  it('begins anew after a restart that somebody asked for', async () => {
    const asked = { ...well, units: units(service('pdns.service', { invocation: 'second' })) };
    const { verdict, ms } = await watched({ facts: (at) => (at < 5000 ? well : asked) }, { before: well });
    expect(verdict.verdict).toBe('healthy');
    expect(ms).toBeGreaterThan(15_000);
  });

  it('begins anew after a reboot', async () => {
    const reborn = { ...well, init: { name: 'systemd', startTicks: 9000 } };
    const { verdict, ms } = await watched({ facts: (at) => (at < 5000 ? well : reborn) }, { before: well });
    expect(verdict.verdict).toBe('healthy');
    expect(ms).toBeGreaterThan(15_000);
  });

  it('does not go on for ever with an instance that reboots again and again', async () => {
    const { verdict, ms } = await watched(
      { facts: (at) => ({ ...well, init: { name: 'systemd', startTicks: Math.floor(at / 5000) } }) },
      { before: well, limitMs: 30_000 },
    );
    expect(verdict.verdict).toBe('unhealthy');
    expect(ms).toBeLessThan(45_000);
  });

  it('lets a check fail less often in a row than its retries, and tells it', async () => {
    const definitions = [checkOf('web', { intervalMs: 1000, retries: 3 })];
    const { verdict } = await watched(
      { checks: { web: (at) => (at > 4000 && at < 5500 ? 'failed' : 'passed') } },
      { definitions },
    );
    expect(verdict).toMatchObject({ verdict: 'healthy', advisories: [{ subject: 'check:web', severity: 'advisory' }] });
  });

  it('is decided by a check that failed so often', async () => {
    const definitions = [checkOf('web', { intervalMs: 1000, retries: 3 })];
    const { verdict, ms } = await watched(
      { checks: { web: (at) => (at > 4000 ? 'failed' : 'passed') } },
      { definitions },
    );
    expect(verdict).toMatchObject({ verdict: 'unhealthy', reasons: [{ subject: 'check:web' }] });
    expect(ms).toBeGreaterThan(6000);
    expect(ms).toBeLessThan(9000);
  });

  it('does not end between a first failure and the last try (F32)', async () => {
    const definitions = [checkOf('web', { intervalMs: 3000, retries: 3 })];
    const { verdict, ms } = await watched(
      { checks: { web: (at) => (at > 8500 ? 'failed' : 'passed') } },
      { definitions },
    );
    expect(verdict.verdict).toBe('unhealthy');
    expect(ms).toBeGreaterThan(10_000);
  });
});

describe('an interruption', () => {
  it.each([
    ['while waiting', { facts: () => ({ ...well, sockets: [] }) }],
    ['in the soak', { facts: () => well }],
  ] as const)('ends the watch at once, %s', async (_when, story) => {
    const { verdict, ms } = await watched(story, { before: well, abortAtMs: 5000 });
    expect(verdict.verdict).toBe('inconclusive');
    expect(ms).toBeLessThan(5200);
  });
});

describe('whatever happens', () => {
  const chapter = fc.record({
    untilMs: fc.nat(200_000),
    what: fc.constantFrom('well', 'deaf', 'failed', 'looping', 'stopped', 'unreachable', 'check fails', 'check silent'),
  });

  /** A story, and what of it was seen: the time of each thing that was not well. */
  const told = (plot: readonly { readonly untilMs: number; readonly what: string }[]) => {
    const chapters = plot.toSorted((a, b) => a.untilMs - b.untilMs);
    const bad: number[] = [];
    const at = (ms: number, ...matters: string[]): string => {
      const what = chapters.find(({ untilMs }) => ms < untilMs)?.what ?? 'well';
      if (matters.includes(what)) bad.push(ms);
      return what;
    };
    const story: Story = {
      state: (ms) => {
        const what = at(ms, 'stopped', 'unreachable');
        if (what === 'stopped') return { kind: 'not-running', message: 'no' };
        return what === 'unreachable' ? { kind: 'unreachable', message: 'no' } : { kind: 'reachable' };
      },
      facts: (ms) => {
        const what = at(ms, 'deaf', 'failed', 'looping');
        if (what === 'deaf') return { ...well, sockets: [] };
        if (what === 'failed') return { ...well, units: units(failed('pdns.service')) };
        return what === 'looping' ? { ...well, units: units(restarting('pdns.service', 1)) } : well;
      },
      checks: {
        web: (ms) => {
          const what = at(ms, 'check fails', 'check silent');
          if (what === 'check fails') return 'failed';
          return what === 'check silent' ? 'unknown' : 'passed';
        },
      },
    };
    return { story, bad };
  };

  it('the watch ends in time, and healthy only after a whole soak in which nothing was amiss', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(chapter, { maxLength: 8 }),
        fc.nat(60_000),
        fc.nat(20_000),
        async (plot, limitMs, soakMs) => {
          const { story, bad } = told(plot);
          const definitions = [checkOf('web', { intervalMs: 500, retries: 1 })];
          const { verdict, ms } = await watched(story, { before: well, limitMs, soakMs, definitions });
          const lastLookMs = 100;
          const healthy = verdict.verdict === 'healthy';
          expect(ms).toBeLessThanOrEqual(limitMs + soakMs + 3000);
          expect(healthy && ms < soakMs).toBe(false);
          expect(healthy && bad.some((at) => at > ms - Math.max(soakMs, lastLookMs))).toBe(false);
        },
      ),
      { numRuns: 100 },
    );
  });
});
