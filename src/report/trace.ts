import { closeSync, openSync, writeSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Clock } from '../clock.ts';
import type { Listener, Phase } from '../event.ts';
import { tryFiles } from '../journal/file-failure.ts';
import { ok, type Result } from '../result.ts';

/** A request to Incus, with its query. */
interface TracedRequest {
  readonly method: string;
  readonly path: string;
}

/** Where the time of a call goes, in a file of Chrome's trace event format (JSON array; times in µs since the start of guard). */
export interface Trace {
  readonly onRequest: (request: TracedRequest) => void;
  readonly onAnswer: (request: TracedRequest) => void;
  readonly listener: Listener;
  readonly close: () => void;
}

/**
 * Begins the file, which replaces one that exists; a failure is one sentence. Each span is written when it ends, so that a
 * guard that is killed leaves what it knew: viewers do not ask for the end of the array.
 */
export async function openTrace(
  path: string,
  { clock, workingDirectory }: { readonly clock: Clock; readonly workingDirectory: string },
): Promise<Result<Trace, string>> {
  const file = resolve(workingDirectory, path);
  const opened = await tryFiles(file, async () => openSync(file, 'w', 0o600));
  if (!opened.ok) return opened;
  const write = (text: string): void => {
    try {
      writeSync(opened.value, text);
    } catch {
      // A trace that cannot be written changes no outcome; it is short, and says so by its missing end.
    }
  };
  function span(tid: number, name: string, from: number, more: Readonly<Record<string, unknown>> = {}): void {
    const times = { ts: micro(from), dur: micro(clock.monotonic() - from) };
    write(`${JSON.stringify({ name, ph: 'X', pid: process.pid, tid, ...times, args: more })},\n`);
  }
  const requests = new Map<TracedRequest, { readonly from: number; readonly lane: number }>();
  const phases = new Map<Phase, number>();
  write('[\n');
  const nameTrack = (tid: number, name: string): void =>
    write(`${JSON.stringify({ name: 'thread_name', ph: 'M', pid: process.pid, tid, args: { name } })},\n`);
  nameTrack(phaseTrack, 'phases');
  for (const lane of lanes) nameTrack(trackOf(lane), `requests ${lane}`);
  span(phaseTrack, 'start-up', 0);
  return ok({
    onRequest: (request) => {
      requests.set(request, { from: clock.monotonic(), lane: freeLane([...requests.values()]) });
    },
    onAnswer: (request) => {
      const sent = requests.get(request);
      requests.delete(request);
      if (sent) span(trackOf(sent.lane), nameOf(request), sent.from);
    },
    listener: (event) => {
      if (event.type === 'phase-started') phases.set(event.phase, clock.monotonic());
      if (event.type !== 'phase-ended') return;
      const from = phases.get(event.phase);
      phases.delete(event.phase);
      if (from !== undefined)
        span(phaseTrack, event.phase, from, { run: event.run, ok: event.ok, message: event.message });
    },
    close: () => {
      for (const [request, { from, lane }] of requests)
        span(trackOf(lane), nameOf(request), from, { unanswered: true });
      write(
        `${JSON.stringify({ name: 'end', ph: 'i', s: 'p', pid: process.pid, tid: phaseTrack, ts: micro(clock.monotonic()) })}\n]\n`,
      );
      closeSync(opened.value);
    },
  });
}

const phaseTrack = 1;

/** Requests that are under way at the same time lie in lanes of their own: in one lane spans must not overlap. */
const lanes = [1, 2, 3, 4, 5, 6] as const;

function trackOf(lane: number): number {
  return phaseTrack + lane;
}

function freeLane(busy: readonly { readonly lane: number }[]): number {
  return lanes.find((lane) => busy.every((one) => one.lane !== lane)) ?? lanes.length;
}

function micro(ms: number): number {
  return Math.round(ms * 1000);
}

/** Without the query: it holds the secrets of an exec's sockets. */
function nameOf({ method, path }: TracedRequest): string {
  return `${method} ${path.replace(/\?.*$/s, '')}`;
}
