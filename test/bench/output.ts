import { container, guard, removeContainer, run, type Arena, type Used } from './arena.ts';
import { alternate, type Series } from './measure.ts';
import { limitRow, ratioRow, type Row } from './row.ts';

/** (e) The command's output: how much a second, and how much memory that takes. */
export const measureOutput = async (arena: Arena): Promise<Row[]> => {
  const instance = await container(arena, 'bench-output');
  const megabytes = arena.quick ? 20 : 1000;
  const command = ['head', '-c', `${megabytes}000000`, '/dev/zero'];
  const peaks: number[] = [];
  // While it passes: without the begin and the end, which a run of guard has more of.
  const passing = { ours: [] as number[], incus: [] as number[] };
  const rate = (side: keyof typeof passing, used: Used): number => {
    if (used.status !== 0) throw new Error(`it ended with ${used.status}`);
    passing[side].push(megabytes / (used.outputMs / 1000));
    return megabytes / (used.ms / 1000);
  };
  const rounds = Math.min(5, arena.rounds);
  const { ours, incus } = await alternate(rounds, {
    ours: async () => {
      const used = await guard(arena, '--soak', '0s', '--keep', '0', '--no-automatic', instance, '--', ...command);
      peaks.push(used.peakMiB);
      return rate('ours', used);
    },
    incus: async () => rate('incus', await run(arena, ['incus', 'exec', instance, '--', ...command])),
  });
  await removeContainer(arena, instance);
  // The round before the first is not counted.
  const counted = (series: Series): Series => series.slice(-rounds);
  return [
    ratioRow(
      { what: `(e) ${megabytes} MB of output`, ours, theirs: incus, against: '`incus exec`', unit: 'MB/s' },
      {
        says: 'at least 0.8 × `incus exec`',
        holds: (ratio) => ratio >= 0.8,
      },
    ),
    ratioRow(
      {
        what: '(e) the same, from its first byte to its last',
        ours: counted(passing.ours),
        theirs: counted(passing.incus),
        against: '`incus exec`',
        unit: 'MB/s',
      },
      null,
    ),
    limitRow('(e) memory meanwhile', counted(peaks), 'MiB', null),
  ];
};
