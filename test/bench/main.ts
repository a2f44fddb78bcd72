import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { execa } from 'execa';
import { withArena, type Arena } from './arena.ts';
import { measureIdleKeptRun, measureLargeKeptRuns } from './kept-run.ts';
import { measureLooks } from './looks.ts';
import { measureMany } from './many.ts';
import { measureOutput } from './output.ts';
import { measureRecords } from './records.ts';
import { measureRecovery } from './recovery.ts';
import { measureRehearsal } from './rehearsal.ts';
import { measureRemote } from './remote.ts';
import { measureRollout } from './rollout.ts';
import { chapterOf, type Profile } from './profile.ts';
import { tableOf, type Row } from './row.ts';
import { measureStart } from './start.ts';
import { missesOf } from './misses.ts';

const sections: Readonly<Record<string, (arena: Arena) => Promise<Row[]>>> = {
  start: measureStart,
  'kept-run': measureIdleKeptRun,
  recovery: measureRecovery,
  looks: measureLooks,
  output: measureOutput,
  many: measureMany,
  records: measureRecords,
  remote: measureRemote,
  rehearsal: measureRehearsal,
  rollout: measureRollout,
  large: measureLargeKeptRuns,
};

const usage = `bench [--only ${Object.keys(sections).join(',')}] [--rounds N] [--host NAME] [--quick] [--write]`;

/** `npm run bench`. Returns the exit status: 0 when everything could be measured, met or not. */
export const main = async (words: readonly string[]): Promise<number> => {
  const { values } = parseArgs({
    args: [...words],
    options: {
      only: { type: 'string' },
      rounds: { type: 'string', default: '15' },
      host: { type: 'string', default: 'bench' },
      quick: { type: 'boolean', default: false },
      write: { type: 'boolean', default: false },
    },
  });
  const say = (line: string): void => void process.stdout.write(`${line}\n`);
  const wanted = values.only?.split(',') ?? Object.keys(sections);
  const unknown = wanted.find((name) => !(name in sections));
  if (unknown !== undefined) {
    say(`There is no "${unknown}": ${usage}`);
    return 64;
  }
  const { quick } = values;
  const rounds = quick ? 2 : Number(values.rounds);
  // After each section: what was measured is not lost with what comes later.
  const keep = async (measured: Measured): Promise<void> => {
    if (values.write) await writeFile('docs/benchmarks.md', documentOf(measured, rounds));
  };
  const folder = await mkdtemp(join(tmpdir(), 'guard-bench-'));
  try {
    const executable = wanted.includes('start') ? await buildExecutable(folder, say) : '';
    await bench({ hostName: values.host, executable, rounds, quick, wanted, say, keep });
  } finally {
    await rm(folder, { recursive: true });
  }
  return 0;
};

const buildExecutable = async (folder: string, say: (line: string) => void): Promise<string> => {
  say('building the single executable: a minute');
  await execa('node', ['packaging/single-file.mjs', folder, process.arch], { stdout: 'ignore' });
  return join(folder, `guard-linux-${process.arch}`);
};

/** What to measure, and where. */
export interface BenchOptions {
  readonly hostName: string;
  /** The single executable, which the section `start` measures. */
  readonly executable: string;
  readonly rounds: number;
  readonly quick: boolean;
  /** Names of sections. */
  readonly wanted: readonly string[];
  readonly say: (line: string) => void;
  /** Called after each section with all there is so far. */
  readonly keep?: (measured: Measured) => Promise<void>;
}

/** What was measured. */
export interface Measured {
  readonly rows: readonly Row[];
  readonly profiles: readonly Profile[];
}

/** Measures one section after another, and says each as it comes. */
export const bench = async ({ wanted, say, keep, ...options }: BenchOptions): Promise<Measured> => {
  const rows: Row[] = [];
  const profiles: Profile[] = [];
  const note = (profile: Profile): void => {
    profiles.push(profile);
    for (const line of chapterOf(profile)) say(line);
  };
  await withArena({ ...options, say, note }, async (arena) => {
    for (const name of wanted) {
      const own = (await sections[name]?.(arena)) ?? [];
      rows.push(...own);
      for (const line of tableOf(own)) say(line);
      await keep?.({ rows, profiles });
    }
  });
  return { rows, profiles };
};

const documentOf = ({ rows, profiles }: Measured, rounds: number): string =>
  [
    '# Benchmarks',
    '',
    'Made by `npm run bench -- --write`. Every figure is a median with the tenth and ninetieth percentile. What is compared',
    'was measured in turn, in the same minutes on the same machine; the ratio is that of each round. "The script" is what',
    'people write today with the `incus` command (`test/bench/scripts/`); "bare REST" are the same steps of Incus itself,',
    'asked by a process that is running already.',
    '',
    `${rounds} rounds, ${cpus().length} cores (${cpus()[0]?.model.trim() ?? 'unknown'}), Node ${process.version}, load ${loadavg()[0]?.toFixed(1)} at the end.`,
    '',
    ...tableOf(rows),
    '',
    ...(profiles.length === 0 ? [] : ['## Where the time goes', '', ...profiles.flatMap(chapterOf)]),
    ...missesOf(rows),
  ].join('\n');
