import type { CheckDefinition } from '../check-definition.ts';
import type { CheckResult } from '../event.ts';
import { type PlatformFailure, describeFailure } from '../platform/failure.ts';
import { confirmedHere } from './checks/address.ts';
import { askDefinition } from './checks/check.ts';
import { createTurns } from './checks/limit.ts';
import type { Result } from '../result.ts';
import type { Facts } from './facts.ts';
import { deepFactsOf, type UnreadableFacts } from './probe/probe.ts';
import { rememberAnswers } from './protocols/memory.ts';
import { gatherFacts, type ConfirmAddresses, type PreflightRequest } from './gather.ts';
import type { AskContext, InstanceObservation, InstanceState } from './observation.ts';

/**
 * The two questions of which every observation consists. Both always answer, and remember nothing but what servers said a moment ago.
 * Only an observation of facts has a preflight.
 */
export interface Prober {
  readonly look: (preflight?: PreflightRequest) => Promise<InstanceObservation>;
  /** One result for most definitions, one a script for a directory. */
  readonly check: (definition: CheckDefinition) => Promise<readonly CheckResult[]>;
}

export interface ProberOptions {
  readonly automatic: boolean;
  /** Requests are sent to the servers of the instance, unless this is false. */
  readonly askServers?: boolean;
  /** Facts of the baseline with their time (milliseconds since 1970), where there is one: the same is asked again. */
  readonly facts?: Facts | null;
  readonly at?: number;
  /** Nothing is written in the instance, not even a test file. */
  readonly readOnly?: boolean;
}

/** Asks the real instance. At most eight checks run at a time: an observation must not become a load. */
export function openProber(context: AskContext, options: ProberOptions): Prober {
  const inTurn = createTurns(mostChecksAtATime);
  const gathering = createGathering(context, options);
  return {
    look: (preflight) => (options.automatic ? gathering(preflight) : lookWithout(context)),
    check: (definition) => askDefinition(definition, context, inTurn),
  };
}

const mostChecksAtATime = 8;

/** Facts take some 50 ms; a machine under load, with thousands of units, may need seconds. Milliseconds. */
const factsLimitMs = 15_000;

/** How long a command that does nothing may take, in milliseconds. */
const answerLimitMs = 10_000;

/** How long the server's word on the addresses of the instance counts, in milliseconds. */
const confirmEveryMs = 10_000;

/** How long what is slow to gather is taken as still true, in milliseconds. */
const deepEveryMs = 4000;

/** Gathers facts. What is slow to gather is gathered at the first time and then now and then; in between it is what it was. */
function createGathering(
  context: AskContext,
  options: ProberOptions,
): (preflight?: PreflightRequest) => Promise<InstanceObservation> {
  const remembering = rememberAnswers(context.clock);
  const confirmAddresses = rememberConfirmed(context);
  const known = options.facts == null || options.at === undefined ? null : { facts: options.facts, at: options.at };
  let last: { readonly facts: Facts; readonly at: number } | null = null;
  return async (preflight) => {
    const now = context.clock.monotonic();
    const deep = last === null || now - last.at >= deepEveryMs;
    const { clock, ...quiet } = context;
    const request = {
      ...quiet,
      ...(options.askServers === false ? {} : { clock }),
      remembering,
      confirmAddresses,
      limitMs: factsLimitMs,
      known,
      deep,
      readOnly: options.readOnly ?? false,
      configuration: last?.facts.configuration ?? null,
      ...(preflight ? { preflight } : {}),
    };
    const observation = await observe(context, await gatherFacts(request));
    if (observation.facts === null) return observation;
    if (deep) last = { facts: observation.facts, at: now };
    return last === null || deep
      ? observation
      : { ...observation, facts: { ...observation.facts, ...deepFactsOf(last.facts) } };
  };
}

/** Asks the server again only when the addresses have changed, or what it said is no longer new. */
function rememberConfirmed({ platform, instance, clock }: AskContext): ConfirmAddresses {
  let last: { readonly claimed: string; readonly at: number; readonly answer: ReturnType<ConfirmAddresses> } | null =
    null;
  return async (addresses) => {
    const claimed = addresses.join(' ');
    const now = clock.monotonic();
    if (last !== null && last.claimed === claimed && now - last.at < confirmEveryMs) return last.answer;
    const answer = confirmedHere(platform, instance, addresses);
    last = { claimed, at: now, answer };
    const confirmed = await answer;
    if (!confirmed.ok) last = null;
    return confirmed;
  };
}

async function observe(
  context: AskContext,
  facts: Result<Facts, PlatformFailure | UnreadableFacts>,
): Promise<InstanceObservation> {
  if (facts.ok) return { state: { kind: 'reachable' }, facts: facts.value, factsSay: null };
  // The probe could be started, so the instance can be asked; only what it wrote is of no use.
  if (facts.error.kind === 'unreadable')
    return { state: { kind: 'reachable' }, facts: null, factsSay: facts.error.message };
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
  const state: InstanceState = answer.ok ? { kind: 'reachable' } : await whyNobodyAnswers(context, answer.error);
  return { state, facts: null, factsSay: null };
}

async function whyNobodyAnswers(context: AskContext, failure: PlatformFailure): Promise<InstanceState> {
  const instance = await context.platform.getInstance(context.instance);
  if (!instance.ok || instance.value.status === 'Running')
    return { kind: 'unreachable', message: describeFailure(failure) };
  return { kind: 'not-running', message: `its status is "${instance.value.status}"` };
}
