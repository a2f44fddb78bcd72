import { describe, expect, test } from 'vitest';
import type { Cause, Changes, Outcome } from '../../src/event.ts';
import { outcomeSummaryLines, summarizeOutcome } from '../../src/report/outcome-summary.ts';
import type { RunFacts } from '../../src/report/run-facts.ts';
import { exitStatusOf, outcomeTable } from '../../src/run/outcome.ts';
import { began, check, commandEnded, factsOf, finding, started, verdict } from './example-events.ts';

const message = (outcome: Outcome, facts: RunFacts): string => outcomeSummaryLines(outcome, facts).join('\n');

const refusal = { message: 'There is no instance "wbe".', advice: 'Did you mean "web"?' };

const failed = factsOf(started(), began('command'), commandEnded({ kind: 'exited', status: 3 }));
const failedAndBack = factsOf(
  started(),
  began('command'),
  commandEnded({ kind: 'exited', status: 3 }),
  verdict('healthy', true),
);
const unhealthyAndBack = factsOf(
  started(),
  began('command'),
  commandEnded({ kind: 'exited', status: 0 }),
  verdict('unhealthy', false, { reasons: [finding('unit pdns.service ran before and now has failed')] }),
  verdict('healthy', true),
);

describe('the closing words of every outcome', () => {
  test('kept', () => {
    const facts = factsOf(
      started({ remote: 'far', project: 'shop' }),
      began('command'),
      commandEnded({ kind: 'exited', status: 0 }),
      verdict('healthy', false),
      { type: 'released', restorePoint: 'before upgrade' },
    );
    expect(message({ outcome: 'kept' }, facts)).toMatchInlineSnapshot(`
      "kept: the command succeeded and web is healthy.
        restore point: before upgrade
        to roll back: guard rollback --project shop far:web 20261123-070945-z8mf
        record: guard show 20261123-070945-z8mf"
    `);
  });

  test('kept although the command failed, because nothing had changed', () => {
    const facts = factsOf(
      started(),
      commandEnded({ kind: 'exited', status: 1 }),
      { type: 'decided', decision: 'keep', cause: 'command', chosen: true, nothingChanged: true },
      { type: 'released', restorePoint: 'guard-1' },
    );
    expect(message({ outcome: 'kept-unchanged', cause: 'command' }, facts)).toMatchInlineSnapshot(`
      "kept, nothing changed: the command ended with exit status 1. Nothing that guard compares had changed, so web was not restarted.
        restore point: guard-1
        to roll back: guard rollback web 20261123-070945-z8mf
        record: guard show 20261123-070945-z8mf"
    `);
  });

  test('a run that its rehearsal prevented, which has no record', () => {
    const outcome = { outcome: 'rehearsal-inconclusive', refusal: { message: 'It differs.', advice: '' } } as const;
    expect(message(outcome, factsOf())).toBe(
      'rehearsal inconclusive: It differs. The instance itself was not touched.',
    );
  });

  test('a rehearsal without a report whose copy was kept: all that is left is named', () => {
    const copy = {
      project: 'guard-rehearsal',
      instance: 'web',
      uuid: '6fa04c7c-2b36-4e3d-9b2f-0a7b7e3f1c11',
      volumes: [{ pool: 'fast', copy: 'guard-6fa04c7c-0' }],
    };
    const facts = factsOf(started({ remote: 'far', rehearsal: { copy, before: null, keepCopy: true } }), {
      type: 'copy-removed',
      kept: true,
    });
    const refusal = { message: 'The copy did not start.', advice: '' };
    expect(message({ outcome: 'rehearsal-inconclusive', refusal }, facts)).toMatchInlineSnapshot(`
      "rehearsal inconclusive: The copy did not start. web itself was not touched.
        the copy is kept, stopped: incus start far:web --project guard-rehearsal
          enter it with: incus shell far:web --project guard-rehearsal
          remove it with: incus delete --force far:web --project guard-rehearsal
          and then its volume with: incus storage volume delete far:fast guard-6fa04c7c-0 --project guard-rehearsal
        record: guard show 20261123-070945-z8mf"
    `);
    const ofLxd = factsOf(started({ rehearsal: { copy: { ...copy, client: 'lxc' }, before: null, keepCopy: true } }), {
      type: 'copy-removed',
      kept: true,
    });
    const lines = message({ outcome: 'rehearsal-inconclusive', refusal }, ofLxd);
    expect(lines).toContain('lxc delete --force web --project guard-rehearsal');
    expect(lines).toContain('lxc storage volume delete fast guard-6fa04c7c-0 --project guard-rehearsal');
    expect(lines).not.toContain('incus');
  });

  test('rolled back because the person at the terminal wanted it', () => {
    const facts = factsOf(
      started(),
      commandEnded({ kind: 'exited', status: 0 }),
      { type: 'decided', decision: 'rollback', cause: 'command', chosen: true },
      verdict('healthy', true),
    );
    expect(message({ outcome: 'rolled-back', cause: 'command' }, facts)).toContain(
      'rolled back: you chose to roll back. web is back and healthy.',
    );
  });

  test('the last log lines of a failed unit, and what could not be compared', () => {
    const facts = factsOf(
      started(),
      {
        type: 'baseline-recorded',
        baseline: { checks: [] },
        coverage: { compared: ['2 processes', 'addresses'], missing: ['no service manager', 'no package manager'] },
      },
      commandEnded({ kind: 'exited', status: 0 }),
      { type: 'unit-log', unit: 'pdns.service', lines: ['pdns: cannot bind to 0.0.0.0:53 \u001b[31m'] },
      verdict('unhealthy', false, { reasons: [finding('pdns.service has failed')] }),
      verdict('healthy', true),
    );
    const text = message({ outcome: 'rolled-back', cause: 'unhealthy' }, facts);
    expect(text).toContain('  last log lines of pdns.service:\n  › pdns: cannot bind to 0.0.0.0:53 \\x1b[31m');
    expect(text).toContain('  no service manager, no package manager; compared: 2 processes, addresses');
    expect(message({ outcome: 'kept' }, facts)).not.toContain('last log lines');
  });

  test('an instance that was deleted', () => {
    expect(message({ outcome: 'instance-gone' }, factsOf(started()))).toContain(
      'instance gone: web does not exist any more, so nothing is left to recover. Its record is closed.',
    );
  });

  test('kept with volumes: the way back takes them along', () => {
    const volume = { pool: 'default', volume: 'data', snapshot: 'guard-in-flight', createdAt: '2026-11-23T07:04:30Z' };
    const facts = factsOf(
      started(),
      { type: 'restore-point-created', restorePoint: { name: 'guard-in-flight', createdAt: '', volumes: [volume] } },
      { type: 'released', restorePoint: 'guard-1' },
    );
    expect(summarizeOutcome({ outcome: 'kept' }, facts).details.join('\n')).toMatchInlineSnapshot(`
      "  restore point: guard-1
        to roll back: guard rollback web 20261123-070945-z8mf
        record: guard show 20261123-070945-z8mf"
    `);
  });

  test('kept on a host that knows nothing of the run: no decision is made up', () => {
    const facts = factsOf(started(), { type: 'released', restorePoint: 'guard-1' });
    expect(message({ outcome: 'kept' }, facts)).toContain(
      'kept: web was left as it is. This host has no record of the run',
    );
    expect(message({ outcome: 'kept' }, facts)).not.toContain('decided');
  });

  test('kept without a restore point, and without a look at the instance', () => {
    const facts = factsOf(
      started(),
      { type: 'decided', decision: 'keep', cause: null },
      { type: 'released', restorePoint: null },
    );
    expect(message({ outcome: 'kept' }, facts)).toMatchInlineSnapshot(`
      "kept: the change is kept, as decided before the interruption. guard did not check web again.
        record: guard show 20261123-070945-z8mf"
    `);
  });

  test('a way back that was kept says how the instance is, which was asked', () => {
    const facts = factsOf(started(), began('restore'), verdict('healthy', true), {
      type: 'released',
      restorePoint: null,
    });
    expect(message({ outcome: 'kept' }, facts)).toMatchInlineSnapshot(`
      "kept: rolled back at your request. web is back and healthy.
        record: guard show 20261123-070945-z8mf"
    `);
  });

  test('rolled back because the command failed', () => {
    expect(message({ outcome: 'rolled-back', cause: 'command' }, failedAndBack)).toMatchInlineSnapshot(`
      "rolled back: the command ended with exit status 3. web is back and healthy.
        record: guard show 20261123-070945-z8mf"
    `);
  });

  test('rolled back because it was not healthy', () => {
    expect(message({ outcome: 'rolled-back', cause: 'unhealthy' }, unhealthyAndBack)).toMatchInlineSnapshot(`
      "rolled back: the instance was not healthy after the command. web is back and healthy.
        ✖ unit pdns.service ran before and now has failed
        record: guard show 20261123-070945-z8mf"
    `);
  });

  test('rolled back because its health could not be asked', () => {
    const facts = factsOf(
      started(),
      began('command'),
      commandEnded({ kind: 'exited', status: 0 }),
      verdict('inconclusive', false, { reasons: [finding('the instance did not answer')] }),
      verdict('healthy', true),
    );
    expect(message({ outcome: 'rolled-back', cause: 'inconclusive' }, facts)).toMatchInlineSnapshot(`
      "rolled back: the health of the instance could not be determined in time. web is back and healthy.
        ✖ the instance did not answer
        record: guard show 20261123-070945-z8mf"
    `);
  });

  test('rolled back because of the time', () => {
    const facts = factsOf(
      started(),
      began('command'),
      commandEnded({ kind: 'timeout', limitMs: 3_600_000 }),
      verdict('healthy', true),
    );
    expect(message({ outcome: 'rolled-back', cause: 'timeout' }, facts)).toMatchInlineSnapshot(`
      "rolled back: the command ran longer than 1 h. web is back and healthy.
        record: guard show 20261123-070945-z8mf"
    `);
  });

  test('kept, unhealthy', () => {
    const facts = factsOf(
      started(),
      began('command'),
      commandEnded({ kind: 'exited', status: 0 }),
      verdict('unhealthy', false, { reasons: [finding('nobody listens on tcp/53 any more')] }),
      { type: 'released', restorePoint: 'guard-1' },
    );
    expect(message({ outcome: 'kept-unhealthy', cause: 'unhealthy' }, facts)).toMatchInlineSnapshot(`
      "kept, unhealthy: the instance was not healthy after the command. The change is kept by your policy.
        ✖ nobody listens on tcp/53 any more
        restore point: guard-1
        to roll back: guard rollback web 20261123-070945-z8mf
        record: guard show 20261123-070945-z8mf"
    `);
  });

  test('kept although the command failed: nobody looked how it is', () => {
    expect(message({ outcome: 'kept-unhealthy', cause: 'command' }, failed)).toMatchInlineSnapshot(`
      "kept, unhealthy: the command ended with exit status 3. The change is kept by your policy. guard did not check web after it.
        record: guard show 20261123-070945-z8mf"
    `);
  });

  test('restored, but unhealthy', () => {
    const facts = factsOf(
      started(),
      began('command'),
      commandEnded({ kind: 'exited', status: 3 }),
      verdict('unhealthy', true, { reasons: [finding('unit pdns.service ran before and now has failed')] }),
      { type: 'released', restorePoint: 'guard-1' },
    );
    expect(message({ outcome: 'rolled-back-not-well', cause: 'command' }, facts)).toMatchInlineSnapshot(`
      "restored, but unhealthy: the command ended with exit status 3. web was restored, but it is not as healthy as before the run. A person must act.
        ✖ unit pdns.service ran before and now has failed
        restore point: guard-1
        record: guard show 20261123-070945-z8mf"
    `);
  });

  test('rollback failed', () => {
    const outcome: Outcome = {
      outcome: 'rollback-failed',
      cause: 'command',
      message: 'Could not restore "web": the pool is full.',
      manualRecovery: ['incus stop --force web', 'incus snapshot restore web guard-in-flight', 'incus start web'],
    };
    expect(message(outcome, failed)).toMatchInlineSnapshot(`
      "ROLLBACK FAILED: the command ended with exit status 3, and web could not be restored.
        Could not restore "web": the pool is full.
        To finish it manually:
          incus stop --force web
          incus snapshot restore web guard-in-flight
          incus start web
        Or let guard try again: guard recover web
        record: guard show 20261123-070945-z8mf"
    `);
  });

  test('rollback failed, with nothing that a hand could do', () => {
    const outcome: Outcome = {
      outcome: 'rollback-failed',
      cause: 'command',
      message: 'Another guard has it.',
      manualRecovery: [],
    };
    const facts = { ...failed, project: 'shop', remote: 'far' };
    expect(message(outcome, facts)).toMatchInlineSnapshot(`
      "ROLLBACK FAILED: the command ended with exit status 3, and web could not be restored.
        Another guard has it.
        To let guard check it again: guard recover --project shop far:web
        record: guard show 20261123-070945-z8mf"
    `);
  });

  test.each(['refused', 'busy', 'quarantined', 'usage'] as const)('%s', (outcome) => {
    expect(outcomeSummaryLines({ outcome, refusal }, factsOf())).toEqual([
      `${outcome}: There is no instance "wbe". Nothing was changed.`,
      '  Did you mean "web"?',
    ]);
  });

  test('configuration: every mistake at its place, with the caret under it', () => {
    const mistakes =
      'guard.yaml:2:3: There is no setting "sook".\n   2 |   sook: 3\n     |   ^\n1 mistake in the configuration.';
    expect(message({ outcome: 'configuration', refusal: { message: mistakes, advice: '' } }, factsOf()))
      .toMatchInlineSnapshot(`
      "configuration: The configuration has mistakes. Nothing was changed.
      guard.yaml:2:3: There is no setting "sook".
         2 |   sook: 3
           |   ^
      1 mistake in the configuration."
    `);
  });

  test('interrupted before the command', () => {
    const facts = factsOf(started(), began('baseline'));
    expect(message({ outcome: 'interrupted', signal: 'SIGINT' }, facts)).toMatchInlineSnapshot(`
      "interrupted by SIGINT: the command had not started. Nothing was changed.
        record: guard show 20261123-070945-z8mf"
    `);
  });

  test('interrupted before the command, with an instance that was started to be asked', () => {
    const facts = factsOf(started({ wasRunning: false }), began('restore-point'), began('start'));
    expect(message({ outcome: 'interrupted', signal: 'SIGTERM' }, facts)).toMatchInlineSnapshot(`
      "interrupted by SIGTERM: the command had not started. web was only started for its baseline. Nothing else was changed.
        record: guard show 20261123-070945-z8mf"
    `);
  });

  test('interrupted while the command ran', () => {
    const facts = factsOf(
      started(),
      began('command'),
      commandEnded({ kind: 'interrupted', signal: 'SIGHUP' }),
      verdict('healthy', true),
    );
    expect(message({ outcome: 'interrupted', signal: 'SIGHUP' }, facts)).toMatchInlineSnapshot(`
      "interrupted by SIGHUP: rolled back. web is back and healthy.
        record: guard show 20261123-070945-z8mf"
    `);
  });
});

describe('never more than was seen', () => {
  const causes: readonly Exclude<Cause, 'interrupted'>[] = [
    'command',
    'unhealthy',
    'inconclusive',
    'timeout',
    'not-confirmed',
  ];
  const notRolledBack: readonly Outcome[] = [
    { outcome: 'kept' },
    ...causes.flatMap((cause): Outcome[] => [
      { outcome: 'kept-unhealthy', cause },
      { outcome: 'rolled-back-not-well', cause },
      { outcome: 'rollback-failed', cause, message: 'It is gone.', manualRecovery: [] },
      // Without a look at it afterwards.
      { outcome: 'rolled-back', cause },
    ]),
    { outcome: 'interrupted', signal: 'SIGINT' },
    { outcome: 'refused', refusal },
    { outcome: 'busy', refusal },
    { outcome: 'quarantined', refusal },
    { outcome: 'rehearsal-failed', cause: 'command', stage: 'change' },
    { outcome: 'rehearsal-inconclusive', refusal },
    { outcome: 'usage', refusal },
    { outcome: 'configuration', refusal },
    { outcome: 'kept-unchanged', cause: 'command' },
    { outcome: 'waiting', deadline: 1_790_000_600_000 },
    { outcome: 'instance-gone' },
  ];

  test('the list above has every exit status but those of its own kind', () => {
    const missing = outcomeTable
      .map((row) => row.exit)
      .filter((exit) => !notRolledBack.map(exitStatusOf).includes(exit as 0));
    expect(missing).toEqual([40, 41, 129, 143]);
  });

  test.each(notRolledBack)('$outcome does not say "rolled back" (F2)', (outcome) => {
    expect(message(outcome, failed)).not.toMatch(/rolled[ -]back|back and healthy/i);
  });

  test('"rolled back" needs a healthy verdict after the restore', () => {
    const unsure = factsOf(started(), began('command'), verdict('inconclusive', true));
    expect(message({ outcome: 'rolled-back', cause: 'command' }, unsure)).not.toContain('rolled back');
    expect(message({ outcome: 'rolled-back', cause: 'command' }, failedAndBack)).toContain('rolled back');
  });

  test('a restored instance that could not be asked is not called broken', () => {
    const facts = factsOf(started(), began('command'), verdict('inconclusive', true));
    expect(message({ outcome: 'rolled-back-not-well', cause: 'command' }, facts)).toContain('could not be determined');
  });

  test('"nothing was changed" is only said where no command began', () => {
    for (const end of [
      { kind: 'exited', status: 0 },
      { kind: 'interrupted', signal: 'SIGINT' },
    ] as const)
      expect(message({ outcome: 'interrupted', signal: 'SIGINT' }, factsOf(started(), commandEnded(end)))).not.toMatch(
        /nothing was changed/i,
      );
    // guard itself failed, so that nobody knows the end.
    expect(message({ outcome: 'interrupted', signal: 'SIGINT' }, factsOf(started(), began('command')))).not.toMatch(
      /nothing was changed/i,
    );
  });

  test('a check that fails as it did before is named, and the instance not called healthy', () => {
    const facts = factsOf(started(), commandEnded({ kind: 'exited', status: 0 }), {
      ...verdict('healthy', false, { checks: [check('dns', 'failed'), check('web', 'passed')] }),
    });
    const [headline] = outcomeSummaryLines({ outcome: 'kept' }, facts);
    expect(headline).toBe('kept: the command succeeded and web is no worse than before, but not fully healthy: dns.');
  });

  test('a status that --ok-status names is told', () => {
    const facts = factsOf(started(), commandEnded({ kind: 'exited', status: 102 }), verdict('healthy', false));
    expect(outcomeSummaryLines({ outcome: 'kept' }, facts)[0]).toBe(
      'kept: the command ended with exit status 102, which counts as success, and web is healthy.',
    );
  });

  test('an instance that was stopped before is not said to be running', () => {
    const facts = factsOf(
      started({ wasRunning: false }),
      began('command'),
      commandEnded({ kind: 'exited', status: 0 }),
      verdict('healthy', false),
    );
    expect(outcomeSummaryLines({ outcome: 'kept' }, facts)[0]).toBe(
      'kept: the command succeeded and web was healthy when guard checked it.',
    );
  });
});

describe('nothing was compared, and no check was run', () => {
  test.each([
    ['automatic comparison is off', { compared: [], missing: [] }, true],
    ['an older record does not say it', undefined, false],
    ['nothing could be seen', { compared: [], missing: ['no service manager'] }, true],
    ['something was compared', { compared: ['2 processes'], missing: [] }, false],
  ])('%s', (_, coverage, provesNothing) => {
    const facts = factsOf(
      started(),
      { type: 'baseline-recorded', baseline: { checks: [] }, ...(coverage ? { coverage } : {}) },
      began('command'),
      commandEnded({ kind: 'exited', status: 0 }),
      verdict('healthy', false),
    );
    const { headline } = summarizeOutcome({ outcome: 'kept' }, facts);
    expect(headline.includes('so the health of web is unknown')).toBe(provesNothing);
    expect(headline.includes('is healthy')).toBe(!provesNothing);
  });
});

describe('a person chose', () => {
  test('to keep a change that is not healthy', () => {
    const facts = factsOf(
      started(),
      began('command'),
      commandEnded({ kind: 'exited', status: 0 }),
      verdict('unhealthy', false, { reasons: [finding('hello.service was running, is now stopped')] }),
      { type: 'decided', decision: 'keep', cause: 'unhealthy', chosen: true },
    );
    expect(message({ outcome: 'kept-unhealthy', cause: 'unhealthy' }, facts)).toContain(
      'You chose to keep the change.',
    );
  });

  test('to keep what they did in a shell, whatever its last command ended with', () => {
    const facts = factsOf(
      started(),
      began('command'),
      commandEnded({ kind: 'exited', status: 1 }),
      verdict('healthy', false),
      { type: 'decided', decision: 'keep', cause: null, chosen: true },
    );
    expect(summarizeOutcome({ outcome: 'kept' }, facts).headline).toBe(
      'kept: you kept the changes of the shell, and web is healthy.',
    );
  });
});

describe('what changed', () => {
  const changes: Changes = {
    packages: [
      { name: 'pdns', from: '4.8', to: '4.9' },
      { name: 'libnew', from: null, to: '1' },
      { name: 'libold', from: '7', to: null },
    ],
    units: { appeared: ['new.service'], gone: [] },
    sockets: { appeared: [], gone: ['tcp/53 at 0.0.0.0'] },
  };
  const none: Changes = { packages: [], units: { appeared: [], gone: [] }, sockets: { appeared: [], gone: [] } };
  const linesOf = (outcome: Outcome, told: Changes): string[] => [
    ...summarizeOutcome(outcome, factsOf({ type: 'changes', changes: told })).details,
  ];

  test('is told', () => {
    expect(linesOf({ outcome: 'kept' }, changes).join('\n')).toMatchInlineSnapshot(`
      "  packages that changed: pdns 4.8 → 4.9, libnew 1 (new), libold 7 (removed)
        units that appeared: new.service
        sockets that went: tcp/53 at 0.0.0.0"
    `);
  });

  test('had changed, where the instance was put back', () => {
    expect(linesOf({ outcome: 'rolled-back', cause: 'unhealthy' }, changes).join('\n')).toMatchInlineSnapshot(`
      "  packages that had changed: pdns 4.8 → 4.9, libnew 1 (new), libold 7 (removed)
        units that had appeared: new.service
        sockets that had gone: tcp/53 at 0.0.0.0"
    `);
  });

  test('is bounded', () => {
    const many = Array.from({ length: 300 }, (_, index) => `n${index}`);
    const [packages, units] = linesOf(
      { outcome: 'kept' },
      {
        ...none,
        packages: many.map((name) => ({ name, from: '1', to: '2' })),
        units: { appeared: many, gone: [] },
      },
    );
    expect(packages).toMatch(/n9 1 → 2, and 290 more$/);
    expect(units).toBe('  units that appeared: n0, n1, n2, n3, n4, and 295 more');
  });

  test('no package changed, unless that is not known', () => {
    expect(linesOf({ outcome: 'kept' }, none)).toEqual(['  no package changed']);
    expect(linesOf({ outcome: 'kept' }, { ...none, unknown: ['packages'] })).toEqual([]);
  });
});

test('evidence is counted, and what is missing is named', () => {
  const facts = factsOf({ type: 'evidence-saved', files: ['journal.txt', 'units.txt'], missing: ['dpkg.log'] });
  expect(summarizeOutcome({ outcome: 'rolled-back', cause: 'command' }, facts).details).toEqual([
    '  evidence: 2 files, listed by guard show 20261123-070945-z8mf',
    '  evidence that could not be saved: dpkg.log',
  ]);
});

describe('text that came from elsewhere', () => {
  const evil = 'a\u001b[2Jb\u202Ec\u0007';

  test('cannot steer the terminal', () => {
    const facts = factsOf(
      started(),
      commandEnded({ kind: 'lost', message: evil }),
      verdict('unhealthy', false, { reasons: [finding(evil)], advisories: [finding(evil)] }),
      verdict('unhealthy', true, { reasons: [finding(evil)] }),
      { type: 'released', restorePoint: evil },
      {
        type: 'changes',
        changes: {
          packages: [{ name: evil, from: evil, to: evil }],
          units: { appeared: [evil], gone: [evil] },
          sockets: { appeared: [evil], gone: [evil] },
        },
      },
    );
    const outcomes: Outcome[] = [
      { outcome: 'kept' },
      { outcome: 'kept-unhealthy', cause: 'command' },
      { outcome: 'rolled-back', cause: 'unhealthy' },
      { outcome: 'rolled-back-not-well', cause: 'unhealthy' },
      { outcome: 'rollback-failed', cause: 'command', message: `${evil}\n${evil}`, manualRecovery: [evil] },
      { outcome: 'refused', refusal: { message: evil, advice: evil } },
      { outcome: 'configuration', refusal: { message: `${evil}\n${evil}`, advice: evil } },
    ];
    for (const outcome of outcomes)
      for (const line of outcomeSummaryLines(outcome, facts)) {
        // oxlint-disable-next-line no-control-regex -- control characters are what must not be there
        expect(line).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e]/);
      }
  });

  test('does not become endless', () => {
    const reasons = Array.from({ length: 500 }, (_, index) => finding(`reason ${index} ${'x'.repeat(10_000)}`));
    const facts = factsOf(started(), verdict('unhealthy', false, { reasons }), verdict('healthy', true));
    const lines = outcomeSummaryLines({ outcome: 'rolled-back', cause: 'unhealthy' }, facts);
    expect(lines).toContain('  · and 480 more');
    expect(lines.join('\n').length).toBeLessThan(20_000);
  });
});
