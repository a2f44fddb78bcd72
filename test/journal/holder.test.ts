import { hostname } from 'node:os';
import { resolve } from 'node:path';
import { execa } from 'execa';
import { expect, test } from 'vitest';
import { currentHolder, inspectHolder } from '../../src/journal/holder.ts';
import type { Holder } from '../../src/event.ts';

const module = resolve(import.meta.dirname, '../../src/journal/holder.ts');

/** A process that says who it is, and lives until it is killed. */
async function otherProcess(...launcher: string[]): Promise<{ holder: Holder; end: () => Promise<void> }> {
  const { line, end } = await speakingProcess(launcher, 'console.log(JSON.stringify(currentHolder()));');
  return { holder: JSON.parse(line) as Holder, end };
}

/** A process that says one line, and lives until it is killed. */
async function speakingProcess(launcher: readonly string[], say: string) {
  const script = `import { currentHolder, inspectHolder } from '${module}'; ${say} setInterval(() => {}, 1000);`;
  const words = [...launcher, process.execPath, '--experimental-strip-types', '--input-type=module', '-e', script];
  const built = await buildable(words, script);
  const child = execa(built[0] ?? '', built.slice(1), { reject: false });
  const line = await new Promise<string>((found) => child.stdout.once('data', (chunk: Buffer) => found(String(chunk))));
  return {
    line: line.trim(),
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

test('a process of another network namespace is never taken for dead while it lives (F13)', async () => {
  const { holder, end } = await otherProcess('unshare', '--net');
  const { line, end: endOther } = await speakingProcess(
    ['unshare', '--net'],
    `console.log(inspectHolder(${JSON.stringify(holder)}));`,
  );
  expect(inspectHolder(holder)).toBe('elsewhere');
  expect(line).toBe('elsewhere');
  await end();
  await endOther();
});

test('a process that a list of sockets leaves out once is alive, and one that is never there is dead', () => {
  const own = currentHolder();
  const other = { ...own, id: '1'.repeat(32) };
  const list = ({ id }: Holder): string => `0: 2 0 10000 1 1 1 @guard-${id}`;
  const lists = [list(own), `${list(own)}\n${list(other)}`];
  expect(inspectHolder(other, () => lists.shift() ?? '')).toBe('alive');
  expect(inspectHolder(other, () => list(own))).toBe('dead');
  expect(inspectHolder(other, () => '')).toBe('elsewhere');
  // A look that misses this process itself may have missed the other one as well.
  const incomplete = ['', list(own), `${list(own)}\n${list(other)}`];
  expect(inspectHolder(other, () => incomplete.shift() ?? '')).toBe('alive');
});

test.each(['/proc/sys/kernel/random/boot_id', '/proc/self/ns/net'])(
  'two machines that do not show %s are not the same one (F13)',
  async (path) => {
    // Without its /proc/self/ns a process knows no namespace: a folder of nothing is laid over it.
    const hide = path.endsWith('boot_id')
      ? 'mount --bind /dev/null /proc/sys/kernel/random/boot_id'
      : 'mount -t tmpfs none /proc/$$/ns';
    const { line, end } = await speakingProcess(
      ['unshare', '--mount', 'sh', '-c', `${hide} && exec "$@"`, 'sh'],
      `const { bootId, network } = currentHolder();
       console.log([bootId, network].includes(''), inspectHolder({ ...currentHolder(), id: '0'.repeat(32) }));`,
    );
    expect(line).toBe('true elsewhere');
    await end();
  },
);

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
