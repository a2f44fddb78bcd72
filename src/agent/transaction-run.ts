import { longestTimerMs } from '../clock.ts';
import type { Settings } from '../config/settings.ts';
import type { Clock } from '../clock.ts';
import type { Outcome, RecordedEvent } from '../event.ts';
import type { Platform } from '../platform/platform.ts';
import { createInterrupter, type Interruption } from '../run/interruption.ts';
import type { Lease } from '../run/lock/in-flight.ts';
import type { InspectHolder } from '../run/tools.ts';
import type { Transaction, TransactionEnd } from '../run/changes/transaction.ts';
import { inspectProcesses, waitForTransaction, type WaitEnd } from '../run/changes/transaction-end.ts';
import type { Announcement } from './message-assembler.ts';
import { fingerprintOf, obeysQuarantine, withoutRestorePoint } from './hook-policy.ts';
import { findActiveRun } from './lock-holder.ts';
import type { Reply } from './protocol.ts';

/** A guarded run whose change is a transaction of a package manager. */
export interface TransactionRun {
  /** The answer to the package manager that started it. */
  readonly ready: Promise<Reply>;
  /**
   * Another transaction joins the run while it accepts any; null afterwards. The answer is "go" only if the run still has its
   * restore point and its lock.
   */
  readonly join: (pid: number) => Promise<Reply> | null;
  /** A package manager reports that it has finished. */
  readonly finished: (status: number | null) => void;
  /** The relay was down, so a missing report of the end means nothing. */
  readonly deaf: () => void;
  /** No client waits for the answer any more. Ends a run that has not answered yet; otherwise has no effect. */
  readonly giveUp: () => void;
  readonly ended: Promise<void>;
}

/** The parameters of a run. The caller provides the record, the recorder and the plan. */
export interface RunOrder {
  readonly words: readonly [string, ...string[]];
  readonly transaction: Transaction;
  readonly settings: Settings;
  readonly obeyQuarantine: boolean;
  /** Try the command on a copy first. */
  readonly rehearse: boolean;
  readonly interruption: Interruption;
  readonly listener: (event: RecordedEvent) => void | Promise<void>;
}

export interface TransactionTools {
  readonly platform: Platform;
  readonly clock: Clock;
  readonly instance: string;
  readonly inspectHolder: InspectHolder;
  /** The package manager whose end a run still waits for; null for every other run. */
  readonly managerOf: (run: string) => Promise<number | null>;
  /** Whether the guard of the run has lost it, although its process lives. `lease` is that of the restore point in flight. */
  readonly hasLost: (run: string, lease: Lease | null) => Promise<boolean>;
  readonly run: (order: RunOrder) => Promise<Outcome>;
  /** Called before a run starts. Returns null, or why no run may start. */
  readonly admit: () => string | null;
}

/** Starts the run, which continues in the background. Never rejects. */
export function beginTransaction(
  tools: TransactionTools,
  settings: Settings,
  announcement: Announcement,
): TransactionRun {
  const state: State = {
    phase: 'preparing',
    pids: [announcement.pid],
    posted: false,
    deaf: false,
    status: 0,
    isHeld: () => Promise.resolve(true),
  };
  const interrupter = createInterrupter();
  let answer: (reply: Reply) => void = () => {};
  const ready = new Promise<Reply>((resolve) => (answer = resolve));
  const point = { run: '', name: '', ms: 0 };
  const transaction = transactionOf(tools, settings, announcement, state, () =>
    answer({ kind: 'go', run: point.run, restorePoint: point.name, ms: point.ms }),
  );
  function listener(event: RecordedEvent): void {
    if (event.type === 'run-started') Object.assign(point, { run: event.run, name: event.restorePointName });
    if (event.type === 'phase-ended' && event.phase === 'restore-point') point.ms = event.ms;
  }
  async function whole(): Promise<void> {
    // The agent that received the first request was killed. Its restore point belongs to the same transaction.
    const isSame = async (run: string): Promise<boolean> => (await tools.managerOf(run)) === announcement.pid;
    const occupied = await findActiveRun(tools, tools.instance, settings.hook.timeoutMs, isSame);
    if (occupied.kind === 'guarded') return answer({ kind: 'go-already-guarded' });
    if (occupied.kind === 'unknown') return answer(withoutRestorePoint(settings.hook, occupied.message));
    const full = tools.admit();
    if (full !== null) return answer(withoutRestorePoint(settings.hook, full));
    const attended = await isAttended(tools, announcement.pid);
    const outcome = await tools.run({
      words: wordsOf(announcement),
      transaction,
      settings,
      obeyQuarantine: obeysQuarantine(settings.hook, attended),
      // A person who waits at a terminal would not know why.
      rehearse: settings.hook.rehearse && !attended && isWholeCommand(announcement),
      interruption: interrupter,
      listener,
    });
    // Has no effect if the answer was already sent.
    answer(
      outcome.outcome === 'rehearsal-failed'
        ? { kind: 'no', reason: reasonOf(outcome) }
        : withoutRestorePoint(settings.hook, reasonOf(outcome)),
    );
  }
  const ended = whole()
    .catch((bug: unknown) => answer(withoutRestorePoint(settings.hook, `A bug in guard: ${String(bug)}`)))
    .finally(() => (state.phase = 'closed'));
  return {
    ready,
    ended,
    join: (pid) => (state.phase === 'closed' ? null : joined(state, ready, settings, pid)),
    finished: (status) => {
      state.posted = true;
      state.status = status === null || status === 0 ? state.status : status;
    },
    deaf: () => {
      state.deaf ||= state.phase === 'open';
    },
    giveUp: () => {
      if (state.phase === 'preparing') interrupter.interrupt('SIGTERM');
    },
  };
}

/** The answer to another package manager. */
async function joined(state: State, ready: Promise<Reply>, { hook }: Settings, pid: number): Promise<Reply> {
  const isNew = !state.pids.includes(pid) && state.pids.length < mostProcesses;
  if (isNew) state.pids.push(pid);
  const reply = await ready;
  if (reply.kind !== 'go' || ((await state.isHeld()) && state.phase !== 'closed')) return reply;
  // It waits for the end of the run, which must not wait for it.
  if (isNew) state.pids.splice(state.pids.indexOf(pid), 1);
  return withoutRestorePoint(hook, `Run ${reply.run} has lost its restore point.`);
}

function transactionOf(
  tools: TransactionTools,
  settings: Settings,
  announcement: Announcement,
  state: State,
  onBegin: () => void,
): Transaction {
  return {
    manager: announcement.manager,
    pid: announcement.pid,
    packages: announcement.packages.length === 0 ? null : announcement.packages.length + announcement.more,
    fingerprint: fingerprintOf(announcement),
    begin: (isHeld) => {
      state.phase = 'open';
      state.isHeld = isHeld;
      onBegin();
    },
    ended: async (signal) => {
      const { timeoutMs, startTimeoutMs, hook } = settings;
      const limitMs = timeoutMs ?? longestTimerMs;
      const wait = { pids: () => state.pids, settleMs: hook.settleMs, limitMs, readyMs: startTimeoutMs };
      const end = await waitForTransaction(tools, tools.instance, wait, signal);
      state.phase = 'closed';
      return endOf(end, state, limitMs);
    },
  };
}

interface State {
  phase: 'preparing' | 'open' | 'closed';
  readonly pids: number[];
  posted: boolean;
  deaf: boolean;
  /** The last status that was not a success; 0 if there was none. */
  status: number;
  /** Whether the run still has its restore point and its lock. */
  isHeld: () => Promise<boolean>;
}

/** The maximum number of package managers in one run. */
const mostProcesses = 64;

function endOf(end: WaitEnd, { posted, deaf, status }: State, limitMs: number): TransactionEnd {
  const finished = posted || deaf;
  switch (end) {
    case 'ended':
      return { end: { kind: 'exited', status }, finished };
    case 'limit':
      return { end: { kind: 'timeout', limitMs }, finished };
    case 'aborted':
      return { end: { kind: 'lost', message: 'guard stopped waiting for the package manager.' }, finished: true };
    case 'stopped':
      return { end: { kind: 'instance-stopped', restarted: false }, finished };
    case 'restarted':
      // Only its own word shows that it had come to its end before the restart.
      return { end: { kind: 'instance-stopped', restarted: true, ...(posted ? {} : { cutOff: true }) }, finished };
  }
}

/**
 * Whether all words of the command arrived: the hook cuts it, at 400 bytes, and spaces at the cut may be lost. A copy would run
 * another command, and its failure would refuse a transaction that nobody tried.
 */
export function isWholeCommand({ command }: Pick<Announcement, 'command'>): boolean {
  return command.trim() !== '' && Buffer.byteLength(command) < 390;
}

function wordsOf({ command, manager }: Announcement): readonly [string, ...string[]] {
  const [first, ...rest] = command.split(/\s+/).filter((word) => word !== '');
  return first === undefined ? [manager] : [first, ...rest];
}

async function isAttended(tools: TransactionTools, pid: number): Promise<boolean> {
  const look = await inspectProcesses(tools, tools.instance, [pid]);
  return look.ok && (look.value.get(pid)?.terminal ?? false);
}

function reasonOf(outcome: Outcome): string {
  switch (outcome.outcome) {
    case 'refused':
    case 'busy':
    case 'quarantined':
    case 'usage':
    case 'configuration':
      return `${outcome.refusal.message} ${outcome.refusal.advice}`.trim();
    case 'rehearsal-failed':
      return `A copy of this instance did not survive it${outcome.stage === 'restart' ? ' and a restart' : ''}. See \`guard runs\` on the host.`;
    case 'interrupted':
      return 'Creating the restore point took too long.';
    default:
      return `The run ended as ${outcome.outcome}.`;
  }
}
