import { chmod, copyFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { readFileSync } from 'node:fs';
import { execa } from 'execa';
import { expect, test } from 'vitest';
import { currentHolder, inspectHolder } from '../../src/journal/holder.ts';
import { temporaryFolder } from './temporary.ts';

test('this process lives', () => {
  const holder = currentHolder();
  expect(holder).toMatchObject({ host: hostname(), pid: process.pid });
  expect(holder.startTicks).toBeGreaterThan(0);
  expect(inspectHolder(holder)).toBe('alive');
});

test('a pid that was given to another process is dead (F13)', () => {
  const holder = currentHolder();
  expect(inspectHolder({ ...holder, startTicks: holder.startTicks - 1 })).toBe('dead');
});

test('no process outlives a reboot', () => {
  expect(inspectHolder({ ...currentHolder(), bootId: '00000000-0000-4000-8000-000000000000' })).toBe('dead');
});

test('only another host can tell about its own processes', () => {
  expect(inspectHolder({ ...currentHolder(), host: 'elsewhere.example' })).toBe('elsewhere');
});

test('a process that is over is dead, whatever its name', async () => {
  const program = join(await temporaryFolder(), 'a) R 1 (b');
  await copyFile('/bin/sleep', program);
  await chmod(program, 0o755);
  const child = execa(program, ['60'], { reject: false });
  const pid = child.pid ?? 0;
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const startTicks = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]);
  const holder = { ...currentHolder(), pid, startTicks };
  expect(inspectHolder(holder)).toBe('alive');
  child.kill('SIGKILL');
  await child;
  expect(inspectHolder(holder)).toBe('dead');
});

test('a process that is over and that nobody has waited for is dead', async () => {
  // The shell that would wait for its child has become something that never does.
  const parent = execa('sh', ['-c', 'sleep 0.01 & echo $!; exec sleep 60'], { reject: false });
  const pid = await new Promise<number>((resolve) => {
    parent.stdout.once('data', (chunk: Buffer) => resolve(Number(chunk.toString())));
  });
  const fields = (): string[] => {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  };
  await expect.poll(() => fields()[0], { timeout: 5000 }).toBe('Z');
  expect(inspectHolder({ ...currentHolder(), pid, startTicks: Number(fields()[19]) })).toBe('dead');
  parent.kill('SIGKILL');
  await parent;
});
