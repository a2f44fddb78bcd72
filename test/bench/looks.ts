import { systemClock } from '../../src/clock.ts';
import { takeBaseline } from '../../src/health/baseline.ts';
import { watch } from '../../src/health/watch/watch.ts';
import { container, inside, removeContainer, type Arena } from './arena.ts';
import { alternate, timed } from './measure.ts';
import { limitRow, type Row } from './row.ts';

/** (d) A baseline, another look and the comparison of both, soak aside; from this warm process. */
export const measureLooks = async (arena: Arena): Promise<Row[]> => {
  const instance = await container(arena, 'bench-looks');
  const idle = await looks(arena, instance);
  const more = arena.quick ? 20 : 500;
  await inside(
    arena,
    instance,
    `printf '[Service]\\nExecStart=/bin/sleep infinity\\n' >/etc/systemd/system/more@.service
systemctl daemon-reload
systemctl start $(seq -f 'more@%g.service' ${more})`,
  );
  const many = await looks(arena, instance);
  await removeContainer(arena, instance);
  return [
    limitRow('(d) baseline and comparison, idle Debian', idle, 'ms', 150),
    limitRow(`(d) baseline and comparison, ${more} services more`, many, 'ms', null),
  ];
};

const looks = async (arena: Arena, instance: string) => {
  const context = { platform: arena.rest, instance, clock: systemClock };
  const { both } = await alternate(arena.rounds, {
    both: () =>
      timed(async () => {
        const baseline = await takeBaseline(context, { definitions: [], automatic: true });
        const { verdict } = await watch(context, baseline, { limitMs: 60_000, soakMs: 0 }, () => {});
        if (verdict.verdict !== 'healthy') throw new Error(JSON.stringify(verdict.reasons));
      }),
  });
  return both;
};
