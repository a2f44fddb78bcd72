import type { CheckDefinition } from '../check-definition.ts';
import type { CheckResult } from '../event.ts';
import { type PlatformFailure, describeFailure } from '../platform/failure.ts';
import { askDefinition } from './checks/check.ts';
import { createTurns } from './checks/limit.ts';
import { rememberAnswers, type Remembering } from './protocols/memory.ts';
import { gatherFacts, type PreflightRequest } from './gather.ts';
import type { AskContext, InstanceObservation, InstanceState } from './observation.ts';

/**
 * The two questions of which every look consists. Both always answer, and remember nothing but what servers said a moment ago.
 * Only a look for facts has an opening.
 */
export interface Prober {
  readonly look: (opening?: PreflightRequest) => Promise<InstanceObservation>;
  /** One result for most definitions, one a script for a directory. */
  readonly check: (definition: CheckDefinition) => Promise<readonly CheckResult[]>;
}

/** Asks the real instance. At most eight checks run at a time: a look must not be a load. */
export function openProber(context: AskContext, options: { readonly automatic: boolean }): Prober {
  const inTurn = createTurns(mostChecksAtATime);
  const remembering = rememberAnswers(context.clock);
  return {
    look: (opening) => (options.automatic ? lookWithFacts(context, remembering, opening) : lookWithout(context)),
    check: (definition) => askDefinition(definition, context, inTurn),
  };
}

const mostChecksAtATime = 8;

/** Facts take some 50 ms; a machine under load, with thousands of units, may need seconds. Milliseconds. */
const factsLimitMs = 15_000;

/** How long a command that does nothing may take, in milliseconds. */
const answerLimitMs = 10_000;

async function lookWithFacts(
  context: AskContext,
  remembering: Remembering,
  opening?: PreflightRequest,
): Promise<InstanceObservation> {
  const facts = await gatherFacts({ ...context, remembering, limitMs: factsLimitMs, ...(opening ? { opening } : {}) });
  if (facts.ok) return { state: { kind: 'askable' }, facts: facts.value, factsSay: null };
  // The probe could be started, so the instance can be asked; only what it wrote is of no use.
  if (facts.error.kind === 'unreadable')
    return { state: { kind: 'askable' }, facts: null, factsSay: facts.error.message };
  return { state: await whyNobodyAnswers(context, facts.error), facts: null, factsSay: describeFailure(facts.error) };
}

async function lookWithout(context: AskContext): Promise<InstanceObservation> {
  const answer = await context.platform.query(context.instance, {
    command: ['true'],
    limitMs: answerLimitMs,
    maxBytes: 1024,
    ...(context.signal ? { signal: context.signal } : {}),
  });
  // Also "not found" is an answer: something inside tried.
  const state: InstanceState = answer.ok ? { kind: 'askable' } : await whyNobodyAnswers(context, answer.error);
  return { state, facts: null, factsSay: null };
}

async function whyNobodyAnswers(context: AskContext, failure: PlatformFailure): Promise<InstanceState> {
  const instance = await context.platform.getInstance(context.instance);
  if (!instance.ok || instance.value.status === 'Running')
    return { kind: 'unaskable', message: describeFailure(failure) };
  return { kind: 'not-running', message: `its status is "${instance.value.status}"` };
}
