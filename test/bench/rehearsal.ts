import { execa } from 'execa';
import { appScript, startClient } from '../e2e/rehearsal-subject.ts';
import { incus } from '../host/host.ts';
import {
  askOverRest,
  container,
  guard,
  inside,
  probeOverRest,
  removeContainer,
  succeeded,
  type Arena,
} from './arena.ts';
import { limitRow, ratioRow, type Row } from './row.ts';
import { alternate, median, timed } from './measure.ts';

/** (j) What a rehearsal adds to its command, what it saves in downtime, and how much the instance notices of it. */
export const measureRehearsal = async (arena: Arena): Promise<Row[]> => {
  const rounds = Math.min(5, arena.rounds);
  const rows = [
    ...(await addedTime(arena, rounds, 'on btrfs', [])),
    ...(await addedTime(arena, rounds, 'on btrfs, with one volume', [], true)),
    ...(await addedTime(arena, Math.min(2, rounds), 'on dir', ['--storage', 'dirpool'])),
    ...(await clientsView(arena, Math.min(3, rounds))),
  ];
  return rows.map((row) => ({ ...row, what: `(j) ${row.what}` }));
};

/** A rehearsal's time and that of each of its phases, in milliseconds. The two verdicts count as one phase. */
const rehearse = async (
  arena: Arena,
  instance: string,
): Promise<{ readonly ms: number; readonly phases: ReadonlyMap<string, number> }> => {
  const used = guard(arena, 'rehearse', '--rehearse=copy', '--soak', '0s', '--json', instance, '--', 'true');
  const ms = await succeeded(used);
  const phases = new Map<string, number>();
  for (const line of (await used).stdout.split('\n').filter((one) => one.includes('"phase-ended"'))) {
    const { phase, ms: took } = JSON.parse(line) as { phase: string; ms: number };
    phases.set(phase, (phases.get(phase) ?? 0) + took);
  }
  return { ms, phases };
};

/** All of a rehearsal of `true`: copy, boot, baseline, both verdicts, restart, removal, and guard's own start; then its parts. */
const addedTime = async (
  arena: Arena,
  rounds: number,
  where: string,
  launch: readonly string[],
  withVolume = false,
): Promise<Row[]> => {
  const instance = await container(arena, 'bench-rehearsal', ...launch);
  if (withVolume) {
    await incus(arena.host, 'storage', 'volume', 'create', 'default', 'bench-volume');
    await incus(
      arena.host,
      'config',
      'device',
      'add',
      instance,
      'data',
      'disk',
      'pool=default',
      'source=bench-volume',
      'path=/data',
    );
  }
  // The first round, which makes project and network, is not counted.
  const all: Awaited<ReturnType<typeof rehearse>>[] = [];
  const sides = await alternate(rounds, {
    ours: async () => {
      const rehearsal = await rehearse(arena, instance);
      all.push(rehearsal);
      return rehearsal.ms;
    },
    bare: () => timed(() => copyByHand(arena, instance, launch)),
  });
  const rehearsals = all.slice(1);
  await removeContainer(arena, instance);
  if (withVolume) await incus(arena.host, 'storage', 'volume', 'delete', 'default', 'bench-volume');
  const times = rehearsals.map(({ ms }) => ms / 1000);
  const what = `a rehearsal of \`true\`, ${where}`;
  const [first] = rehearsals;
  const parts = [...(first?.phases.keys() ?? [])].map((phase) =>
    limitRow(
      `${what}: ${phase}`,
      rehearsals.map(({ phases }) => phases.get(phase) ?? 0),
      'ms',
      null,
    ),
  );
  const against = 'the same steps by `incus`, with three observations';
  return [
    limitRow(what, times, 's', where === 'on dir' ? null : 4),
    ratioRow({ what, ours: sides.ours, theirs: sides.bare, against }, null),
    ...parts,
  ];
};

/** What a rehearsal has to do in any case, without isolation, checks or a verdict: copy, boot, observe, restart, remove. */
const copyByHand = async (arena: Arena, instance: string, launch: readonly string[]): Promise<void> => {
  const by = (...words: readonly string[]) => incus(arena.host, ...words);
  const copy = 'bench-by-hand';
  await by('snapshot', 'create', instance, 'by-hand');
  await by('copy', `${instance}/by-hand`, copy, ...launch);
  await by('start', copy);
  await hasBooted(arena, copy);
  await probeOverRest(arena, copy);
  await askOverRest(arena, copy, 'true');
  await probeOverRest(arena, copy);
  await by('restart', copy);
  await hasBooted(arena, copy);
  await probeOverRest(arena, copy);
  await by('delete', '--force', copy);
  await by('snapshot', 'delete', instance, 'by-hand');
};

const hasBooted = ({ rest }: Arena, name: string): Promise<unknown> =>
  rest.query(name, { command: ['systemctl', 'is-system-running', '--wait'], limitMs: 60_000, maxBytes: 1000 });

/** A service that does not come up again, asked a hundred times a second: with `--rehearse`, and without. */
const clientsView = async (arena: Arena, rounds: number): Promise<Row[]> => {
  const instance = await container(arena, 'bench-client');
  await inside(arena, instance, appScript);
  const { stdout } = await execa('incus', ['list', instance, '--columns', '4', '--format', 'csv'], {
    env: arena.host.env,
  });
  const address = /\d+\.\d+\.\d+\.\d+/.exec(stdout)?.[0] ?? '';
  const seen = { without: [] as number[], with: [] as number[], idle: [] as number[], meanwhile: [] as number[] };
  const breaking = ['sh', '-c', 'echo bad >/etc/app.conf; systemctl restart app.service; :'];
  const words = ['--retry', '--soak', '0s', '--quiet', '--verify-timeout', '20s', instance, '--', ...breaking];
  for (let round = 0; round < rounds; round += 1) {
    const idle = startClient(address);
    await new Promise((resolve) => setTimeout(resolve, 3000));
    seen.idle.push(median((await idle.stop()).times));
    const rehearsed = startClient(address);
    await succeeded(guard(arena, '--rehearse', ...words), 33);
    const during = await rehearsed.stop();
    seen.with.push(during.failed * 10);
    seen.meanwhile.push(median(during.times));
    const direct = startClient(address);
    await succeeded(guard(arena, ...words), 11);
    seen.without.push((await direct.stop()).failed * 10);
  }
  await removeContainer(arena, instance);
  return [
    limitRow('downtime of a broken change with --rehearse, by failed requests', seen.with, 'ms', 1),
    limitRow('the same change without', seen.without, 'ms', null),
    ratioRow(
      {
        what: 'answers of the instance while it is rehearsed',
        ours: seen.meanwhile,
        theirs: seen.idle,
        against: 'idle',
      },
      null,
    ),
  ];
};
