import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { container, guard, removeContainer, succeeded, type Arena, type Used } from './arena.ts';
import { alternate } from './measure.ts';
import { ratioRow, type Row } from './row.ts';

/** (g) With a hundred thousand records, copies of a real one of the same instance, against none. */
export const measureRecords = async (arena: Arena): Promise<Row[]> => {
  const count = arena.quick ? 100 : 100_000;
  const [many, none] = await Promise.all(
    ['many-', 'none-'].map((name) => mkdtemp(join(tmpdir(), `guard-bench-${name}`))),
  );
  const withMany: Arena = { ...arena, stateDirectory: many ?? '' };
  const withNone: Arena = { ...arena, stateDirectory: none ?? '' };
  const instance = await container(arena, 'bench-records');
  const run = (own: Arena): Promise<Used> => guard(own, '--soak', '0s', '--keep', '1', instance, '--', 'true');
  await succeeded(run(withMany));
  await succeeded(run(withNone));
  multiply(join(withMany.stateDirectory, 'runs'), count);
  const rows: Row[] = [];
  const compare = async (what: string, sides: Record<'many' | 'none', () => Promise<Used>>): Promise<void> => {
    const used = await alternate<'many' | 'none', Used>(arena.rounds, sides);
    const [ours, theirs] = [used.many, used.none].map((side) => side.map(({ ms }) => ms)) as [number[], number[]];
    const peak = Math.max(...used.many.map(({ peakMiB }) => peakMiB));
    rows.push(
      ratioRow(
        {
          what: `(g) ${what} with ${count} records, at most ${peak.toFixed(0)} MiB`,
          ours,
          theirs,
          against: 'with none',
        },
        what.includes('run') ? { message: 'at most 1.05 ×', holds: (ratio) => ratio <= 1.05 } : null,
      ),
    );
  };
  const both = (work: (own: Arena) => Promise<Used>) => ({ many: () => work(withMany), none: () => work(withNone) });
  // What guard has noted of the records goes before each round: as after an update from an older guard.
  await compare(
    'the first kept run',
    both((own) => forgotten(own).then(() => run(own))),
  );
  await compare(
    'the first `guard recover`',
    both((own) => forgotten(own).then(() => guard(own, 'recover'))),
  );
  await compare('a kept run', both(run));
  for (const words of [
    ['recover'],
    ['runs'],
    ['runs', instance],
    ['show', 'last'],
    ['points', instance],
    ['prune', instance],
  ])
    await compare(
      `\`guard ${words.join(' ')}\``,
      both((own) => guard(own, ...words)),
    );
  await removeContainer(arena, instance);
  await Promise.all([withMany, withNone].map(({ stateDirectory }) => rm(stateDirectory, { recursive: true })));
  return rows;
};

const forgotten = async ({ stateDirectory }: Arena): Promise<void> => {
  for (const name of ['history', 'finished']) await rm(join(stateDirectory, name), { recursive: true, force: true });
};

/** Copies of the one record in the folder. */
const multiply = (folder: string, count: number): void => {
  const id = readdirSync(folder)[0] ?? '';
  const files = readdirSync(join(folder, id), { withFileTypes: true }).filter((entry) => entry.isFile());
  const texts = files.map(({ name }) => ({ name, text: readFileSync(join(folder, id, name), 'utf8') }));
  for (let number = 0; number < count; number += 1) {
    const copy = `20250101-${String(number).padStart(6, '0')}-aaaa`;
    mkdirSync(join(folder, copy));
    for (const { name, text } of texts) writeFileSync(join(folder, copy, name), text.replaceAll(id, copy));
  }
};
