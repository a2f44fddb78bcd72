import { cp, mkdtemp, readFile, readdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { container, guard, removeContainer, succeeded, type Arena } from './arena.ts';
import { alternate } from './measure.ts';
import { limitRow, type Row } from './row.ts';

/** (g) `guard runs` with ten thousand records: copies of a real one. */
export const measureRecords = async (arena: Arena): Promise<Row[]> => {
  const count = arena.quick ? 100 : 10_000;
  const stateDirectory = await mkdtemp(join(tmpdir(), 'guard-bench-records-'));
  const own: Arena = { ...arena, stateDirectory };
  const instance = await container(own, 'bench-records');
  await succeeded(guard(own, '--soak', '0s', '--keep', '0', instance, '--', 'true'));
  await removeContainer(own, instance);
  await multiply(join(stateDirectory, 'runs'), count);
  // The first call makes the index.
  await succeeded(guard(own, 'runs'));
  const { listed } = await alternate(arena.rounds, { listed: () => succeeded(guard(own, 'runs')) });
  return [limitRow(`(g) \`guard runs\` with ${count} records`, listed, 'ms', 300)];
};

const multiply = async (folder: string, count: number): Promise<void> => {
  const id = (await readdir(folder)).find((name) => /^\d{8}-/.test(name)) ?? '';
  const events = await readdir(join(folder, id));
  for (let number = 0; number < count; number += 1) {
    const copy = `20250101-${String(number).padStart(6, '0')}-aaaa`;
    await cp(join(folder, id), join(folder, copy), { recursive: true });
    for (const file of events.filter((name) => name.endsWith('.jsonl') || name.endsWith('.ndjson'))) {
      const path = join(folder, copy, file);
      await writeFile(path, (await readFile(path, 'utf8')).replaceAll(id, copy));
    }
  }
};
