import type { CheckResult, Finding, RecordedEvent, RunEvent, Verdict } from '../../src/event.ts';
import { noFacts, withEvent, type RunFacts } from '../../src/report/run-facts.ts';

const run = '20261123-070945-z8mf';

/** Events of one run, a second apart. */
export const recorded = (...events: readonly RunEvent[]): RecordedEvent[] =>
  events.map((event, index) => ({ ...event, v: 1, run, at: 1_790_000_000_000 + index * 1000 }));

/** What these events have told. */
export const factsOf = (...events: readonly RunEvent[]): RunFacts =>
  recorded(...events).reduce(withEvent, noFacts(run));

export const started = (more: Partial<Extract<RunEvent, { type: 'run-started' }>> = {}): RunEvent => ({
  type: 'run-started',
  version: '0.1.0',
  instance: 'web',
  project: 'default',
  remote: null,
  command: ['apt', 'upgrade'],
  wasRunning: true,
  restorePointName: `guard-${run}`,
  named: false,
  holder: { host: 'h', bootId: 'b', pid: 1, network: 'net:[1]', id: 'i' },
  ...more,
});

export const began = (phase: Extract<RunEvent, { type: 'phase-started' }>['phase']): RunEvent => ({
  type: 'phase-started',
  phase,
});

export const commandEnded = (end: Extract<RunEvent, { type: 'command-ended' }>['end']): RunEvent => ({
  type: 'command-ended',
  end,
  ms: 1000,
});

export const finding = (message: string): Finding => ({ subject: 'unit:pdns.service', severity: 'required', message });

export const check = (name: string, status: CheckResult['status']): CheckResult => ({
  name,
  severity: 'required',
  status,
  message: 'exit status 1',
  ms: 3,
});

export const verdict = (kind: Verdict['verdict'], again: boolean, more: Partial<Verdict> = {}): RunEvent => ({
  type: 'verdict',
  afterRollback: again,
  verdict: { verdict: kind, reasons: [], advisories: [], checks: [], ...more },
});
