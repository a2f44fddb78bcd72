import { isIPv6 } from 'node:net';
import { describeFailure } from '../platform/failure.ts';
import { err, ok, type Result } from '../result.ts';
import { isGlobalAddress } from '../platform/address.ts';
import type { AskContext } from './observation.ts';
import readinessScript from '../guest/readiness.sh?raw';
import { readReadiness, type Inside } from './ready-probe.ts';

/** The instance can be asked. */
export interface Readiness {
  readonly ms: number;
  /** False where it can be asked, but the limit came before everything had started. */
  readonly settled: boolean;
  /** What is still under way, one phrase each. */
  readonly pending: readonly string[];
}

export interface ReadyRequest {
  readonly limitMs: number;
  /** IP families in which the instance had an address before: it is waited for one of each (F38). */
  readonly families?: readonly (4 | 6)[];
}

/**
 * After a start: waits until a command can be run inside, the service manager has finished booting (however degraded),
 * and the network is back. Fails only where nothing could be run inside before the limit, or the instance has stopped again
 * and stays so; a boot or a network that takes longer is told in `pending`, and the verdict judges it. A stop before this is lost: Incus passes it to no process (docs/internals/incus.md, Graceful stop).
 */
export async function waitUntilReachable(
  context: AskContext,
  request: ReadyRequest,
): Promise<Result<Readiness, { readonly message: string }>> {
  const bootedOnce = { since: null as number | null };
  const stopped = { since: null as number | null };
  const end = await poll<Result<string[], string>>(context, request.limitMs, async (leftMs) => {
    // A question that waits inside would be cut off where less is left than it may take.
    const inside = await askInside(context, leftMs, leftMs > questionLimits.most ? ['wait'] : []);
    if (!inside.ok) return { done: await staysStopped(context, stopped), answer: inside };
    const [pendingBoot, pendingNetwork] = [
      bootPhrases(inside.value, bootedOnce, context.clock.monotonic()),
      await missingFamilies(context, request.families ?? []),
    ];
    const pending = [...pendingBoot, ...pendingNetwork];
    return { done: pending.length === 0, answer: ok(pending) };
  });
  if (!end.answer.ok) return err({ message: end.answer.error });
  return ok({ ms: end.ms, settled: end.answer.value.length === 0, pending: end.answer.value });
}

/** Whether a boot or a package manager is active inside, which would disturb a change. */
export interface IdleWait {
  readonly idle: boolean;
  /** What is active and which process it is, one phrase each. */
  readonly activities: readonly string[];
  /** It was idle at the first question, so what was observed meanwhile is of an idle instance. */
  readonly immediately: boolean;
  readonly ms: number;
}

/**
 * Waits until the boot (with cloud-init) is finished and no package manager is active, up to a limit: otherwise the restore
 * point would contain unfinished work, and the command would fail on the lock of another process (F28).
 */
export async function waitUntilIdle(context: AskContext, request: { readonly limitMs: number }): Promise<IdleWait> {
  const bootedOnce = { since: null as number | null };
  let questions = 0;
  const end = await poll(context, request.limitMs, async (leftMs) => {
    questions += 1;
    const inside = await askInside(context, leftMs);
    if (!inside.ok) return { done: false, answer: [inside.error] };
    const activities = [...bootPhrases(inside.value, bootedOnce, context.clock.monotonic()), ...inside.value.locks];
    return { done: activities.length === 0, answer: activities };
  });
  const idle = end.answer.length === 0;
  return { idle, activities: end.answer, immediately: idle && questions === 1, ms: end.ms };
}

/** Whether neither a boot nor a package manager is active. */
export function isIdle(inside: Inside): boolean {
  return bootPhrases(inside, { since: null }, 0).length === 0 && inside.locks.length === 0;
}

/** Milliseconds between questions: quick at first, since most instances are ready at once. */
const pace = { first: 50, growth: 1.6, most: 1000 } as const;

/** Asks again and again until it is done, the limit is reached, or the context's signal aborts; the last answer counts. */
async function poll<T>(
  { clock, signal }: AskContext,
  limitMs: number,
  question: (leftMs: number) => Promise<{ readonly done: boolean; readonly answer: T }>,
): Promise<{ readonly answer: T; readonly ms: number }> {
  const began = clock.monotonic();
  for (let pause: number = pace.first; ; pause = Math.min(pause * pace.growth, pace.most)) {
    const { done, answer } = await question(Math.max(1, limitMs - (clock.monotonic() - began)));
    const ms = clock.monotonic() - began;
    if (done || ms >= limitMs || signal?.aborted) return { answer, ms };
    await clock.sleep(Math.min(pause, limitMs - ms), signal);
  }
}

/**
 * One question may hang while the service manager starts: it is then put again. The last one has a second even when less
 * is left, or it would say "cannot be asked" of an instance that can. Milliseconds.
 */
const questionLimits = { least: 1000, most: 5000 } as const;

async function askInside(
  context: AskContext,
  leftMs: number,
  words: readonly string[] = [],
): Promise<Result<Inside, string>> {
  const answer = await context.platform.query(context.instance, {
    command: ['sh', '-c', readinessScript, 'guard', ...words],
    environment: { LC_ALL: 'C', PATH: '/usr/sbin:/usr/bin:/sbin:/bin' },
    cwd: '/',
    limitMs: Math.max(questionLimits.least, Math.min(leftMs, questionLimits.most)),
    maxBytes: 256 * 1024,
    readOnly: true,
    ...(context.signal ? { signal: context.signal } : {}),
  });
  return answer.ok ? ok(readReadiness(answer.value.stdout)) : err(describeFailure(answer.error));
}

/** A reboot passes through "Stopped" in a moment. Milliseconds. */
const stoppedForGoodMs = 10_000;

async function staysStopped(
  { platform, instance, clock }: AskContext,
  stopped: { since: number | null },
): Promise<boolean> {
  const now = await platform.getInstance(instance);
  stopped.since = now.ok && now.value.status === 'Stopped' ? (stopped.since ?? clock.monotonic()) : null;
  return stopped.since !== null && clock.monotonic() - stopped.since >= stoppedForGoodMs;
}

/** Without a service manager the end of the boot is unknown: process 1 must then have run for this long, in milliseconds. */
const plainBootMs = 2000;

function bootPhrases(inside: Inside, seen: { since: number | null }, now: number): string[] {
  if (inside.boot !== null) return [inside.boot];
  if (inside.managed) return [];
  seen.since ??= now;
  const ageMs = inside.ageMs ?? now - seen.since;
  return ageMs >= plainBootMs ? [] : ['process 1 has just started'];
}

async function missingFamilies(context: AskContext, families: readonly (4 | 6)[]): Promise<string[]> {
  if (families.length === 0) return [];
  const state = await context.platform.getInstanceState(context.instance);
  if (!state.ok) return [describeFailure(state.error)];
  const addresses = Object.values(state.value.addresses).flat().filter(isGlobalAddress);
  return families
    .filter((family) => !addresses.some((address) => isIPv6(address) === (family === 6)))
    .map((family) => `no IPv${family} address yet`);
}
