import { describe, expect, test } from 'vitest';
import type { CheckDefinition } from '../../src/check-definition.ts';
import { checksForCopy } from '../../src/rehearsal/checks-for-copy.ts';
import type { Changes } from '../../src/event.ts';
import { driftBetween, noticesBefore, noticesOfChanges } from '../../src/rehearsal/drift.ts';
import { linkInterruption, shortOfSpace } from '../../src/rehearsal/interruption.ts';
import { outcomeOf } from '../../src/rehearsal/judge.ts';
import { nothingSeen } from '../../src/run/changes/change.ts';
import { createInterrupter } from '../../src/run/interruption.ts';
import { managerOf, upgradeCommand, upgradeManagers } from '../../src/rehearsal/pending-upgrade.ts';
import { grantMemory } from '../../src/rehearsal/spare-memory.ts';

const mebibyte = 1024 * 1024;

describe('the outcome of a copy that is unhealthy', () => {
  const verdict = { verdict: 'unhealthy', reasons: [], advisories: [], checks: [] } as const;
  const attempt = {
    ...nothingSeen,
    end: { kind: 'exited', status: 0 },
    verdict,
    interruptedBy: null,
    output: '',
  } as const;
  const judged = { attempt, cause: 'unhealthy', stage: 'restart', changes: null } as const;
  const missed = { refused: [], unreachable: [], obstacle: null };
  const plan = { command: { words: ['true'], environment: {}, user: 0, group: 0, cwd: '/' } } as const;
  const outcomeWith = (brokenByCopy: readonly string[]) =>
    outcomeOf(plan, { ...judged, brokenByCopy }, missed, linkInterruption(createInterrupter()));

  test('is inconclusive where the copy alone may be the cause, and the units are named', () => {
    expect(outcomeWith(['app.service'])).toMatchObject({
      outcome: 'rehearsal-inconclusive',
      refusal: { message: expect.stringContaining('app.service') as string },
    });
  });

  test('is a failure otherwise', () => {
    expect(outcomeWith([])).toEqual({ outcome: 'rehearsal-failed', cause: 'unhealthy', stage: 'restart' });
  });
});

describe('memory of a copy', () => {
  const server = { totalBytes: 8192 * mebibyte, usedBytes: 4096 * mebibyte };

  test('is half of what is free beyond a tenth of all, at most the limit of the original', () => {
    expect(grantMemory({ server, originalBytes: 512 * mebibyte, limitBytes: null })).toEqual({
      fits: true,
      limitBytes: Math.floor((4096 * mebibyte - 819.2 * mebibyte) / 2),
      unknown: false,
    });
    expect(grantMemory({ server, originalBytes: 512 * mebibyte, limitBytes: 1024 * mebibyte })).toEqual({
      fits: true,
      limitBytes: 1024 * mebibyte,
      unknown: false,
    });
  });

  test('is what other copies leave of it, and what it needs where that is more than half', () => {
    const facts = { server, originalBytes: 1000 * mebibyte, limitBytes: null };
    const limitOf = (promisedMiB: number) => {
      const grant = grantMemory({ ...facts, promisedBytes: promisedMiB * mebibyte });
      return grant.fits ? Math.round((grant.limitBytes ?? 0) / mebibyte) : grant.message;
    };
    expect(limitOf(0)).toBe(1638);
    expect(limitOf(1638)).toBe(1250);
    expect(limitOf(2500)).toMatch(
      /4096 MiB of 8192 MiB .* 819 MiB must stay free, 2500 MiB for other copies: .* 1250 MiB/,
    );
  });

  test('does not fit where the original takes more than that, and the numbers are told', () => {
    const grant = grantMemory({ server, originalBytes: 3000 * mebibyte, limitBytes: null });
    expect(grant).toMatchObject({ fits: false });
    expect(grant.fits ? '' : grant.message).toMatch(/4096 MiB of 8192 MiB .* 819 MiB .* 3750 MiB/);
  });

  test('is not limited where nobody message how much there is', () => {
    expect(grantMemory({ server: null, originalBytes: null, limitBytes: null })).toEqual({
      fits: true,
      limitBytes: null,
      unknown: true,
    });
  });

  test('a small original fits on a small server', () => {
    const small = { totalBytes: 1024 * mebibyte, usedBytes: 400 * mebibyte };
    expect(grantMemory({ server: small, originalBytes: 50 * mebibyte, limitBytes: null }).fits).toBe(true);
    expect(
      grantMemory({ server: { ...small, usedBytes: 600 * mebibyte }, originalBytes: 50 * mebibyte, limitBytes: null })
        .fits,
    ).toBe(false);
  });
});

describe('space of the pool', () => {
  test('is short below a twentieth, at least 256 MiB, at most 4 GiB', () => {
    const space = (totalMiB: number, freeMiB: number) => ({
      totalBytes: totalMiB * mebibyte,
      usedBytes: (totalMiB - freeMiB) * mebibyte,
    });
    expect(shortOfSpace('p', space(1024, 300))).toBeNull();
    expect(shortOfSpace('p', space(1024, 200))).toContain('200 MiB of 1024 MiB');
    expect(shortOfSpace('p', space(20_480, 1100))).toBeNull();
    expect(shortOfSpace('p', space(20_480, 1000))).not.toBeNull();
    expect(shortOfSpace('p', space(10_000_000, 4200))).toBeNull();
  });
});

describe('drift', () => {
  const known = (...packages: { name: string; from: string | null; to: string | null }[]) =>
    ({ known: true, manager: 'apt', packages }) as const;
  const nginx = { name: 'nginx', from: '1.0', to: '1.1' };

  test('is nothing where the same would change', () => {
    expect(driftBetween(known(nginx), known(nginx))).toEqual([]);
  });

  test('is another version, one more, one less', () => {
    expect(driftBetween(known(nginx), known({ ...nginx, to: '1.2' }))).toEqual([
      'nginx becomes 1.2 now, but becomes 1.1 in the rehearsal',
    ]);
    expect(driftBetween(known(), known(nginx))).toEqual(['nginx becomes 1.1 now, but not in the rehearsal']);
    expect(driftBetween(known({ ...nginx, to: null }), known())).toEqual([
      'nginx goes away in the rehearsal, but not now',
    ]);
  });

  test('cannot be told where the package manager does not say', () => {
    expect(driftBetween({ known: false, message: '' }, known(nginx))).toEqual([]);
  });
});

describe('checks on a copy', () => {
  const common = { severity: 'required', timeoutMs: 1, intervalMs: 1, retries: 1, startPeriodMs: 0 } as const;
  const exec = { ...common, name: 'e', kind: 'exec', command: ['true'], environment: {}, user: 0, cwd: '/' } as const;
  const host = (...command: [string, ...string[]]): CheckDefinition => ({
    ...common,
    name: 'h',
    kind: 'host',
    command,
    environment: {},
  });
  const tcp = (address: string): CheckDefinition => ({
    ...common,
    name: 't',
    kind: 'tcp',
    address,
    port: 1,
    send: null,
    expect: null,
  });
  const project = 'guard-rehearsal';
  const here = { project, reachable: true };
  const askedOf = (check: CheckDefinition, reachable = true): boolean =>
    checksForCopy([check], { project, reachable }).asked.length === 1;

  test('those inside are asked, on a remote server too', () => {
    expect(askedOf(exec)).toBe(true);
    expect(askedOf(exec, false)).toBe(true);
  });

  test.each([
    [tcp('{address}'), true],
    [tcp('{address4}'), true],
    [tcp('{address:eth1}'), true],
    [tcp('web.example.org'), false],
    [tcp('10.0.0.5'), false],
    [tcp('{address6}'), false],
    [host('check_http', '-H', '{address}'), true],
    [host('sh', '-c', 'curl http://$GUARD_ADDRESS'), true],
    [host('sh', '-c', 'incus exec --project $GUARD_PROJECT $GUARD_INSTANCE true'), true],
    [host('sh', '-c', 'curl http://$GUARD_INSTANCE.example.org'), false],
    [host('sh', '-c', 'MODE=$GUARD_MODE curl https://web.example.org'), false],
    [host('curl', 'https://web.example.org'), false],
  ])('%j', (check, asked) => {
    expect(askedOf(check)).toBe(asked);
    expect(checksForCopy([check], here).notRehearsed).toHaveLength(asked ? 0 : 1);
  });

  test('nothing over the network on another machine', () => {
    expect(checksForCopy([tcp('{address}')], { project, reachable: false })).toMatchObject({
      asked: [],
      notRehearsed: [{ subject: 'check:t' }],
    });
  });

  test('a script on the host that uses the address is not asked on another machine, one that uses the project is', () => {
    expect(askedOf(host('sh', '-c', 'curl http://$GUARD_ADDRESS'))).toBe(true);
    expect(askedOf(host('sh', '-c', 'curl http://$GUARD_ADDRESS'), false)).toBe(false);
    expect(askedOf(host('sh', '-c', 'incus exec --project $GUARD_PROJECT $GUARD_INSTANCE true'), false)).toBe(true);
  });

  test('a script on the host can tell a copy from its original', () => {
    const plugin: CheckDefinition = {
      ...common,
      name: 'p',
      kind: 'plugin',
      command: ['check_http', '-H', '{address}'],
      where: 'host',
      warning: 'passed',
    };
    const environment = { GUARD_REHEARSAL: '1', INCUS_PROJECT: project };
    expect(checksForCopy([host('x', '{address}'), plugin], here).asked).toMatchObject([
      { environment },
      { environment },
    ]);
  });
});

describe('what is pending', () => {
  test('each manager of the hooks has a command that asks nobody', () => {
    for (const manager of upgradeManagers)
      expect(upgradeCommand(manager).join(' ')).toMatch(/-y\b|--non-interactive|--noconfirm|apk/);
    expect(upgradeCommand('apt-get').join(' ')).toContain('apt-get -q update');
    expect(managerOf('apt-get\n')).toBe('apt-get');
    expect(managerOf('rm -rf /')).toBeNull();
  });
});

test('what cannot be compared is said, and so is what --allow-drift lets pass; that there is no difference is not', () => {
  const preview = (to: string) => ({ known: true, manager: 'apt', packages: [{ name: 'a', from: '1', to }] }) as const;
  const unknown = { known: false, message: 'nobody knows.' } as const;
  expect(noticesBefore(preview('2'), preview('2'))).toEqual([]);
  expect(noticesBefore(preview('2'), preview('3'))).toMatchObject([{ level: 'warning' }]);
  expect(noticesBefore(preview('2'), unknown)).toEqual([
    { level: 'info', message: 'The change cannot be compared with the rehearsed one: nobody knows.' },
  ]);
  expect(noticesBefore(unknown, preview('2'))).toMatchObject([
    { level: 'info', message: expect.stringMatching(/on the copy, nobody knows/) as string },
  ]);
});

test('packages that only the run changed are said after it', () => {
  const changes = (to: string) => ({ packages: [{ name: 'a', from: '1', to }] }) as unknown as Changes;
  expect(noticesOfChanges(changes('2'), changes('2'))).toEqual([]);
  expect(noticesOfChanges(changes('2'), changes('3'))).toMatchObject([
    { level: 'warning', message: expect.stringMatching(/other packages than the rehearsal: a becomes 3/) as string },
  ]);
});
