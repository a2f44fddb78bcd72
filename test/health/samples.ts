import { checkDefaults } from '../../src/check-default.ts';
import type { CheckCommon, ExecCheck } from '../../src/check-definition.ts';
import type { CheckStatus, CheckResult, Severity } from '../../src/event.ts';
import type { Baseline } from '../../src/health/baseline.ts';
import type { Observation } from '../../src/health/observation.ts';
import { facts } from './example-facts.ts';

/** A configured check of which only the timing matters. */
export const checkOf = (name: string, timing: Partial<CheckCommon> = {}): ExecCheck => ({
  kind: 'exec',
  command: ['true'],
  environment: {},
  user: 0,
  cwd: '/',
  ...checkDefaults,
  ...timing,
  name,
});

/** What a check said. */
export const resultOf = (
  name: string,
  answer: CheckStatus,
  more: { readonly severity?: Severity; readonly ms?: number; readonly message?: string } = {},
): CheckResult => ({ name, severity: 'required', message: `says ${answer}`, ms: 5, ...more, status: answer });

export const lookOf = (more: Partial<Observation> = {}): Observation => ({
  at: 0,
  state: { kind: 'reachable' },
  facts: facts(),
  factsSay: null,
  checks: [],
  ...more,
});

export const baselineOf = (more: Partial<Baseline> = {}): Baseline => ({
  ...lookOf(),
  definitions: [],
  automatic: true,
  ...more,
});
