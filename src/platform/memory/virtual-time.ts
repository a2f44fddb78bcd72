import { sleepBy, type Clock } from '../../clock.ts';

/** Time that passes only while everybody sleeps: minutes pass in microseconds, always in the same order. */
export interface VirtualTime {
  /** A clock of its own: after `kill` nothing that waits on it ever goes on, as in a process that was killed. */
  readonly startProcess: () => VirtualProcess;
  /**
   * Lets time pass until the work is done, the process is killed, or nobody waits for anything any more (`stuck`).
   * One call at a time.
   */
  readonly run: <T>(process: VirtualProcess, work: () => Promise<T>) => Promise<RunEnd<T>>;
  /** Lets time pass for so long, or until nobody waits for anything. Milliseconds. */
  readonly pass: (ms: number) => Promise<void>;
}

export interface VirtualProcess {
  readonly clock: Clock;
  readonly kill: () => void;
  readonly isDead: () => boolean;
  /** Calls back when it is killed. */
  readonly onKill: (listener: () => void) => void;
}

export type RunEnd<T> =
  { readonly end: 'done'; readonly value: T } | { readonly end: 'killed' } | { readonly end: 'stuck' };

interface Timer {
  readonly at: number;
  readonly owner: object;
  readonly act: () => void;
}

/** Where the wall clock begins, milliseconds since 1970. */
const epoch = Date.UTC(2027, 0, 1);

/** Turns of the event loop in which nothing happens before everybody is taken to wait for something that never comes. */
const idleTurns = 20;

export function createVirtualTime(): VirtualTime {
  const state = { time: 1000 };
  const timers: Timer[] = [];

  function startProcess(): VirtualProcess {
    const owner = {};
    let isDead = false;
    const after: Clock['after'] = (ms, act) => {
      if (isDead) return () => {};
      const timer = { at: state.time + Math.max(0, ms), owner, act };
      insert(timers, timer);
      return () => remove(timers, timer);
    };
    const listeners: (() => void)[] = [];
    function kill(): void {
      isDead = true;
      for (const listener of listeners.splice(0)) listener();
      for (const timer of timers.filter((one) => one.owner === owner)) remove(timers, timer);
    }
    const clock = {
      now: () => epoch + state.time,
      monotonic: () => state.time,
      boottime: () => state.time,
      after,
      sleep: sleepBy(after),
    };
    return { clock, kill, isDead: () => isDead, onKill: (listener) => listeners.push(listener) };
  }

  /** Wakes the next sleeper whose time comes before `until`; false where there is none. */
  function wakeNext(until: number): boolean {
    const next = timers[0];
    if (next === undefined || next.at > until) return false;
    timers.shift();
    state.time = Math.max(state.time, next.at);
    next.act();
    return true;
  }

  return {
    startProcess,
    run: async <T>(process: VirtualProcess, work: () => Promise<T>): Promise<RunEnd<T>> => {
      const box: { end: RunEnd<T> | null; bug: unknown; failed: boolean } = { end: null, bug: null, failed: false };
      work().then(
        (value) => (box.end = { end: 'done', value }),
        (bug: unknown) => Object.assign(box, { bug, failed: true }),
      );
      for (let idle = 0; idle < idleTurns;) {
        await turn();
        if (box.failed) throw box.bug;
        if (box.end !== null) return box.end;
        if (process.isDead()) return { end: 'killed' };
        idle = wakeNext(Infinity) ? 0 : idle + 1;
      }
      return { end: 'stuck' };
    },
    pass: async (ms) => {
      const until = state.time + ms;
      do await turn();
      while (wakeNext(until));
      state.time = until;
    },
  };
}

/** By time, and in the order in which they were set. */
function insert(timers: Timer[], timer: Timer): void {
  let index = timers.length;
  while (index > 0 && (timers[index - 1]?.at ?? 0) > timer.at) index -= 1;
  timers.splice(index, 0, timer);
}

function remove(timers: Timer[], timer: Timer): void {
  const index = timers.indexOf(timer);
  if (index !== -1) timers.splice(index, 1);
}

/** Lets everything go on that can, also streams, which pass data on in later turns. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
