import type { Outcome, RunEvent } from '../../src/event.ts';
import type { RunPage } from '../../src/report/page/run-page.ts';
import { began, check, commandEnded, finding, started, verdict } from '../report/example-events.ts';
import { ended, eventsOfOutcomes, storyOf } from '../report/example-reports.ts';

const version = '0.1.0';

const pageOf = (events: readonly RunEvent[], evidence: RunPage['evidence'] = []): RunPage => ({
  report: storyOf(events),
  evidence,
  version,
});

type Phase = Extract<RunEvent, { type: 'phase-started' }>['phase'];

const phase = (name: Phase, message: string, ok = true): RunEvent[] => [
  began(name),
  { type: 'phase-ended', phase: name, ms: 1000, ok, message },
];

/** A broken upgrade of three hundred packages, rolled back. */
const rolledBack: readonly RunEvent[] = [
  ...phase('inspect', 'running'),
  started({ instance: 'web', command: ['apt-get', '-y', 'full-upgrade'] }),
  { type: 'baseline-recorded', baseline: { checks: [check('shop', 'passed')] } },
  ...phase('restore-point', 'guard-20261123-070945-z8mf'),
  began('command'),
  { type: 'command-output', stream: 'stdout', chunk: Buffer.from('Setting up nginx (1.22.1-9) ...\n'.repeat(20)) },
  { type: 'phase-ended', phase: 'command', ms: 90_000, ok: true, message: 'exit status 0' },
  commandEnded({ kind: 'exited', status: 0 }),
  began('verify'),
  {
    type: 'watch-progress',
    waitingFor: [finding('nginx.service is restarting')],
    healthyForMs: 0,
    limitMs: 120_000,
    soakMs: 10_000,
  },
  {
    type: 'watch-progress',
    waitingFor: [finding('nginx.service has failed')],
    healthyForMs: 0,
    limitMs: 120_000,
    soakMs: 10_000,
  },
  { type: 'phase-ended', phase: 'verify', ms: 9000, ok: false, message: 'unhealthy' },
  verdict('unhealthy', false, {
    reasons: [
      {
        ...finding('nginx.service was running and has failed: exit status 1'),
        before: 'active (running)',
        after: 'failed (exit status 1)',
        log: [
          'nginx[812]: nginx: [emerg] unknown directive "http2_push" in /etc/nginx/sites-enabled/shop:14',
          'systemd[1]: nginx.service: Control process exited, code=exited, status=1/FAILURE',
          'systemd[1]: Failed to start nginx.service - A high performance web server.',
        ],
      },
      { ...finding('Nothing listens on tcp/443 any more'), before: 'nginx', after: 'nothing' },
    ],
    advisories: [{ ...finding('/etc/nginx/nginx.conf changed'), severity: 'advisory' }],
    checks: [check('shop', 'failed')],
  }),
  {
    type: 'changes',
    changes: {
      packages: Array.from({ length: 300 }, (_, index) => ({
        name: `lib${index}-common`,
        from: `1.${index}-1`,
        to: index % 7 === 0 ? null : `1.${index}-2`,
      })),
      units: { appeared: ['nginx-cleanup.timer'], gone: [] },
      sockets: { appeared: [], gone: ['tcp/443 at 0.0.0.0'] },
    },
  },
  { type: 'decided', decision: 'rollback', cause: 'unhealthy' },
  {
    type: 'evidence-saved',
    files: ['/var/lib/guard/runs/x/evidence/units.txt'],
    missing: ['processes.txt: no answer'],
  },
  ...phase('stop', 'stopped'),
  ...phase('restore', 'guard-20261123-070945-z8mf'),
  ...phase('start', 'running'),
  ...phase('verify-again', 'healthy'),
  verdict('healthy', true, { checks: [check('shop', 'passed')] }),
  { type: 'released', restorePoint: null },
  ended({ outcome: 'rolled-back', cause: 'unhealthy' }),
];

const evidence = [
  { name: 'facts-after.json', bytes: 54_000, text: '{"units":[]}' },
  {
    name: 'units.txt',
    bytes: 900,
    text: '● nginx.service - A high performance web server\n     Active: failed (Result: exit-code)',
  },
];

/** Texts that an instance could put into names, logs and answers. */
const hostileTexts: readonly string[] = [
  '<script>alert(1)</script>',
  '"><img src=x onerror=alert(2)>',
  "';alert(3);//",
  '</pre></script><script>alert(4)</script>',
  '<svg onload=alert(5)>',
  'javascript:alert(6)',
  '<style>*{display:none}</style>',
  '<meta http-equiv="refresh" content="0;url=http://127.0.0.1:9/">',
  '<link rel=stylesheet href=http://127.0.0.1:9/x.css>',
  '\u202eevil\u2066\u200e',
  '\u001b[2J\u001b]0;title\u0007',
  'a'.repeat(5000),
  '\ud800half of a pair',
  '${alert(7)} {{alert(8)}} <!-- --> ]]> &lt;b&gt; &#x3c;b&#x3e;',
];

/** A run in which everything that comes from the instance is hostile. */
const hostile: readonly RunEvent[] = [
  started({ instance: hostileTexts[1] ?? '', command: hostileTexts, remote: hostileTexts[0] ?? '' }),
  ...phase('restore-point', hostileTexts[3] ?? ''),
  began('command'),
  {
    type: 'command-output',
    stream: 'stdout',
    chunk: Buffer.from(`${hostileTexts.join('\n')}\n${'x'.repeat(3_000_000)}`),
  },
  { type: 'command-output', stream: 'stderr', chunk: Buffer.from([0xff, 0xfe, 0x3c, 0x62, 0x3e, 0xc3, 0x28]) },
  commandEnded({ kind: 'lost', message: hostileTexts[4] ?? '' }),
  verdict('unhealthy', false, {
    reasons: hostileTexts.map((text) => ({ ...finding(text), before: text, after: text, log: hostileTexts })),
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
  ended({ outcome: 'rolled-back', cause: 'unhealthy' }),
];

/** The pages that are looked at: one for each outcome, and the ones with much or with hostile content. */
export const examplePages: Readonly<Record<string, RunPage>> = {
  ...Object.fromEntries(
    Object.entries(eventsOfOutcomes).map(([outcome, events]): [Outcome['outcome'], RunPage] => [
      outcome as Outcome['outcome'],
      pageOf(events),
    ]),
  ),
  'rolled-back-300-packages': pageOf(rolledBack, evidence),
  hostile: pageOf(
    hostile,
    hostileTexts.map((text, index) => ({
      name: `${index}${text.slice(0, 40)}`,
      bytes: index,
      text: hostileTexts.join('\n'),
    })),
  ),
};
