import { container, guard, removeContainer, run, type Arena, type Used } from './arena.ts';
import { alternate, type Series } from './measure.ts';
import { limitRow, ratioRow, type Row } from './row.ts';

/** (e) The command's output: how much a second, and how much memory that takes. */
export const measureOutput = async (arena: Arena): Promise<Row[]> => {
  const instance = await container(arena, 'bench-output');
  const megabytes = arena.quick ? 20 : 1000;
  const command = ['head', '-c', `${megabytes}000000`, '/dev/zero'];
  const peaks: number[] = [];
  const rate = (used: Used): number => {
    if (used.status !== 0) throw new Error(`it ended with ${used.status}`);
    return megabytes / (used.ms / 1000);
  };
  const rounds = Math.min(5, arena.rounds);
  const { ours, incus } = await alternate(rounds, {
    ours: async () => {
      const used = await guard(arena, '--soak', '0s', '--keep', '0', '--no-automatic', instance, '--', ...command);
      peaks.push(used.peakMiB);
      return rate(used);
    },
    incus: async () => rate(await run(arena, ['incus', 'exec', instance, '--', ...command])),
  });
  await removeContainer(arena, instance);
  const memory: Series = peaks.slice(-rounds);
  return [
    ratioRow(
      { what: `(e) ${megabytes} MB of output`, ours, theirs: incus, against: '`incus exec`', unit: 'MB/s' },
      {
        says: 'at least 0.8 × `incus exec`',
        holds: (ratio) => ratio >= 0.8,
      },
    ),
    limitRow('(e) memory meanwhile', memory, 'MiB', null),
  ];
};
