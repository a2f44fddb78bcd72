import { hostname } from 'node:os';
import { resolve } from 'node:path';
import { execa } from 'execa';
import { expect, test } from 'vitest';
import { currentHolder, inspectHolder } from '../../src/journal/holder.ts';
import type { Holder } from '../../src/event.ts';

const module = resolve(import.meta.dirname, '../../src/journal/holder.ts');

/** A process that says who it is, and lives until it is killed. */
async function otherProcess(...launcher: string[]): Promise<{ holder: Holder; end: () => Promise<void> }> {
  const script = `import { currentHolder } from '${module}'; console.log(JSON.stringify(currentHolder())); setInterval(() => {}, 1000);`;
  const words = [...launcher, process.execPath, '--experimental-strip-types', '--input-type=module', '-e', script];
  const built = await buildable(words, script);
  const child = execa(built[0] ?? '', built.slice(1), { reject: false });
  const line = await new Promise<string>((found) => child.stdout.once('data', (chunk: Buffer) => found(String(chunk))));
  return {
    holder: JSON.parse(line) as Holder,
    end: async () => {
      child.kill('SIGKILL');
      await child;
    },
  };
}

/** The script as plain JavaScript: Node 20 reads no types. */
async function buildable(words: readonly string[], script: string): Promise<string[]> {
  const { build } = await import('esbuild');
  const stdin = { contents: script, resolveDir: import.meta.dirname, loader: 'ts' as const };
  const { outputFiles } = await build({ stdin, bundle: true, platform: 'node', format: 'cjs', write: false });
  const launcher = words.slice(0, words.indexOf(process.execPath));
  return [...launcher, process.execPath, '-e', outputFiles[0]?.text ?? ''];
}

test('this process lives', () => {
  const holder = currentHolder();
  expect(holder).toMatchObject({ host: hostname(), pid: process.pid });
  expect(currentHolder()).toEqual(holder);
  expect(inspectHolder(holder)).toBe('alive');
});

test('another process lives until it is killed, and its number is not its identity (F13)', async () => {
  const { holder, end } = await otherProcess();
  expect(inspectHolder(holder)).toBe('alive');
  expect(inspectHolder({ ...holder, id: '0'.repeat(32) })).toBe('dead');
  await end();
  await expect.poll(() => inspectHolder(holder), { timeout: 5000 }).toBe('dead');
});

test('a process of another pid namespace lives, under the same host name and any number (F13)', async () => {
  const { holder, end } = await otherProcess('unshare', '--pid', '--fork', '--mount-proc', '--kill-child');
  expect(holder.pid).not.toBe(0);
  expect(inspectHolder(holder)).toBe('alive');
  await end();
  await expect.poll(() => inspectHolder(holder), { timeout: 5000 }).toBe('dead');
});

test('where the kernel does not tell its boot nobody is dead: another machine may not tell it either (F13)', async () => {
  const script = `import { currentHolder, inspectHolder } from '${module}';
    const other = { ...currentHolder(), id: '0'.repeat(32) };
    setTimeout(() => { console.log(JSON.stringify([other.bootId, inspectHolder(other)])); process.exit(); }, 0);`;
  const masked = 'mount --bind /dev/null /proc/sys/kernel/random/boot_id; exec "$0" "$@"';
  const launcher = ['unshare', '--mount', 'sh', '-euc', masked];
  const [command = '', ...words] = await buildable([...launcher, process.execPath], script);
  expect(JSON.parse((await execa(command, words)).stdout)).toEqual(['', 'elsewhere']);
});

test.each<[string, Partial<Holder>]>([
  ['another boot, or another machine of the same name', { bootId: '00000000-0000-4000-8000-000000000000' }],
  ['another network namespace', { network: 'net:[1]' }],
  ['a guard that has no identity', { id: '' }],
])('of a process of %s nobody here can tell', (_name, other) => {
  expect(inspectHolder({ ...currentHolder(), ...other })).toBe('elsewhere');
});

test('a record of an older guard tells nothing', () => {
  const old = { host: hostname(), bootId: currentHolder().bootId, pid: process.pid, startTicks: 1 };
  expect(inspectHolder(old as unknown as Holder)).toBe('elsewhere');
});
