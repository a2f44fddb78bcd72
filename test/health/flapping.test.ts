import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compareFacts, detectRestarts } from '../../src/health/compare.ts';
import type { Facts, Unit } from '../../src/health/facts.ts';
import { dead, deciding, facts, failed, owner, process, restarting, service, tcp, units } from './example-facts.ts';

const look = (...all: readonly Unit[]): Facts => facts({ units: units(...all) });
const web = service('web.service');

describe('between two looks of the soak', () => {
  test('a restart loop is found although it is up in every look', () => {
    const [first, second] = [
      look(service('web.service', { restarts: 3, invocation: 'a' })),
      look(service('web.service', { restarts: 5, invocation: 'b' })),
    ];
    expect(compareFacts(look(web), first)).toEqual([]);
    expect(detectRestarts(look(web), first, second)).toEqual([
      {
        subject: 'unit:web.service',
        severity: 'required',
        message: 'web.service restarted by itself 2 times while guard watched',
        transient: false,
      },
    ]);
  });

  test('a deliberate restart is a reason to look longer', () => {
    const [finding] = detectRestarts(look(web), look(web), look(service('web.service', { invocation: 'other' })));
    expect(finding).toMatchObject({
      severity: 'required',
      transient: true,
      message: 'web.service was restarted while guard watched',
    });
  });

  test.each<[string, Unit]>([
    ['failed', failed('web.service')],
    ['restarting', restarting('web.service', 1)],
    ['stopped', dead('web.service')],
  ])('a service that died after some seconds: %s', (_name, now) => {
    expect(detectRestarts(look(web), look(web), look(now))).toMatchObject([
      { subject: 'unit:web.service', severity: 'required' },
    ]);
  });

  test('a service that is new with the command counts as well', () => {
    expect(detectRestarts(look(), look(web), look(failed('web.service')))).toHaveLength(1);
  });

  test('a worker that has always ended and been started again', () => {
    const worker = (restarts: number, more: Partial<Unit> = {}): Facts =>
      facts({
        units: units(service('worker.service', { restarts, ...more })),
        init: { name: 'systemd', startTicks: 0 },
        // A day of the instance.
        processes: [process('sh', 9, { startTicks: 8_640_000 })],
      });
    const pausing = { active: 'activating', sub: 'auto-restart' };
    const failing = { ...pausing, result: 'exit-code', exit: { how: 'exited', status: 1 } as const };
    const severities = (baseline: Facts, previous: Facts, current: Facts): string[] =>
      detectRestarts(baseline, previous, current).map(({ severity }) => severity);

    expect(severities(worker(600), worker(0), worker(1))).toEqual(['advisory']);
    expect(severities(worker(600), worker(0), worker(0, pausing))).toEqual([]);
    expect(deciding(compareFacts(worker(600), worker(0, pausing)))).toEqual([]);
    // More often than ever, not well, or not from of old.
    expect(severities(worker(600), worker(0), worker(2))).toEqual(['required']);
    expect(severities(worker(600), worker(0), worker(0, failing))).toEqual(['required']);
    expect(deciding(compareFacts(worker(600), worker(0, failing)))).toHaveLength(1);
    expect(severities(worker(2), worker(0), worker(1))).toEqual(['required']);
    expect(severities(worker(20), worker(0), worker(0, pausing))).toEqual(['required']);
  });

  test('a socket that vanished', () => {
    const listening = facts({ sockets: [tcp('0.0.0.0', 80, owner('web.service'))] });
    expect(detectRestarts(listening, listening, facts({ sockets: [] }))).toMatchObject([
      { subject: 'socket:tcp/80', severity: 'required' },
    ]);
  });

  test('F34: what was bad before the command does not count', () => {
    const bad = look(restarting('web.service', 100));
    const [first, second] = [
      look(service('web.service', { restarts: 101 })),
      look(service('web.service', { restarts: 102 })),
    ];
    expect(detectRestarts(bad, first, second)).toEqual([]);
    expect(detectRestarts(bad, first, look(failed('web.service')))).toEqual([]);
  });

  test('jobs, terminals and services on demand come and go', () => {
    const before = look(
      service('logrotate.service', { type: 'oneshot' }),
      service('console-getty.service'),
      service('polkit.service', { busName: 'org.freedesktop.PolicyKit1', fileState: 'static', wantedBy: [] }),
    );
    const after = look(
      dead('logrotate.service'),
      service('console-getty.service', { restarts: 9, invocation: 'other' }),
      dead('polkit.service'),
    );
    expect(detectRestarts(before, before, after)).toEqual([]);
  });

  test('the instance restarted', () => {
    const again = facts({ init: { name: 'systemd', startTicks: 9999 } });
    expect(detectRestarts(facts(), facts(), again)).toMatchObject([{ subject: 'instance', transient: true }]);
  });

  test('without a service manager: a process that init starts again and again', () => {
    const bare = (pid: number): Facts =>
      facts({ manager: { kind: 'none' }, units: null, processes: [process('httpd', pid), process('init', 2)] });
    expect(detectRestarts(bare(5), bare(5), bare(5))).toEqual([]);
    expect(detectRestarts(bare(5), bare(5), bare(6))).toMatchObject([
      { subject: 'process:httpd', severity: 'required' },
    ]);
  });

  test('two equal looks say nothing, whatever they hold', () => {
    const unit = fc.record({
      active: fc.constantFrom('active', 'activating', 'failed', 'inactive'),
      sub: fc.constantFrom('running', 'exited', 'auto-restart', 'failed', 'dead'),
      restarts: fc.nat(),
    });
    fc.assert(
      fc.property(fc.array(unit), fc.array(unit), (was, is) => {
        const [baseline, now] = [was, is].map((all) => look(...all.map((one, at) => service(`s${at}.service`, one))));
        expect(detectRestarts(baseline ?? facts(), now ?? facts(), now ?? facts())).toEqual([]);
      }),
    );
  });
});
