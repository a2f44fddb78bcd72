import { spawn } from 'node:child_process';
import { rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import type { Arena } from './arena.ts';
import { alternate } from './measure.ts';
import { differenceRow, ratioRow, type Row } from './row.ts';

/** (a) From the call to the version, and to the first byte that Incus gets, beyond what Node itself takes; and the same of the single executable. */
export const measureStart = async (arena: Arena): Promise<Row[]> => {
  const empty = join(arena.stateDirectory, 'empty.cjs');
  await writeFile(empty, '');
  const socket = join(arena.stateDirectory, 'incus.socket');
  let heard = (): void => {};
  const server = createServer((client) => {
    client.on('error', () => {});
    client.on('data', () => heard());
  });
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  const environment = { ...process.env, INCUS_SOCKET: socket, GUARD_STATE_DIR: arena.stateDirectory };
  const start = (command: readonly string[], untilFirstByte: boolean): Promise<number> =>
    new Promise((resolve) => {
      const began = performance.now();
      const child = spawn(command[0] ?? '', command.slice(1), { stdio: 'ignore', env: environment });
      let ms = 0;
      heard = () => {
        if (!untilFirstByte || ms !== 0) return;
        ms = performance.now() - began;
        child.kill('SIGKILL');
      };
      child.on('exit', () => resolve(ms === 0 ? performance.now() - began : ms));
    });
  const bundle = [process.execPath, arena.program];
  const call = ['any', '--', 'true'];
  // One whole call first, so that the compiled code is there as it is for everybody but the very first.
  await start([...bundle, 'check', 'nothing', '--', 'true'], false);
  const { version, firstByte, nothing, executableVersion, executableFirstByte } = await alternate(arena.rounds * 2, {
    version: () => start([...bundle, '--version'], false),
    firstByte: () => start([...bundle, ...call], true),
    nothing: () => start([process.execPath, empty], false),
    executableVersion: () => start([arena.executable, '--version'], false),
    executableFirstByte: () => start([arena.executable, ...call], true),
  });
  server.close();
  await rm(socket, { force: true });
  const against = 'an empty program in Node';
  const bundleAgainst = `the bundle on Node ${process.versions.node}`;
  const faster = { message: 'faster than the bundle', holds: (ratio: number) => ratio < 1 };
  return [
    differenceRow({ what: '(a) `guard --version`', ours: version, theirs: nothing, against }, 15),
    differenceRow({ what: '(a) first byte to Incus', ours: firstByte, theirs: nothing, against }, 45),
    ratioRow(
      {
        what: '(a) `guard --version`, single executable',
        ours: executableVersion,
        theirs: version,
        against: bundleAgainst,
      },
      faster,
    ),
    ratioRow(
      {
        what: '(a) first byte to Incus, single executable',
        ours: executableFirstByte,
        theirs: firstByte,
        against: bundleAgainst,
      },
      faster,
    ),
  ];
};
