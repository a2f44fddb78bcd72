import type { Clock } from '../../clock.ts';
import { neutralise } from '../../text.ts';
import type { Finding, Verdict, WatchObservation } from '../../event.ts';
import { openProber, type Prober } from '../prober.ts';
import type { Baseline } from '../baseline.ts';
import { detectRestarts } from '../compare.ts';
import type { Facts } from '../facts.ts';
import { intentOf, type Intent } from '../intent.ts';
import type { AskContext, Observation } from '../observation.ts';
import { concernOfFact, concernsOf, isOtherBoot, verdictOf, type Concern } from '../verdict.ts';
import { createTerminalFailures, type TerminalFailures } from './terminal-failure.ts';
import { isDesignedRestart } from '../resources/unit/state.ts';
import { createObservationLog, type ObservationLog } from './observations.ts';
import { createWatchedChecks, type WatchedChecks } from './checks.ts';

/** How long to watch, in milliseconds. */
export interface WatchSettings {
  /** From the call until everything required must hold. */
  readonly limitMs: number;
  /** How long it must then go on holding; 0 for one good look. */
  readonly soakMs: number;
  /** The instance was restarted since the baseline. */
  readonly restarted?: boolean;
  /** Words of the command: what it names as to be removed is not missed. */
  readonly command?: readonly string[];
}

/** What the watch tells on its way: what it still waits for (nothing in the soak), and for how long all has been well. */
export type WatchProgress = (waitingFor: readonly Finding[], healthyForMs: number) => void;

/** How a watch ended, and the look that decided it. */
export interface WatchEnd {
  readonly verdict: Verdict;
  readonly look: Observation;
  /** All observations, thinned out where there were many. */
  readonly observations: readonly WatchObservation[];
}

type WatchDecision = Omit<WatchEnd, 'observations'>;

/**
 * Looks at the instance until everything required holds, and then whether it goes on to hold.
 *
 * - **Waiting**: looks follow each other fast at first, then every two seconds. Whatever does not hold yet is waited for;
 *   at the limit, the last look is the verdict. Waiting ends early only where it is certainly in vain
 *   (`watch-terminalFailures.ts`).
 * - **Soak**: from the first look at which everything holds. Decides against at once: a restart of a service, a socket that
 *   vanished, a new failure, a check that failed `retries` times in a row. What may still settle by itself (a service that
 *   is starting again, an instance that is rebooting or cannot be asked just now) goes back to waiting while there is time,
 *   and the soak then begins anew. The soak does not end while a check is between its first failure and its last try, and
 *   its last look asks everything afresh. A soak that began in time may end after the limit.
 *
 * When `context.signal` aborts, the end is `inconclusive` at once.
 */
export function watch(
  context: AskContext,
  baseline: Baseline,
  settings: WatchSettings,
  onProgress: WatchProgress,
): Promise<WatchEnd> {
  return watchWith(openProber(context, baseline), context, baseline, settings, onProgress);
}

/** The same with any prober. */
export async function watchWith(
  prober: Prober,
  context: Pick<AskContext, 'clock' | 'signal'>,
  baseline: Baseline,
  settings: WatchSettings,
  onProgress: WatchProgress,
): Promise<WatchEnd> {
  const watching: Watching = {
    prober,
    clock: context.clock,
    signal: context.signal ?? null,
    baseline,
    soakMs: settings.soakMs,
    deadline: context.clock.monotonic() + settings.limitMs,
    lastDeadline:
      context.clock.monotonic() + Math.max(settings.limitMs, settings.limitMs === 0 ? 0 : longestProgressMs),
    terminalFailures: createTerminalFailures(baseline.facts, context.clock.monotonic()),
    checks: createWatchedChecks(prober, context.clock, baseline),
    tell: tellingNews(onProgress),
    restarted: settings.restarted ?? false,
    intent: intentOf(settings.command ?? []),
    log: createObservationLog(),
  };
  const decision = await decide(watching);
  return { ...decision, observations: watching.log.observations() };
}

async function decide(watching: Watching): Promise<WatchDecision> {
  for (;;) {
    const waited = await waitUntilItHolds(watching);
    if (waited.end !== null) return waited.end;
    const soaked = await soak(watching, waited.look);
    if (soaked !== null) return soaked;
  }
}

interface Watching {
  readonly prober: Prober;
  readonly clock: Clock;
  readonly signal: AbortSignal | null;
  readonly baseline: Baseline;
  readonly soakMs: number;
  /** Milliseconds of the clock. */
  readonly deadline: number;
  /** Until then what visibly makes progress is waited for. */
  readonly lastDeadline: number;
  readonly terminalFailures: TerminalFailures;
  readonly checks: WatchedChecks;
  readonly tell: WatchProgress;
  readonly intent: Intent;
  readonly log: ObservationLog;
  /** Becomes true at the first reboot that is seen. */
  restarted: boolean;
}

/** A look of the watch; `fresh` when every check was asked for it. */
interface FreshLook extends Observation {
  readonly fresh: boolean;
}

/** Milliseconds between looks: while waiting, from `first` to `most`; in the soak `soak`. */
const pace = { first: 25, growth: 1.5, most: 2000, soak: 1000 } as const;

/** How long what visibly makes progress is waited for in all, in milliseconds (Nomad: progress_deadline). */
const longestProgressMs = 600_000;

type Waited = { readonly end: null; readonly look: FreshLook } | { readonly end: WatchDecision };

async function waitUntilItHolds(watching: Watching): Promise<Waited> {
  const { clock, baseline, terminalFailures } = watching;
  let { deadline } = watching;
  for (let pause: number = pace.first; ; pause = Math.min(pause * pace.growth, pace.most)) {
    const last = clock.monotonic() >= deadline;
    const look = await takeLook(watching, { all: last, eager: true });
    if (watching.signal?.aborted) return { end: interrupted(look) };
    const concerns = concernsOf(baseline, look, watching);
    watching.log.add(look.at, concerns.filter(isAwaited));
    if (!concerns.some(isAwaited)) return { end: null, look };
    const now = clock.monotonic();
    // Always asked, because it remembers how long things have been so.
    const unrecoverable = terminalFailures.unrecoverable(look, concerns, now);
    const working = last && now < watching.lastDeadline && terminalFailures.isWorking(look, concerns, now);
    if (working) deadline = Math.min(watching.lastDeadline, now + pace.most);
    else if (last || unrecoverable !== null)
      return { end: { verdict: verdictOf([...concerns, ...whyNow(unrecoverable)], look.checks), look } };
    watching.tell(concerns.filter(isAwaited), 0);
    await clock.sleep(Math.min(pause, Math.max(0, deadline - now)), watching.signal ?? undefined);
  }
}

/** Why guard did not wait longer. */
function whyNow(reason: string | null): Concern[] {
  if (reason === null) return [];
  const message = neutralise(`guard did not wait longer: ${reason}`, 400);
  return [{ subject: 'watch', severity: 'advisory', message, effect: 'info', transient: false }];
}

/** Null: something that may still settle came up, and there is time to wait for it again. */
async function soak(watching: Watching, first: FreshLook): Promise<WatchDecision | null> {
  const { clock, baseline, checks } = watching;
  const since = clock.monotonic();
  const notes: Concern[] = [];
  let previous: Observation = first;
  if (watching.soakMs === 0 && first.fresh) return endOf(watching, first, notes);
  for (;;) {
    const heldMs = clock.monotonic() - since;
    watching.tell([], heldMs);
    await clock.sleep(soakPause(watching, heldMs), watching.signal ?? undefined);

    const over = clock.monotonic() - since >= watching.soakMs;
    const look = await takeLook(watching, { all: over && !checks.undecided(), eager: false });
    if (watching.signal?.aborted) return interrupted(look);
    const rebooted = noticeReboot(watching, previous, look);
    const happened = rebooted ? [reboot] : happenings(baseline, previous, look);
    const concerns = [...happened, ...concernsOf(baseline, look, watching)];
    notes.push(...happened, ...concerns.filter((concern) => isBetweenTries(watching, concern)).map(asNote));

    const awaited = concerns.filter((concern) => isAwaited(concern) && !isBetweenTries(watching, concern));
    watching.log.add(look.at, awaited);
    if (awaited.some(isFinal)) return endOf(watching, look, notes);
    if (awaited.length > 0) return clock.monotonic() < watching.deadline ? null : endOf(watching, look, notes);
    if (over && look.fresh && !checks.undecided()) return endOf(watching, look, notes);
    previous = look.facts === null ? previous : look;
  }
}

async function takeLook(
  { prober, clock, checks }: Watching,
  options: { readonly all: boolean; readonly eager: boolean },
): Promise<FreshLook> {
  const at = clock.now();
  const [inside, round] = await Promise.all([prober.look(), checks.round(options)]);
  return { ...inside, at, checks: round.results, fresh: round.fresh };
}

function endOf(watching: Watching, look: Observation, notes: readonly Concern[]): WatchDecision {
  return {
    verdict: verdictOf([...notes, ...concernsOf(watching.baseline, look, watching)], look.checks),
    look,
  };
}

function soakPause({ clock, soakMs, checks }: Watching, heldMs: number): number {
  const untilDue = checks.nextDueAt() - clock.monotonic();
  const untilOver = soakMs - heldMs;
  // When it is over, the last look comes at once, unless a check still has tries left.
  const untilLook = untilOver <= 0 && checks.undecided() ? pace.soak : untilOver;
  return Math.max(pace.first, Math.min(pace.soak, untilDue, untilLook));
}

function noticeReboot(watching: Watching, previous: Observation, look: Observation): boolean {
  if (previous.facts === null || look.facts === null || !isOtherBoot(previous.facts, look.facts)) return false;
  watching.restarted = true;
  return true;
}

function happenings(baseline: Baseline, previous: Observation, look: Observation): Concern[] {
  if (baseline.facts === null || previous.facts === null || look.facts === null) return [];
  const crashed = crashedUnits(previous.facts, look.facts);
  return detectRestarts(baseline.facts, previous.facts, look.facts)
    .map(concernOfFact)
    .map((concern) => (crashed.has(concern.subject) ? { ...concern, transient: false } : concern));
}

/** A unit that systemd had to start again has died: that it may come up once more does not make it healthy. */
function crashedUnits(previous: Facts, now: Facts): ReadonlySet<string> {
  return new Set(
    Object.values(now.units ?? {})
      .filter(
        (unit) =>
          (unit.restarts > (previous.units?.[unit.id]?.restarts ?? 0) || unit.sub.startsWith('auto-restart')) &&
          !isDesignedRestart(unit),
      )
      .map((unit) => `unit:${unit.id}`),
  );
}

/** Another boot is not a restart of each service: what runs afterwards is judged, after it was waited for. */
const reboot: Concern = {
  subject: 'instance',
  severity: 'required',
  message: 'the instance restarted while guard watched',
  effect: 'fail',
  transient: true,
};

/** What the verdict cannot be healthy with. */
function isAwaited(concern: Concern): boolean {
  return concern.effect !== 'info';
}

function isFinal(concern: Concern): boolean {
  return concern.effect === 'fail' && !concern.transient;
}

function isBetweenTries(watching: Watching, concern: Concern): boolean {
  return (
    isAwaited(concern) &&
    concern.subject.startsWith('check:') &&
    watching.checks.isUndecided(concern.subject.slice('check:'.length))
  );
}

/** A try that failed and was made good is told, not held against anybody. */
function asNote(concern: Concern): Concern {
  return {
    ...concern,
    severity: 'advisory',
    effect: 'info',
    message: `for a moment: ${concern.message}`,
  };
}

function interrupted(look: Observation): WatchDecision {
  return {
    verdict: {
      verdict: 'inconclusive',
      reasons: [
        {
          subject: 'watch',
          severity: 'required',
          message: 'guard was interrupted before the instance was verified as healthy',
        },
      ],
      advisories: [],
      checks: look.checks,
    },
    look,
  };
}

/** Passes on what is new: other things to wait for, or another second of health. */
function tellingNews(onProgress: WatchProgress): WatchProgress {
  let last = '';
  return (waitingFor, healthyForMs) => {
    const findings = waitingFor.map(({ subject, severity, message }) => ({ subject, severity, message }));
    const news = JSON.stringify([findings, Math.floor(healthyForMs / 1000), findings.length === 0]);
    if (news !== last) onProgress(findings, healthyForMs);
    last = news;
  };
}
