import { createHash } from 'node:crypto';
import { parseArgs } from 'node:util';
import { Writable } from 'node:stream';
import { systemClock } from '../../src/clock.ts';
import { openIncusPlatform } from '../../src/platform/incus/incus.ts';
import type { Platform } from '../../src/platform/platform.ts';
import { randomOf } from '../chaos/random.ts';
import { bringUp, incus, takeDown, withContainer } from '../host/host.ts';

/** How one exec came out, beside what it had to. */
type Result = 'right' | 'loss reported' | 'failure reported' | 'wrong output' | 'wrong status';

const results: readonly Result[] = ['right', 'loss reported', 'failure reported', 'wrong output', 'wrong status'];

/** Inside: lines on both streams, and a status. */
const script = 'seq "$1" "$2"; seq "$2" "$3" >&2; exit "$4"';

/** `npm run test:execs`. Returns the exit status: 0 where no output and no status was lost without a word. */
export const main = async (words: readonly string[]): Promise<number> => {
  const { values } = parseArgs({
    args: [...words],
    options: {
      count: { type: 'string', default: '10000' },
      parallel: { type: 'string', default: '16' },
      busy: { type: 'string', default: '4' },
      host: { type: 'string' },
    },
  });
  const host = await bringUp({ name: values.host ?? `ex-${Date.now().toString(36)}` });
  const { platform, close } = openIncusPlatform({ socket: host.socket, project: 'default', clock: systemClock });
  const counts = new Map<Result, number>();
  const examples: string[] = [];
  try {
    await withContainer(host, { prefix: 'execs' }, async ({ name }) => {
      const load = loadOf(Number(values.busy));
      if (load !== '') await incus(host, 'exec', name, '--', 'sh', '-c', load);
      let next = 0;
      const work = async (): Promise<void> => {
        while (next < Number(values.count)) {
          const index = next;
          next += 1;
          const { result, detail } = await tryExec(platform, name, index);
          counts.set(result, (counts.get(result) ?? 0) + 1);
          if (result !== 'right' && examples.length < 20) examples.push(`${index}: ${result}: ${detail}`);
        }
      };
      await Promise.all(Array.from({ length: Number(values.parallel) }, work));
    });
  } finally {
    close();
    if (values.host === undefined) await takeDown(host);
  }
  const lines = [...results.map((result) => `${result.padEnd(20)} ${counts.get(result) ?? 0}`), ...examples];
  process.stdout.write(`${lines.join('\n')}\n`);
  return (counts.get('wrong output') ?? 0) + (counts.get('wrong status') ?? 0) === 0 ? 0 : 1;
};

/** Processes inside that never rest. */
const loadOf = (busy: number): string =>
  Array.from({ length: busy }, () => 'setsid sh -c "while :; do :; done" >/dev/null 2>&1 </dev/null &').join(' ');

/** Odd ones as guard's questions are asked, even ones as a user's command is run. */
const tryExec = async (
  platform: Platform,
  instance: string,
  index: number,
): Promise<{ readonly result: Result; readonly detail: string }> => {
  const random = randomOf(22, index);
  const first = random.below(1000);
  const last = first + (random.chance(0.8) ? random.below(5) : random.below(20_000));
  const end = last + (random.chance(0.8) ? random.below(3) : random.below(5000));
  const status = random.oneOf([0, 0, 0, 1, 7, 100]);
  const command = ['sh', '-c', script, 'sh', ...[first, last, end, status].map(String)];
  const wanted = digest(linesOf(first, last), linesOf(last, end));
  const seen = index % 2 === 0 ? await run(platform, instance, command) : await ask(platform, instance, command);
  if (typeof seen === 'string') return { result: 'failure reported', detail: seen };
  const detail = `${seen.stdout.length} and ${seen.stderr.length} bytes, status ${seen.status}, wanted ${status}`;
  if (seen.status !== status) return { result: 'wrong status', detail };
  if (digest(seen.stdout, seen.stderr) === wanted) return { result: 'right', detail };
  return { result: seen.isLossReported ? 'loss reported' : 'wrong output', detail };
};

interface Seen {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly isLossReported: boolean;
}

const ask = async (platform: Platform, instance: string, command: string[]): Promise<Seen | string> => {
  const answer = await platform.query(instance, { command, limitMs: 120_000, maxBytes: 1024 * 1024 });
  if (!answer.ok) return answer.error.detail;
  const { status, stdout, stderr, truncated } = answer.value;
  return { status, stdout, stderr, isLossReported: truncated };
};

const run = async (platform: Platform, instance: string, command: string[]): Promise<Seen | string> => {
  const [stdout, stderr] = [collector(), collector()];
  const request = { command, environment: {}, terminal: null };
  const exec = await platform.startExec(instance, request, {
    stdin: null,
    stdout: stdout.stream,
    stderr: stderr.stream,
  });
  if (!exec.ok) return exec.error.detail;
  const ended = await exec.value.ended;
  if (!ended.ok) return ended.error.detail;
  const end = ended.value;
  const status = end.kind === 'exited' ? end.status : -1;
  const isLossReported = end.kind === 'exited' && end.outputLost === true;
  return { status, stdout: stdout.text(), stderr: stderr.text(), isLossReported };
};

const collector = () => {
  const chunks: Buffer[] = [];
  const stream = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      chunks.push(chunk);
      done();
    },
  });
  return { stream, text: () => Buffer.concat(chunks).toString() };
};

const linesOf = (first: number, last: number): string =>
  Array.from({ length: last - first + 1 }, (_, at) => `${first + at}\n`).join('');

const digest = (...texts: readonly string[]): string => createHash('sha256').update(texts.join('\0')).digest('hex');
