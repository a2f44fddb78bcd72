import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { makeDurableFolder } from '../journal/durable.ts';
import { tryFiles } from '../journal/file-failure.ts';
import { err, ok, type Result } from '../result.ts';

/** The lock that makes this process the only agent of a state directory. It ends with the process. */
export interface AgentLock {
  readonly pidFile: string;
  readonly release: () => Promise<void>;
}

/** Why there is no lock. The message is one sentence. */
export interface NoAgentLock {
  readonly kind: 'taken' | 'unwritable';
  readonly message: string;
}

/**
 * Locks `agent.pid` in the state directory. Node cannot lock files, so the `flock` command takes the lock on the file that this
 * process holds open. The lock stays with the open file after the command has ended, so a killed agent leaves no stale lock.
 */
export async function acquireAgentLock(stateDirectory: string): Promise<Result<AgentLock, NoAgentLock>> {
  const pidFile = join(stateDirectory, 'agent.pid');
  const opened = await tryFiles(pidFile, async () => {
    await makeDurableFolder(stateDirectory);
    // Opening a pipe in place of the file would block forever.
    return open(pidFile, constants.O_RDWR | constants.O_APPEND | constants.O_CREAT | constants.O_NONBLOCK, 0o600);
  });
  if (!opened.ok) return err({ kind: 'unwritable', message: opened.error });
  const file = opened.value;
  if (!(await file.stat()).isFile()) {
    await file.close();
    return err({ kind: 'unwritable', message: `The lock ${pidFile} is not a regular file. Remove it.` });
  }
  const { execa } = await import('execa');
  const locked = await execa('flock', ['--nonblock', '--conflict-exit-code', '75', '0'], {
    // The types of execa name descriptors up to 9 only.
    stdin: file.fd as 9,
    stdout: 'ignore',
    reject: false,
  });
  if (locked.exitCode !== 0) {
    const before = (await file.readFile('utf8').catch(() => '')).trim();
    await file.close();
    if (locked.exitCode === 75)
      return err({
        kind: 'taken',
        message: `Another agent already uses ${stateDirectory}${before === '' ? '' : ` (process ${before})`}.`,
      });
    return err({
      kind: 'unwritable',
      message: `The lock ${pidFile} could not be acquired: ${locked.stderr || locked.originalMessage || 'flock failed'}.`,
    });
  }
  await file.truncate(0);
  await file.write(`${process.pid}\n`);
  return ok({ pidFile, release: () => file.close() });
}

const readOnly = constants.O_RDONLY | constants.O_NONBLOCK;

/** Whether an agent works with the state directory now: its lock goes with its process. */
export async function isAgentRunning(stateDirectory: string): Promise<boolean> {
  const file = await open(join(stateDirectory, 'agent.pid'), readOnly).catch(() => null);
  if (file === null) return false;
  try {
    const { execa } = await import('execa');
    // A shared lock does not take the place of the agent that starts at this moment for longer than the command lives.
    const tried = await execa('flock', ['--shared', '--nonblock', '--conflict-exit-code', '75', '0'], {
      stdin: file.fd as 9,
      stdout: 'ignore',
      reject: false,
    });
    return tried.exitCode === 75;
  } finally {
    await file.close();
  }
}
