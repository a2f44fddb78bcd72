import { resolve } from 'node:path';
import { addRemote } from '../host/remote.ts';
import { container, guard, removeContainer, run, succeeded, type Arena } from './arena.ts';
import { alternate } from './measure.ts';
import { differenceRow, ratioRow, type Row } from './row.ts';

/** (i) A kept run of `remote:name` over HTTPS on the loopback, against the same instance over the local socket. */
export const measureRemote = async (arena: Arena): Promise<Row[]> => {
  const instance = await container(arena, 'bench-remote');
  const remote = await addRemote(arena.host);
  const runner: Arena = { ...arena, host: { ...arena.host, env: { ...arena.host.env, ...remote.env } } };
  const kept = (from: Arena, subject: string): Promise<number> =>
    succeeded(guard(from, '--soak', '0s', '--keep', '0', '--quiet', subject, '--', 'true'));
  const { ours, local, script } = await alternate(arena.rounds, {
    ours: () => kept(runner, `far:${instance}`),
    local: () => kept(arena, instance),
    script: () => succeeded(run(runner, ['sh', resolve('test/bench/scripts/kept.sh'), `far:${instance}`])),
  });
  await remote.close();
  await removeContainer(arena, instance);
  return [
    differenceRow({ what: '(i) a kept run of a remote', ours, theirs: local, against: 'local' }, null),
    ratioRow({ what: '(i) the same', ours, theirs: script, against: 'the script over the remote' }, null),
  ];
};
