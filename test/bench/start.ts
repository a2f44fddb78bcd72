import { spawn } from 'node:child_process';
import { rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import type { Arena } from './arena.ts';
import { alternate } from './measure.ts';
import { differenceRow, type Row } from './row.ts';

/** (a) From the call to the version, and to the first byte that Incus gets, beyond what Node itself takes. */
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
  const node = (words: readonly string[], untilFirstByte: boolean): Promise<number> =>
    new Promise((resolve) => {
      const began = performance.now();
      const child = spawn(process.execPath, words, { stdio: 'ignore', env: environment });
      let ms = 0;
      heard = () => {
        if (!untilFirstByte || ms !== 0) return;
        ms = performance.now() - began;
        child.kill('SIGKILL');
      };
      child.on('exit', () => resolve(ms === 0 ? performance.now() - began : ms));
    });
  // One whole call first, so that the compiled code is there as it is for everybody but the very first.
  await node([arena.program, 'check', 'nothing', '--', 'true'], false);
  const { version, firstByte, nothing } = await alternate(arena.rounds * 2, {
    version: () => node([arena.program, '--version'], false),
    firstByte: () => node([arena.program, 'any', '--', 'true'], true),
    nothing: () => node([empty], false),
  });
  server.close();
  await rm(socket, { force: true });
  const against = 'an empty program in Node';
  return [
    differenceRow({ what: '(a) `guard --version`', ours: version, theirs: nothing, against }, 15),
    differenceRow({ what: '(a) first byte to Incus', ours: firstByte, theirs: nothing, against }, 45),
  ];
};
