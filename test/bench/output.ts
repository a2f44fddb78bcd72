import { container, guard, removeContainer, run, type Arena, type Used } from './arena.ts';
import { alternate, type Series } from './measure.ts';
import { limitRow, ratioRow, type Row } from './row.ts';

/** (e) The command's output: how much a second, and how much memory that takes. */
export const measureOutput = async (arena: Arena): Promise<Row[]> => {
  const instance = await container(arena, 'bench-output');
  const megabytes = arena.quick ? 20 : 1000;
  const command = ['head', '-c', `${megabytes}000000`, '/dev/zero'];
  const whole = (used: Used): Used => {
    if (used.status !== 0) throw new Error(`it ended with ${used.status}`);
    return used;
  };
  const { ours, theirs } = await alternate(Math.min(5, arena.rounds), {
    ours: async () =>
      whole(await guard(arena, '--soak', '0s', '--keep', '0', '--no-automatic', instance, '--', ...command)),
    theirs: async () => whole(await run(arena, ['incus', 'exec', instance, '--', ...command])),
  });
  await removeContainer(arena, instance);
  const rates = (all: readonly Used[]): Series => all.map(({ ms }) => megabytes / (ms / 1000));
  // While it passes: without the begin and the end, which a run of guard has more of.
  const passing = (all: readonly Used[]): Series => all.map(({ outputMs }) => megabytes / (outputMs / 1000));
  const compared = { against: '`incus exec`', unit: 'MB/s' } as const;
  return [
    ratioRow(
      { what: `(e) ${megabytes} MB of output`, ours: rates(ours), theirs: rates(theirs), ...compared },
      {
        message: 'at least 0.8 × `incus exec`',
        holds: (ratio) => ratio >= 0.8,
      },
    ),
    ratioRow(
      {
        what: '(e) the same, from its first byte to its last',
        ours: passing(ours),
        theirs: passing(theirs),
        ...compared,
      },
      null,
    ),
    limitRow(
      '(e) memory meanwhile',
      ours.map(({ peakMiB }) => peakMiB),
      'MiB',
      null,
    ),
  ];
};
