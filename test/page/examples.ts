import type { Outcome, RecordedEvent, RunEvent, WatchObservation } from '../../src/event.ts';
import type { RunSummary } from '../../src/journal/run-summary.ts';
import { historyPage } from '../../src/report/page/history-page.ts';
import { runsPage } from '../../src/report/page/instances-page.ts';
import { rolloutPage } from '../../src/report/page/rollout-page.ts';
import type { RunPage } from '../../src/report/page/run-page.ts';
import { createRunReportBuilder, type Target } from '../../src/report/run-report.ts';
import type { RolloutRecord } from '../../src/rollout/record.ts';
import { holder, membersOf, oneByOne, recordOf } from '../rollout/record-samples.ts';
import { began, check, commandEnded, finding, started, verdict } from '../report/example-events.ts';
import { ended, eventsOfOutcomes, storyOf } from '../report/example-reports.ts';

const version = '0.1.0';
const run = '20261123-070945-z8mf';
const start = Date.UTC(2026, 10, 23, 7, 9, 45);

/** An event, and how long after the one before it happened, in milliseconds. */
type Timed = readonly [afterMs: number, event: RunEvent];

/** What is known of these events, at the times that they say. */
function reportOf(timed: readonly Timed[], target: Target): RunPage['report'] {
  const builder = createRunReportBuilder(target);
  let at = start;
  for (const [afterMs, event] of timed) {
    at += afterMs;
    builder.listener({ ...event, v: 1, run, at } satisfies RecordedEvent);
  }
  return builder.report();
}

function pageOf(report: RunPage['report'], evidence: RunPage['evidence'] = []): RunPage {
  return { report, evidence, version };
}

type Phase = Extract<RunEvent, { type: 'phase-started' }>['phase'];

/** A phase that took so long. */
function phase(name: Phase, ms: number, message: string, ok = true): Timed[] {
  return [
    [5, began(name)],
    [ms, { type: 'phase-ended', phase: name, ms, ok, message }],
  ];
}

/** Observations from `from`, so many milliseconds after the beginning of the run. */
function observed(
  from: number,
  list: readonly (readonly [ms: number, waitingFor: number, message?: string])[],
): WatchObservation[] {
  return list.map(([ms, waitingFor, message]) => ({
    at: start + from + ms,
    waitingFor,
    ...(message === undefined ? {} : { message }),
  }));
}

const upgrade = ['apt-get', '-y', 'full-upgrade'];
const web: Target = { instance: 'web', command: upgrade };
const compared = ['units', 'sockets', 'replies', 'packages', 'addresses', 'configuration'];

const before: readonly Timed[] = [
  ...phase('inspect', 60, 'running'),
  [
    5,
    started({
      command: upgrade,
      server: '3357a947a3a0c1db40095ea25bb932b0',
      holder: { ...holder, pid: 812 },
    }),
  ],
  ...phase('baseline', 900, 'facts and 1 check'),
  [
    0,
    {
      type: 'baseline-recorded',
      baseline: { checks: [{ ...check('shop', 'passed'), message: 'HTTP 200' }] },
      coverage: { compared, missing: [] },
    },
  ],
  ...phase('restore-point', 80, `guard-${run}`),
  [5, began('command')],
  [
    26_000,
    {
      type: 'command-output',
      stream: 'stdout',
      chunk: Buffer.from(
        [
          ...['libc6', 'openssl', 'nginx-common', 'nginx'].map((name) => `Setting up ${name} (2:1.26.3-3) ...`),
          'Processing triggers for systemd (252.39-1) ...',
          '',
        ].join('\n'),
      ),
    },
  ],
  [200, { type: 'phase-ended', phase: 'command', ms: 26_200, ok: true, message: 'exit status 0' }],
  [0, { type: 'command-ended', end: { kind: 'exited', status: 0 }, ms: 26_200 }],
];

const changes: RunEvent = {
  type: 'changes',
  changes: {
    packages: Array.from({ length: 300 }, (_, index) => ({
      name: index === 0 ? 'nginx' : `lib${index}-common`,
      from: `1.${index}-1`,
      to: index % 7 === 6 ? null : `1.${index}-2`,
    })),
    units: { appeared: ['nginx-cleanup.timer'], gone: [] },
    sockets: { appeared: [], gone: ['tcp/443 at 0.0.0.0'] },
  },
};

/** A broken upgrade of three hundred packages, until guard has decided against it. */
const broken: readonly Timed[] = [
  ...before,
  [5, began('verify')],
  [6000, { type: 'phase-ended', phase: 'verify', ms: 6000, ok: false, message: 'unhealthy' }],
  [
    0,
    {
      type: 'watch-observed',
      observations: observed(27_320, [
        [20, 2, 'nginx.service was running, is still starting'],
        [90, 2],
        [180, 2, 'nginx.service was running, has failed: exit status 1'],
        [400, 2],
        [900, 2],
        [1900, 2],
        [3900, 2],
        [5900, 2],
      ]),
    },
  ],
  [
    0,
    {
      type: 'unit-log',
      unit: 'nginx.service',
      lines: [
        'Nov 23 07:10:11 web nginx[812]: nginx: [emerg] unknown directive "http2_push" in /etc/nginx/sites-enabled/shop:14',
        'Nov 23 07:10:11 web nginx[812]: nginx: configuration file /etc/nginx/nginx.conf test failed',
      ],
    },
  ],
  [
    0,
    verdict('unhealthy', false, {
      reasons: [
        {
          ...finding(
            'nginx.service was running, has failed: exit status 1; ports 80 tcp and 443 tcp no longer listened on',
          ),
          subject: 'unit:nginx.service',
          before: 'running',
          after: 'failed: exit status 1',
        },
        {
          ...finding('check "shop" passed before and now fails: connection refused'),
          subject: 'check:shop',
          before: 'passed: HTTP 200',
          after: 'failed: connection refused',
        },
      ],
      advisories: [
        { ...finding('/etc/nginx/nginx.conf was replaced'), severity: 'advisory' },
        {
          ...finding('guard did not wait longer: nginx.service has failed and nothing starts it again'),
          severity: 'advisory',
        },
      ],
      checks: [{ ...check('shop', 'failed'), message: 'connection refused' }],
    }),
  ],
  [0, changes],
  [5, { type: 'decided', decision: 'rollback', cause: 'unhealthy' }],
  ...phase('evidence', 700, '6 files saved'),
  [
    0,
    {
      type: 'evidence-saved',
      files: [`/var/lib/guard/runs/${run}/evidence/units.txt`],
      missing: ['processes.txt: no answer in time'],
    },
  ],
  ...phase('stop', 1800, 'stopped'),
];

const rolledBack: readonly Timed[] = [
  ...broken,
  ...phase('restore', 300, 'as of 2026-11-23 07:09:46 UTC'),
  ...phase('start', 1500, 'running'),
  [5, began('verify-again')],
  [2100, { type: 'phase-ended', phase: 'verify-again', ms: 2100, ok: true, message: 'healthy' }],
  [
    0,
    {
      type: 'watch-observed',
      observations: observed(37_760, [
        [20, 1, 'nginx.service was running, is still starting'],
        [900, 1],
        [1900, 0],
      ]),
    },
  ],
  [0, verdict('healthy', true, { checks: [{ ...check('shop', 'passed'), message: 'HTTP 200' }] })],
  [30, { type: 'released', restorePoint: null }],
  [5, { type: 'run-ended', outcome: { outcome: 'rolled-back', cause: 'unhealthy' }, ms: 39_900 }],
];

const rollbackFailed: readonly Timed[] = [
  ...broken,
  ...phase('restore', 400, 'no space left in the pool', false),
  [
    5,
    {
      type: 'run-ended',
      outcome: {
        outcome: 'rollback-failed',
        cause: 'unhealthy',
        message: 'Could not restore the snapshot: no space is left in the pool "default".',
        manualRecovery: ['incus snapshot restore web guard-in-flight', 'incus start web'],
      },
      ms: 37_000,
    },
  ],
];

const healthy: readonly Timed[] = [
  ...before,
  [5, began('verify')],
  [11_200, { type: 'phase-ended', phase: 'verify', ms: 11_200, ok: true, message: 'healthy' }],
  [
    0,
    {
      type: 'watch-observed',
      observations: observed(27_320, [
        [20, 1, 'nginx.service was running, is still starting'],
        [300, 1],
        ...Array.from({ length: 11 }, (_, second) => [900 + second * 1000, 0] as const),
      ]),
    },
  ],
  [
    0,
    verdict('healthy', false, {
      advisories: [{ ...finding('nginx-cleanup.timer is newly running'), severity: 'advisory' }],
      checks: [{ ...check('shop', 'passed'), message: 'HTTP 200' }],
    }),
  ],
  [0, changes],
];

const kept: readonly Timed[] = [
  ...healthy,
  [5, { type: 'decided', decision: 'keep', cause: null }],
  ...phase('keep', 90, `guard-${run}`),
  [0, { type: 'released', restorePoint: `guard-${run}` }],
  [5, { type: 'run-ended', outcome: { outcome: 'kept' }, ms: 38_700 }],
];

const waiting: readonly Timed[] = [
  ...healthy,
  [5, began('confirm')],
  [
    0,
    {
      type: 'confirmation-requested',
      deadline: { at: start + 640_000, bootId: 'b', sinceBootMs: 1 },
      by: null,
    },
  ],
  [5, { type: 'run-ended', outcome: { outcome: 'waiting', deadline: start + 640_000 }, ms: 38_700 }],
];

const copy = { project: 'guard-rehearsal', instance: 'web', uuid: '6fa04c7c-2b36-4e3d-9b2f-0a7b7e3f1c11', volumes: [] };

function rehearsal(isHealthy: boolean): Timed[] {
  return [
    ...phase('inspect', 60, 'running'),
    [5, started({ command: upgrade, rehearsal: { copy, before: null, keepCopy: false } })],
    ...phase('copy', 160, 'project guard-rehearsal'),
    ...phase('start', 1800, 'running, isolated'),
    ...phase('baseline', 900, 'facts and 1 check'),
    ...phase('command', 24_000, 'exit status 0'),
    [0, commandEnded({ kind: 'exited', status: 0 })],
    ...phase('verify', 11_000, 'healthy'),
    [0, verdict('healthy', false)],
    [0, changes],
    ...phase('restart', 2500, 'restarted'),
    ...phase('verify', 7000, isHealthy ? 'healthy' : 'unhealthy', isHealthy),
    ...(isHealthy
      ? [[0, verdict('healthy', false)] as const]
      : [
          [
            0,
            {
              type: 'unit-log',
              unit: 'app.service',
              lines: ['Nov 23 07:10:40 web app[99]: cannot open shared object file: libssl.so.1.1'],
            },
          ] as const,
          [
            0,
            verdict('unhealthy', false, {
              reasons: [
                {
                  ...finding('app.service was running, has failed: exit status 127'),
                  subject: 'unit:app.service',
                  before: 'running',
                  after: 'failed: exit status 127',
                },
              ],
            }),
          ] as const,
        ]),
    [
      0,
      {
        type: 'rehearsal-report',
        report: {
          failedAt: isHealthy ? null : 'restart',
          notRehearsed: [
            { ...finding('the copy lacks the device "gpu": it belongs to the host'), severity: 'advisory' },
            { ...finding("the run's own hooks are not rehearsed: beforeRestorePoint"), severity: 'advisory' },
          ],
          notSurvivingReboot: [finding('worker.service was running, is now stopped: it does not start at boot')],
          refusedHosts: ['updates.example.org:443'],
        },
      },
    ],
    ...phase('remove-copy', 400, 'removed'),
    [0, { type: 'copy-removed', kept: false }],
    [
      5,
      {
        type: 'run-ended',
        outcome: isHealthy
          ? { outcome: 'rehearsal-passed' }
          : { outcome: 'rehearsal-failed', cause: 'unhealthy', stage: 'restart' },
        ms: 48_000,
      },
    ],
  ];
}

const rehearsed: Target = { ...web, rehearsal: true };

const evidence = [
  { name: 'facts-after.json', bytes: 54_000, text: '{"units":[]}' },
  {
    name: 'units.txt',
    bytes: 900,
    text: '● nginx.service - A high performance web server\n     Active: failed (Result: exit-code)',
  },
];

/** Texts that an instance could put into names, logs and answers. */
export const hostileTexts: readonly string[] = [
  '<script>alert(1)</script>',
  '"><img src=x onerror=alert(2)>',
  "';alert(3);//",
  '</pre></script><script>alert(4)</script>',
  '<svg onload=alert(5)>',
  'javascript:alert(6)',
  '<style>*{display:none}</style>',
  '<meta http-equiv="refresh" content="0;url=http://127.0.0.1:9/">',
  '<link rel=stylesheet href=http://127.0.0.1:9/x.css>',
  '</summary></details></main></body></html><iframe src=http://127.0.0.1:9/></iframe>',
  '<base href=http://127.0.0.1:9/><form action=http://127.0.0.1:9/><input autofocus onfocus=alert(8)>',
  '\u202eevil\u2066\u200e\u061c',
  '\u001b[2J\u001b]0;title\u0007\u009b31m\u0000',
  'a'.repeat(5000),
  '\u0300'.repeat(3000),
  '\ud800half of a pair',
  Buffer.from([0xff, 0xfe, 0x3c, 0x62, 0x3e, 0xc3, 0x28, 0xf0, 0x9f]).toString('utf8'),
  '${alert(7)} {{alert(8)}} <!-- --> ]]> &lt;b&gt; &#x3c;b&#x3e;',
];

/** A run in which everything that comes from the instance is hostile. */
const hostile: readonly RunEvent[] = [
  started({
    instance: hostileTexts[1] ?? '',
    command: hostileTexts,
    remote: hostileTexts[0] ?? '',
    server: hostileTexts[4] ?? '',
  }),
  began('restore-point'),
  { type: 'phase-ended', phase: 'restore-point', ms: 1000, ok: true, message: hostileTexts[3] ?? '' },
  began('command'),
  {
    type: 'command-output',
    stream: 'stdout',
    chunk: Buffer.from(`${hostileTexts.join('\n')}\n${'x'.repeat(3_000_000)}`),
  },
  { type: 'command-output', stream: 'stderr', chunk: Buffer.from([0xff, 0xfe, 0x3c, 0x62, 0x3e, 0xc3, 0x28]) },
  commandEnded({ kind: 'lost', message: hostileTexts[4] ?? '' }),
  began('verify'),
  {
    type: 'watch-observed',
    observations: hostileTexts.map((message, index) => ({ at: 1_790_000_007_000 + index, waitingFor: 2, message })),
  },
  { type: 'phase-ended', phase: 'verify', ms: 1000, ok: false, message: hostileTexts[9] ?? '' },
  { type: 'unit-log', unit: hostileTexts[0] ?? '', lines: hostileTexts },
  { type: 'unit-log', unit: hostileTexts[10] ?? '', lines: ['y'.repeat(2_000_000)] },
  verdict('unhealthy', false, {
    reasons: hostileTexts.map((text) => ({ ...finding(text), before: text, after: text })),
    advisories: hostileTexts.map((text) => ({ ...finding(text), severity: 'advisory' as const })),
    checks: hostileTexts.map((text) => ({ ...check(text, 'failed'), message: text })),
  }),
  {
    type: 'changes',
    changes: {
      packages: hostileTexts.map((text) => ({ name: text, from: text, to: text })),
      units: { appeared: hostileTexts, gone: hostileTexts },
      sockets: { appeared: hostileTexts, gone: [] },
    },
  },
  { type: 'evidence-saved', files: [], missing: hostileTexts },
  {
    type: 'rehearsal-report',
    report: {
      failedAt: 'change',
      notRehearsed: hostileTexts.map(finding),
      notSurvivingReboot: hostileTexts.map(finding),
      refusedHosts: hostileTexts,
    },
  },
  ended({ outcome: 'rolled-back', cause: 'unhealthy' }),
];

const hostilePage = pageOf(
  storyOf(hostile, { instance: hostileTexts[5] ?? '', command: hostileTexts }),
  [...hostileTexts, 'z'.repeat(24_000)].map((text, index) => ({
    name: `${index}${text.slice(0, 40)}`,
    bytes: index,
    text: index % 2 === 0 ? hostileTexts.join('\n') : text,
  })),
);

/** The pages of one run each: every outcome, and the ones with much or with hostile content. */
export const examplePages: Readonly<Record<string, RunPage>> = {
  ...Object.fromEntries(
    Object.entries(eventsOfOutcomes).map(([outcome, events]): [string, RunPage] => [
      `bare-${outcome as Outcome['outcome']}`,
      pageOf(storyOf(events)),
    ]),
  ),
  kept: pageOf(reportOf(kept, web)),
  'rolled-back': pageOf(reportOf(rolledBack, web), evidence),
  'rollback-failed': pageOf(reportOf(rollbackFailed, web), evidence),
  waiting: pageOf(reportOf(waiting, web)),
  'under-way': pageOf(reportOf(before, web)),
  'rehearsal-passed': pageOf(reportOf(rehearsal(true), rehearsed)),
  'rehearsal-failed': pageOf(reportOf(rehearsal(false), rehearsed)),
  hostile: hostilePage,
};

/** A rollout of fifty: two rolled back for the same cause, one that could not be judged, some not begun. */
function rollout(text: (plain: string) => string = (plain) => plain): RolloutRecord {
  const settings = { ...oneByOne, canary: 1, maxParallel: { count: 10 } };
  const planned = membersOf(50, settings).map((member) => ({
    ...member,
    label: text(`web-${String(Number(member.name.slice(1)) + 1).padStart(2, '0')}`),
  }));
  const record = recordOf(planned, {
    id: '20261123-070900-k3f9',
    command: upgrade.map(text),
    startedAt: start,
    status: 'stopped',
    stop: 'failures',
  });
  const members = record.members.map((member, index) => {
    const over = { run, at: start + index * 4000, ms: 24_000 + ((index * 7919) % 9000) };
    if (index >= 41) return member;
    if (index === 17 || index === 33)
      return {
        ...member,
        ...over,
        state: 'failed' as const,
        outcome: 'rolled-back' as const,
        ms: 41_000 + index * 100,
        message: text(`nginx.service was running, is now restarting: exit status 1, ${index} restarts (and 1 more)`),
      };
    return { ...member, ...over, state: 'kept' as const, outcome: 'kept' as const };
  });
  return { ...record, members };
}

function rolloutOf(record: RolloutRecord, runs: ReadonlyMap<string, RunPage>): string {
  return rolloutPage({ record, runs, lookAtHolder: () => 'dead', version });
}

/** Past runs of one instance: most kept, some not. */
function history(text: (plain: string) => string = (plain) => plain): RunSummary[] {
  const outcomes: readonly Outcome[] = [
    { outcome: 'kept' },
    { outcome: 'kept' },
    { outcome: 'rolled-back', cause: 'unhealthy' },
    { outcome: 'kept' },
    { outcome: 'kept' },
    { outcome: 'rolled-back', cause: 'command' },
    { outcome: 'kept' },
  ];
  return Array.from({ length: 24 }, (_, index): RunSummary => {
    const at = start - index * 86_400_000;
    const outcome = outcomes[index % outcomes.length] ?? { outcome: 'kept' };
    const isKept = outcome.outcome === 'kept';
    const verdictMs = isKept ? 10_300 + ((index * 3571) % 2500) : 4000 + ((index * 7877) % 12_000);
    const id = `202611${String(30 - index).padStart(2, '0')}-070945-z8mf`;
    const stamp = { v: 1, run: id } as const;
    const begun = started({ command: upgrade.map(text), instance: text('web') });
    return {
      run: id,
      fingerprint: null,
      started: begun.type === 'run-started' ? { ...begun, at } : null,
      restorePoint: null,
      commandEnded: {
        ...stamp,
        type: 'command-ended',
        end: { kind: 'exited', status: 0 },
        ms: 26_000,
        at: at + 27_000,
      },
      decided: {
        ...stamp,
        type: 'decided',
        decision: isKept ? 'keep' : 'rollback',
        cause: null,
        at: at + 27_000 + verdictMs,
      },
      released: null,
      copyRemoved: false,
      ended: { ...stamp, type: 'run-ended', outcome, ms: 27_500 + verdictMs + (isKept ? 0 : 6500), at: at + 60_000 },
    };
  });
}

const failedRuns = new Map(
  ['web-18', 'web-34'].map((name) => [name, pageOf(reportOf(rolledBack, { ...web, instance: name }))] as const),
);
let turn = 0;
/** A hostile text instead of a plain one, each in its turn. */
const asHostile = (): string => hostileTexts[(turn += 1) % hostileTexts.length] ?? '';

/** Pages of several runs. */
export const exampleDocuments: Readonly<Record<string, string>> = {
  rollout: rolloutOf(rollout(), failedRuns),
  'rollout-under-way': rolloutOf({ ...rollout(), status: 'running', stop: null }, new Map()),
  'rollout-hostile': rolloutOf(rollout(asHostile), new Map(hostileTexts.map((name) => [name, hostilePage]))),
  'rehearsal-and-run': runsPage(
    [pageOf(reportOf(rehearsal(true), rehearsed)), pageOf(reportOf(rolledBack, web), evidence)],
    version,
  ),
  forecast: runsPage(
    ['web', 'db', 'mail'].map((name) => pageOf(reportOf(rehearsal(name !== 'db'), { ...rehearsed, instance: name }))),
    version,
  ),
  several: runsPage(Object.values(examplePages), version),
  history: historyPage({ instance: 'web', runs: history(), version }),
  'history-hostile': historyPage({ instance: null, runs: history(asHostile), version }),
  'history-empty': historyPage({ instance: null, runs: [], version }),
};
