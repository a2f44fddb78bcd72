import { describe, expect, test } from 'vitest';
import type { Facts } from '../../src/health/facts.ts';
import type { Baseline } from '../../src/health/baseline.ts';
import { fillAddress } from '../../src/health/checks/address.ts';
import { ok } from '../../src/result.ts';
import { brokenByCopy, compareSurvival, unitsToExplain } from '../../src/rehearsal/survival.ts';
import { dead, facts, failed, owner, service, tcp, units } from '../health/example-facts.ts';

const baseline = (changes: Partial<Facts>): Baseline => ({
  at: 0,
  state: { kind: 'reachable' },
  facts: facts(changes),
  factsSay: null,
  checks: [],
  definitions: [],
  automatic: true,
});

const app = service('app.service');
const running = { units: units(app), sockets: [tcp('0.0.0.0', 8080, owner('app.service'))] };
const booted = { init: { name: 'systemd', startTicks: 9000 } };

describe('what speaks against a change for a reason of the copy alone', () => {
  const reason = (subject: string, message: string) => ({ subject, message });
  const app = reason('unit:app.service', 'app.service has failed');
  const port = reason('socket:tcp:8080', 'nobody listens on 0.0.0.0:8080 any more (app.service)');
  const outside = { 'app.service': 'could not resolve host: licence.example' };

  test('is a unit that looks for somebody outside, or that had no more memory', () => {
    expect(brokenByCopy([app, port], outside)).toEqual(['app.service']);
    expect(brokenByCopy([app], { 'app.service': "Failed with result 'oom-kill'." })).toEqual(['app.service']);
  });

  test('is nothing where one finding has another reason, or no unit', () => {
    expect(brokenByCopy([app], { 'app.service': 'unknown option in app.conf' })).toEqual([]);
    expect(brokenByCopy([app, reason('unit:db.service', 'db.service has failed')], outside)).toEqual([]);
    expect(brokenByCopy([app, reason('check:web', 'check "web" fails')], outside)).toEqual([]);
  });
});

describe('what would not survive a reboot', () => {
  test('nothing, where the copy does the same', () => {
    const original = baseline(running);
    const copy = baseline({ ...running, ...booted });
    expect(compareSurvival(original, copy, {}, [])).toEqual({ needsOutside: [], notSurvivingReboot: [] });
    expect(unitsToExplain(original, copy)).toEqual([]);
  });

  test('a service that somebody started by hand, and its port', () => {
    const original = baseline(running);
    const copy = baseline({ ...booted, units: units(dead('app.service')), sockets: [] });
    const { needsOutside, notSurvivingReboot } = compareSurvival(original, copy, {}, []);
    expect(needsOutside).toEqual([]);
    expect(notSurvivingReboot.map(({ message }) => message).join()).toContain('app.service');
    expect(unitsToExplain(original, copy)).toEqual(['app.service']);
  });

  test('not a service whose log message that it looks for somebody outside', () => {
    const original = baseline(running);
    const copy = baseline({ ...booted, units: units(failed('app.service')), sockets: [] });
    const log = { 'app.service': 'psycopg2.OperationalError: could not connect: Network is unreachable' };
    const { needsOutside, notSurvivingReboot } = compareSurvival(original, copy, log, []);
    expect(notSurvivingReboot).toEqual([]);
    expect(needsOutside.map(({ message }) => message).join()).toContain(
      'could not be observed on the copy: app.service',
    );
  });

  test('a service that fails for a reason of its own', () => {
    const copy = baseline({ ...booted, units: units(failed('app.service')), sockets: [] });
    const log = { 'app.service': 'unknown option "master" in /etc/app.conf' };
    expect(compareSurvival(baseline(running), copy, log, []).notSurvivingReboot).not.toEqual([]);
  });

  test.each([
    'connection to server at "localhost" (127.0.0.1), port 5432 failed: Connection refused',
    'dial tcp [::1]:6379: connect: connection refused',
    'connection to server on socket "/var/run/postgresql/.s.PGSQL.5432" failed: Connection refused',
  ])('a service that finds its own database not running: %s', (line) => {
    const copy = baseline({ ...booted, units: units(failed('app.service')), sockets: [] });
    expect(compareSurvival(baseline(running), copy, { 'app.service': line }, []).notSurvivingReboot).not.toEqual([]);
  });

  test('not a service that asks a database elsewhere, although its resolver is here', () => {
    const copy = baseline({ ...booted, units: units(failed('app.service')), sockets: [] });
    const refused = 'connection to server at "db.example" (192.0.2.1), port 5432 failed: Connection refused';
    const lookup = 'lookup db.example on 127.0.0.53:53: Temporary failure in name resolution';
    for (const line of [refused, lookup])
      expect(compareSurvival(baseline(running), copy, { 'app.service': line }, []).notSurvivingReboot).toEqual([]);
  });

  test('not a check over the network where no address is known to be the own one of the copy', async () => {
    const missing = await fillAddress('{address}', async () => ok({}));
    const message = missing.ok ? '' : missing.error.message;
    const check = { name: 'web', kind: 'tcp', severity: 'required', ms: 1, attempts: 1 } as const;
    const original = { ...baseline(running), checks: [{ ...check, status: 'passed', message: 'answers' } as const] };
    const copy = { ...baseline({ ...running, ...booted }), checks: [{ ...check, status: 'failed', message } as const] };
    const { needsOutside, notSurvivingReboot } = compareSurvival(original, copy, {}, []);
    expect([needsOutside.map(({ subject }) => subject), notSurvivingReboot]).toEqual([['check:web'], []]);
  });

  test('not another address, and not the missing default route: every copy has those', () => {
    const network = { addresses: [], defaultRoutes: [], nameservers: [] };
    expect(compareSurvival(baseline(running), baseline({ ...running, ...booted, network }), {}, [])).toEqual({
      needsOutside: [],
      notSurvivingReboot: [],
    });
  });

  test('not what stood on a removed disk', () => {
    const mount = service('srv-data.mount', { type: '' });
    const original = baseline({ units: units(mount, service('share.service')) });
    const copy = baseline({ ...booted, units: units(failed('share.service')), sockets: [] });
    const { notSurvivingReboot } = compareSurvival(
      original,
      copy,
      { 'share.service': '/srv/data: No such file or directory' },
      ['/srv/data'],
    );
    expect(notSurvivingReboot.map(({ subject }) => subject)).not.toContain('unit:share.service');
  });
});
