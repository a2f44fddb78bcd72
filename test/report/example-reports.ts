import type { Outcome, RunEvent } from '../../src/event.ts';
import { createRunReportBuilder, type RunReport, type Target } from '../../src/report/run-report.ts';
import { began, check, commandEnded, finding, recorded, started, verdict } from './example-events.ts';

export const target: Target = { instance: 'web', command: ['apt', 'upgrade'] };

/** The story that these events tell. */
export const storyOf = (events: readonly RunEvent[], about: Target = target): RunReport => {
  const storyteller = createRunReportBuilder(about);
  for (const event of recorded(...events)) storyteller.listener(event);
  return storyteller.report();
};

export const ended = (outcome: Outcome): RunEvent => ({ type: 'run-ended', outcome, ms: 2500 });

const phase = (name: Extract<RunEvent, { type: 'phase-started' }>['phase'], ok = true): RunEvent[] => [
  began(name),
  { type: 'phase-ended', phase: name, ms: 40, ok, message: ok ? 'done' : 'not done' },
];

const refusal = { message: 'There is no instance "wbe".', advice: 'Did you mean "web"?' };

const report = { failedAt: null, notRehearsed: [], notSurvivingReboot: [], refusedHosts: [] };
const rehearsal = {
  copy: { project: 'guard-rehearsal', instance: 'web', uuid: '6fa04c7c-2b36-4e3d-9b2f-0a7b7e3f1c11', volumes: [] },
  before: null,
  keepCopy: false,
};

/** The events of one run for every way in which a run can end. */
export const eventsOfOutcomes: Readonly<Record<Outcome['outcome'], readonly RunEvent[]>> = {
  kept: [
    ...phase('inspect'),
    started(),
    { type: 'baseline-recorded', baseline: { checks: [check('web', 'passed'), check('slow', 'failed')] } },
    ...phase('command'),
    { type: 'command-output', stream: 'stdout', chunk: Buffer.from('done\n') },
    commandEnded({ kind: 'exited', status: 0 }),
    // It failed before as well: told, and not held against the change.
    verdict('healthy', false, {
      checks: [check('web', 'passed'), check('slow', 'failed')],
      advisories: [finding('A unit was slow.')],
    }),
    {
      type: 'changes',
      changes: { packages: [], units: { appeared: [], gone: [] }, sockets: { appeared: [], gone: [] } },
    },
    { type: 'decided', decision: 'keep', cause: null },
    { type: 'released', restorePoint: 'guard-1' },
    ended({ outcome: 'kept' }),
  ],
  'rolled-back': [
    ...phase('inspect'),
    started(),
    ...phase('command'),
    commandEnded({ kind: 'exited', status: 0 }),
    ...phase('verify', false),
    verdict('unhealthy', false, {
      checks: [check('web', 'failed')],
      reasons: [
        { subject: 'check:web', severity: 'required', message: 'web said no: exit status 1' },
        finding('pdns.service was running, has failed'),
        finding('pdns.service was running, has failed again'),
      ],
    }),
    { type: 'evidence-saved', files: ['/var/lib/guard/a'], missing: [] },
    ...phase('restore'),
    verdict('healthy', true, { checks: [check('web', 'passed')] }),
    { type: 'released', restorePoint: null },
    ended({ outcome: 'rolled-back', cause: 'unhealthy' }),
  ],
  'kept-unhealthy': [started(), ...phase('command', false), ended({ outcome: 'kept-unhealthy', cause: 'command' })],
  'kept-unchanged': [
    started(),
    ...phase('command', false),
    { type: 'decided', decision: 'keep', cause: 'command', chosen: true, nothingChanged: true },
    ended({ outcome: 'kept-unchanged', cause: 'command' }),
  ],
  'instance-gone': [started(), ended({ outcome: 'instance-gone' })],
  'rolled-back-not-well': [
    started(),
    ...phase('command', false),
    verdict('unhealthy', true, { checks: [check('web', 'unknown')], reasons: [finding('It is not well.')] }),
    ended({ outcome: 'rolled-back-not-well', cause: 'command' }),
  ],
  'rollback-failed': [
    started(),
    began('restore'),
    ended({ outcome: 'rollback-failed', cause: 'command', message: 'No space.', manualRecovery: ['incus stop web'] }),
  ],
  waiting: [
    started(),
    ...phase('command'),
    verdict('healthy', false),
    ended({ outcome: 'waiting', deadline: 1_790_000_600_000 }),
  ],
  refused: [...phase('inspect', false), ended({ outcome: 'refused', refusal })],
  busy: [ended({ outcome: 'busy', refusal })],
  quarantined: [ended({ outcome: 'quarantined', refusal })],
  'rehearsal-passed': [
    ...phase('inspect'),
    started({ rehearsal }),
    ...phase('copy'),
    ...phase('command'),
    commandEnded({ kind: 'exited', status: 0 }),
    verdict('healthy', false, {}),
    ...phase('restart'),
    verdict('healthy', false, {}),
    { type: 'rehearsal-report', report: { ...report, notRehearsed: [finding('The copy lacks the device "gpu".')] } },
    { type: 'copy-removed', kept: false },
    ended({ outcome: 'rehearsal-passed' }),
  ],
  'rehearsal-failed': [
    started({ rehearsal }),
    ...phase('copy'),
    ...phase('restart'),
    verdict('unhealthy', false, { reasons: [finding('pdns.service was running, has failed')] }),
    {
      type: 'rehearsal-report',
      report: {
        failedAt: 'restart',
        notRehearsed: [],
        notSurvivingReboot: [finding('app.service was running, is not started')],
        refusedHosts: ['example.org:443'],
      },
    },
    { type: 'copy-removed', kept: true },
    ended({ outcome: 'rehearsal-failed', cause: 'unhealthy', stage: 'restart' }),
  ],
  'rehearsal-inconclusive': [
    ended({ outcome: 'rehearsal-inconclusive', refusal: { message: 'No space.', advice: 'Make room.' } }),
  ],
  usage: [ended({ outcome: 'usage', refusal })],
  configuration: [
    ended({ outcome: 'configuration', refusal: { message: 'guard.yaml:3:1\n  x', advice: '1 mistake.' } }),
  ],
  interrupted: [
    started(),
    { type: 'notice', level: 'warning', message: 'So.' },
    began('command'),
    commandEnded({ kind: 'interrupted', signal: 'SIGTERM' }),
    ended({ outcome: 'interrupted', signal: 'SIGTERM' }),
  ],
};
