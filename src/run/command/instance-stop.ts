import type { CommandEnd } from '../../event.ts';
import { describeFailure, type PlatformFailure } from '../../platform/failure.ts';
import type { Answered, ExecEnd, Instance, Operation, Platform } from '../../platform/platform.ts';
import { retryTransient } from '../../platform/retry.ts';
import type { Result } from '../../result.ts';
import type { Plan } from '../plan.ts';
import type { RunTools } from '../tools.ts';

/** Identifies one boot of an instance, to distinguish a restart from a command that ended. */
export type BootMark = Pick<Instance, 'lastStartedAt'>;

type StopTools = Pick<RunTools, 'platform' | 'clock' | 'interruption'>;
type StopPlan = Pick<Plan, 'instance' | 'limits'>;

/** What was known before the command was sent. */
export interface BeforeCommand {
  /** Null where a restart cannot be told. */
  readonly boot: BootMark | null;
  /** Stops and restores of the instance that the server knew of already, by their ids. */
  readonly stops: Promise<ReadonlySet<string>>;
}

/** Asked at the same time as the command is sent, so that it takes no time. */
export function beforeCommand(platform: Platform, instance: string, boot: BootMark | null): BeforeCommand {
  return { boot, stops: stopsOf(platform.listOperations(), instance).then((ids) => ids ?? new Set()) };
}

/** Statuses that can also come from a stop of the instance: killed, terminated, hung up (docs/internals/incus.md, Exec). */
const ambiguousStatuses = new Set([137, 143, 129]);

/** Determines the actual end: a stop or restart of the instance looks like an exit status or a broken connection. */
export async function trueEnd(
  plan: StopPlan,
  tools: StopTools,
  ended: Result<ExecEnd, PlatformFailure>,
  before: BeforeCommand,
): Promise<CommandEnd> {
  if (ended.ok && !(ended.value.kind === 'exited' && ambiguousStatuses.has(ended.value.status))) return ended.value;
  // The server forgets an operation five seconds after its end.
  const byOthers = await isStoppedByOthers(plan, tools, before);
  const stop = await awaitStop(plan, tools, before.boot);
  if (stop === 'none') return ended.ok ? ended.value : { kind: 'lost', message: describeFailure(ended.error) };
  if (stop === 'stopped') return { kind: 'instance-stopped', restarted: false };
  const isOwn = ended.ok && byOthers === false;
  return { kind: 'instance-stopped', restarted: true, ...(isOwn ? {} : { cutOff: true }) };
}

/**
 * Whether a client of the server stopped or restarted the instance, in the middle of the command: a shutdown from inside is no
 * operation. Null where the server does not tell.
 */
async function isStoppedByOthers(
  { instance, limits }: StopPlan,
  { platform }: StopTools,
  before: BeforeCommand,
): Promise<boolean | null> {
  const known = await before.stops;
  const now = await stopsOf(retryTransient(platform, limits.readyMs).listOperations(), instance);
  return now === null ? null : [...now].some((id) => !known.has(id));
}

async function stopsOf(asked: Answered<Operation[]>, instance: string): Promise<ReadonlySet<string> | null> {
  const operations = await asked;
  if (!operations.ok) return null;
  const stops = operations.value.filter(
    ({ activity, instances }) => (activity === 'stop' || activity === 'restore') && instances.includes(instance),
  );
  return new Set(stops.map(({ id }) => id));
}

/** Incus says "Running" for about 600 ms after init has died: how long a stop may take to show, in milliseconds. */
const stopShowsMs = 1500;

/**
 * Whether the instance stops or restarts. The service manager inside knows of a shutdown, which may take long after it has
 * killed the command; only where none tells does a time decide.
 */
async function awaitStop(
  { instance, limits }: StopPlan,
  { clock, platform, interruption }: StopTools,
  boot: BootMark | null,
): Promise<'none' | 'stopped' | 'restarted'> {
  const began = clock.monotonic();
  let stoppedSince: number | null = null;
  let shutdown: Shutdown = 'no-answer';
  for (;;) {
    const seen = await platform.getInstance(instance);
    const now = clock.monotonic();
    // Deleted or renamed: waiting does not help.
    if (!seen.ok && seen.error.kind === 'not-found') return 'stopped';
    const isStopped = seen.ok && seen.value.status === 'Stopped';
    const runs = seen.ok && !isStopped;
    if (runs && isOtherBoot(boot, seen.value)) return 'restarted';
    stoppedSince = isStopped ? (stoppedSince ?? now) : null;
    // A reboot is "Stopped" only for a moment.
    if (stoppedSince !== null && now - stoppedSince >= stopShowsMs) return 'stopped';
    // The service manager was asked before this look, so its answer is of the same boot.
    if (runs && provesNoStop(shutdown, now - began)) return 'none';
    if (now - began >= limits.readyMs || interruption.by() !== null) return 'none';
    if (runs) shutdown = await nextAnswer(shutdown, platform, instance);
    if (shutdown !== 'none') await clock.sleep(100, interruption.signal);
  }
}

function provesNoStop(shutdown: Shutdown, waitedMs: number): boolean {
  return shutdown === 'none' || (shutdown === 'not-told' && waitedMs >= stopShowsMs);
}

/** A shutdown that is under way is not called off. */
async function nextAnswer(before: Shutdown, platform: Platform, instance: string): Promise<Shutdown> {
  return before === 'under-way' ? before : askForShutdown(platform, instance);
}

function isOtherBoot(before: BootMark | null, now: BootMark): boolean {
  return before !== null && now.lastStartedAt !== before.lastStartedAt;
}

/** What the service manager says of a shutdown. */
type Shutdown =
  | 'under-way'
  | 'none'
  /** There is none that tells. */
  | 'not-told'
  /** Nothing can be run inside: it is ending, whatever the server says of it. */
  | 'no-answer';

/** The question itself was killed. */
const killedStatus = 137;

async function askForShutdown(platform: Platform, instance: string): Promise<Shutdown> {
  const answer = await platform.query(instance, {
    command: ['sh', '-c', shutdownScript],
    environment: { LC_ALL: 'C', PATH: '/usr/sbin:/usr/bin:/sbin:/bin' },
    cwd: '/',
    limitMs: 2000,
    maxBytes: 4096,
    readOnly: true,
  });
  if (!answer.ok || answer.value.status === killedStatus) return 'no-answer';
  const said = answer.value.stdout.trim();
  return said === 'under-way' || said === 'none' ? said : 'not-told';
}

/** At the end of a shutdown systemd is replaced by systemd-shutdown, which kills what is left; OpenRC notes its runlevel. */
const shutdownScript = `
read -r init </proc/1/comm
case $init in systemd-shutdow*) echo under-way; exit;; esac
if [ -d /run/systemd/system ]; then
  case $(systemctl is-system-running 2>/dev/null) in
    stopping) echo under-way;;
    initializing | starting | running | degraded | maintenance) echo none;;
  esac
elif [ -r /run/openrc/softlevel ]; then
  read -r level </run/openrc/softlevel
  case $level in shutdown | reboot) echo under-way;; esac
fi
:`;
