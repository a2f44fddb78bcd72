import { spawn } from 'node:child_process';

import type { ExecHandler } from '../../src/platform/memory/server.ts';

/** Runs a command of a memory instance on this machine, which is all that it has of an inside. */
export const spawnHere: ExecHandler = async (process) => {
  const [file = '', ...words] = process.command;
  const child = spawn(file, words, { stdio: 'pipe', env: { ...globalThis.process.env, ...process.environment } });
  process.killed.addEventListener('abort', () => child.kill('SIGKILL'));
  child.stdin.on('error', () => {});
  void process.readInput().then((text) => child.stdin.end(text));
  const writes: Promise<void>[] = [];
  child.stdout.on('data', (chunk: Buffer) => writes.push(process.write('stdout', chunk)));
  child.stderr.on('data', (chunk: Buffer) => writes.push(process.write('stderr', chunk)));
  const end = await new Promise<number | 'not-found' | 'not-executable'>((resolve) => {
    child.on('error', (error) => resolve('code' in error && error.code === 'ENOENT' ? 'not-found' : 'not-executable'));
    child.on('close', (status) => resolve(status ?? 137));
  });
  await Promise.all(writes);
  return end;
};
