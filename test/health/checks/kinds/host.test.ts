import { readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { HostCheck, PluginCheck, Words } from '../../../../src/check-definition.ts';
import { askCheck } from '../../../../src/health/checks/check.ts';
import { ok } from '../../../../src/result.ts';
import { afterwards, common, nowhere } from './asking.ts';

const ask = (command: Words, more: Partial<HostCheck> = {}) =>
  askCheck({ ...common, kind: 'host', command, environment: {}, ...more }, nowhere);

const folder = async (): Promise<string> => {
  const path = await mkdtemp(join(tmpdir(), 'guard-host-check-'));
  afterwards(() => rm(path, { recursive: true }));
  return path;
};

/** A process that waits to be reaped is dead already. */
const isAlive = (pid: number): boolean => {
  try {
    return !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
};

const eventually = async (holds: () => boolean): Promise<boolean> => {
  for (let tries = 0; tries < 100 && !holds(); tries += 1) await new Promise((resolve) => setTimeout(resolve, 20));
  return holds();
};

describe('a host check', () => {
  it('passes by its status, and shows what it said last', async () => {
    expect(await ask(['true'])).toMatchObject({ status: 'passed' });
    expect(await ask(['sh', '-c', 'echo out; echo first >&2; echo "no route to db" >&2; exit 4'])).toMatchObject({
      status: 'failed',
      message: 'exit status 4: no route to db',
    });
    expect((await ask(['sh', '-c', 'kill -TERM $$'])).message).toContain('143');
  });

  it('gets its arguments untouched by any shell (F30, F44)', async () => {
    const result = await ask(['printf', '%s', '$(id) `id`; "quoted" *']);
    expect(result.message).toContain('$(id) `id`; "quoted" *');
  });

  it('knows of which instance it is asked, and at which address', async () => {
    const command: Words = ['sh', '-c', 'echo $GUARD_INSTANCE of $GUARD_PROJECT at $GUARD_ADDRESS.'];
    expect((await ask(command)).message).toContain('c1 of default at .');
    const addresses = { eth0: ['192.0.2.7'] };
    const state = ok({ status: 'Running', memoryBytes: 0, addresses, disks: {} });
    const confirmAddresses = async (_name: string, claimed: readonly string[]) => ok([...claimed]);
    const platform = { ...nowhere.platform, getInstanceState: async () => state, confirmAddresses };
    const asked = await askCheck({ ...common, kind: 'host', command, environment: {} }, { ...nowhere, platform });
    expect(asked.message).toContain('c1 of default at 192.0.2.7.');
  });

  it('cannot be asked when there is no such command', async () => {
    expect((await ask(['/nonexistent/check'])).status).toBe('unknown');
    expect((await ask(['sh', '-c', 'nonexistent-check'])).status).toBe('unknown');
  });

  it('is killed with all its children at its timeout (F35)', async () => {
    const pidFile = join(await folder(), 'pids');
    const result = await ask(
      ['sh', '-c', `trap "" TERM HUP; (trap "" TERM HUP; sleep 1000 & echo $! >${pidFile}; wait) & wait`],
      {
        timeoutMs: 500,
      },
    );
    expect(result).toMatchObject({ status: 'failed', message: 'no answer within 500 ms' });
    const pid = Number(await readFile(pidFile, 'utf8'));
    expect(pid).toBeGreaterThan(1);
    expect(await eventually(() => !isAlive(pid))).toBe(true);
  });

  it('is not held up by a child that it leaves behind, which is killed (F29)', async () => {
    const pidFile = join(await folder(), 'pid');
    const result = await ask(['sh', '-c', `sleep 1000 & echo $! >${pidFile}; echo done`], { timeoutMs: 8000 });
    expect(result).toMatchObject({ status: 'passed', message: 'exit status 0: done' });
    const pid = Number(await readFile(pidFile, 'utf8'));
    expect(await eventually(() => !isAlive(pid))).toBe(true);
  });

  it('may write without end, in bounded memory', async () => {
    const result = await ask(['sh', '-c', 'head -c 50000000 /dev/zero; exit 3']);
    expect(result.status).toBe('failed');
    expect(result.message.length).toBeLessThan(1500);
  });
});

describe('a plugin', () => {
  const plugin = (script: string, warning: PluginCheck['warning'] = 'passed') =>
    askCheck({ ...common, kind: 'plugin', where: 'host', command: ['sh', '-c', script], warning }, nowhere);

  it.each([
    [0, 'passed', 'ok: DISK is fine'],
    [1, 'passed', 'warning: DISK is fine'],
    [2, 'failed', 'critical: DISK is fine'],
    [3, 'unknown', 'unknown: DISK is fine'],
    [4, 'unknown', 'status 4'],
    [127, 'unknown', 'status 127'],
  ] as const)('with status %i is %s', async (status, answer, message) => {
    const result = await plugin(`echo 'DISK is fine | /=80%;90;95'; echo more; exit ${status}`);
    expect(result.status).toBe(answer);
    expect(result.message).toContain(message);
  });

  it('may fail on a warning', async () => {
    expect((await plugin('echo slow; exit 1', 'failed')).status).toBe('failed');
  });
});
