import { mkdir, open } from 'node:fs/promises';
import { join } from 'node:path';
import { err, ok, type Result } from '../result.ts';

/** The lock that makes this process the only agent of a state directory. It ends with the process. */
export interface AgentLock {
  readonly pidFile: string;
  readonly release: () => Promise<void>;
}

/**
 * Locks `agent.pid` in the state directory. Node cannot lock files, so the `flock` command takes the lock on the file that this
 * process holds open. The lock stays with the open file after the command has ended, so a killed agent leaves no stale lock.
 * The error is one sentence.
 */
export async function acquireAgentLock(stateDirectory: string): Promise<Result<AgentLock, string>> {
  const pidFile = join(stateDirectory, 'agent.pid');
  await mkdir(stateDirectory, { recursive: true, mode: 0o700 });
  const file = await open(pidFile, 'a+', 0o600);
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
      return err(`Another agent already uses ${stateDirectory}${before === '' ? '' : ` (process ${before})`}.`);
    return err(
      `The lock ${pidFile} could not be acquired: ${locked.stderr || locked.originalMessage || 'flock failed'}.`,
    );
  }
  await file.truncate(0);
  await file.write(`${process.pid}\n`);
  return ok({ pidFile, release: () => file.close() });
}

/** Whether an agent works with the state directory now: its lock goes with its process. */
export async function isAgentRunning(stateDirectory: string): Promise<boolean> {
  const file = await open(join(stateDirectory, 'agent.pid'), 'r').catch(() => null);
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
