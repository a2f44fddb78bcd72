import type { Outcome, RecordedEvent, RunEvent } from '../../src/event.ts';
import type { InstanceIdentity } from '../../src/journal/instance-identity.ts';

export const sampleRun = '20261123-055126-k3f9';

export const holder = { host: 'host', bootId: 'boot', pid: 1, network: 'net:[1]', id: 'i' };

/** An event in its place: `at` milliseconds after the sample run's beginning. */
export const recorded = (event: RunEvent, at = 0, run = sampleRun): RecordedEvent => ({
  ...event,
  v: 1,
  run,
  at: Date.UTC(2026, 10, 23, 5, 51, 26) + at,
});

export const started = (instance = 'web01', command: readonly string[] = ['true']): RunEvent => ({
  type: 'run-started',
  version: '0.1.0',
  instance,
  project: 'default',
  remote: null,
  command,
  wasRunning: true,
  restorePointName: `guard-${sampleRun}`,
  named: false,
  holder,
});

export const ended = (outcome: Outcome): RunEvent => ({ type: 'run-ended', outcome, ms: 1234 });

/** The instance of `started`, as its server knows it. */
export const identity = (more: Partial<InstanceIdentity> = {}): InstanceIdentity => ({
  instance: 'web01',
  project: 'default',
  remote: null,
  uuid: 'u-web01',
  server: 's1',
  createdAt: null,
  ...more,
});
