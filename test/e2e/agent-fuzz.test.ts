import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { execa } from 'execa';
import {
  hooked,
  launchHooked,
  ownProject,
  removeProject,
  startAgent,
  type AgentUnderTest,
} from './agent-under-test.ts';
import { guardUnderTest, snapshotNames, type GuardUnderTest } from './guard.ts';
import { incusCommand, remove } from './incus-subject.ts';

// Root inside one instance writes whatever it likes to the host (issue 5): it costs its own turn, and nobody else's.
// `npm run test:fuzz` does it with 100,000 lines.

const project = 'gr-agent-fuzz';
const hostile = 'gr-fuzz-hostile';
const other = 'gr-fuzz-other';
const count = Number(process.env['GUARD_FUZZ_LINES'] ?? 2000);

let guard: GuardUnderTest;
let agent: AgentUnderTest;

beforeAll(async () => {
  await ownProject(project);
  await Promise.all([launchHooked(hostile), launchHooked(other)]);
  guard = await guardUnderTest();
  agent = await startAgent(guard, 'defaults:\n  soak: 0s\n  hook: { settle: 0s, mostAnHour: 3 }\n');
  await Promise.all([hostile, other].map((instance) => agent.saw('relay-up', { instance })));
});

afterAll(async () => {
  await agent.end('SIGKILL');
  await Promise.all([remove(hostile, project), remove(other, project)]);
  await removeProject(project);
  await guard.remove();
});

test(
  `${count} hostile lines leave memory flat, and another instance is served meanwhile`,
  { timeout: 1_200_000 },
  async () => {
    const file = join(guard.stateDirectory, 'lines');
    await writeFile(file, hostileLines(count, 1));
    await incusCommand('file', 'push', file, `${hostile}/root/lines`);
    // The first lines grow what is allocated once.
    await execa('incus', ['exec', hostile, '--', 'sh', '-c', 'head -c 300000 /root/lines >/run/guard/ask; true'], {
      stdin: 'ignore',
    });
    await hooked(hostile, 'ping');
    const before = await residentBytes(agent.pid);
    const writing = execa(
      'incus',
      ['exec', hostile, '--', 'sh', '-c', 'timeout 900 cat /root/lines >/run/guard/ask; true'],
      { stdin: 'ignore' },
    );

    expect(await hooked(other, 'ping')).toMatch(/^pong /);
    expect(await hooked(other, 'echo fine >/root/fine', '0')).toMatch(/^go \S+ guard-/);
    await agent.saw('transaction-ended', { instance: other, outcome: 'kept' });

    await writing;
    // What was written before it is read before it.
    const pong = async (): Promise<boolean> => (await hooked(hostile, 'ping')).startsWith('pong');
    for (let tries = 0; tries < 30 && !(await pong()); tries += 1);
    expect(await pong()).toBe(true);
    const after = await residentBytes(agent.pid);
    console.log(`agent: ${Math.round(before / 1e6)} MB before, ${Math.round(after / 1e6)} MB after ${count} lines`);
    expect(after - before).toBeLessThan(60e6);
    // At most what the limit allows, and nothing under way is left.
    const ended = agent.events().filter(({ type, instance }) => type === 'transaction-ended' && instance === hostile);
    expect(ended.length).toBeLessThanOrEqual(3);
    expect((await snapshotNames(hostile)).length).toBeLessThanOrEqual(3);
    expect(agent.events().filter(({ type, instance }) => type === 'relay-down' && instance === other)).toEqual([]);
  },
);

const residentBytes = async (pid: number): Promise<number> => {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024;
};

/** Garbage of every kind, always the same for a seed: bytes, huge lines, lines that are almost right, and right ones in masses. */
const hostileLines = (lines: number, seed: number): Buffer => {
  let state = seed;
  const below = (limit: number): number => {
    // Numerical Recipes' linear congruential generator: enough to be irregular.
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state % limit;
  };
  const bytes = (length: number): Buffer => Buffer.from(Array.from({ length }, () => below(256)));
  const id = (): number => below(200);
  const kinds: readonly (() => string | Buffer)[] = [
    () => bytes(below(300)),
    () => '',
    () => 'A'.repeat(below(20) === 0 ? 20_000 : 600),
    () => `1 ${id()} pre apt ${below(100_000)}`,
    () => `1 ${id()} package ${'x'.repeat(below(400))} - 1`,
    () => `1 ${id()} command ${'\u001b[2J$(reboot)`id`;'.repeat(below(20))}`,
    () => `1 ${id()} more ${below(1_000_000)}`,
    () => (below(20) === 0 ? `1 ${id()} ask` : '1 ask'),
    () => `1 ${id()} post apt ${id()} ${below(300)}`,
    () => `1 ${id()} ping`,
    () => `1 ../../../etc/passwd ping`,
    () => `${below(9)} ${id()} ${['pre', 'ask', 'ping', 'go', '__proto__'][below(5)] ?? ''} ${'/'.repeat(below(50))}`,
    () => '1 0 pre ../../bin/sh 1',
  ];
  const parts = Array.from({ length: lines }, () =>
    Buffer.concat([Buffer.from(kinds[below(kinds.length)]?.() ?? ''), Buffer.from('\n')]),
  );
  return Buffer.concat(parts);
};
