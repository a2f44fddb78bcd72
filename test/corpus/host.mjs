// Containers, and limits for everything that is waited for.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const second = 1000;

/** Runs a program to its end: never throws for a status, never outlives its limit. */
export const run = async (file, args, { limitSeconds = 600, env = {} } = {}) => {
  const child = promisify(execFile)(file, args, {
    timeout: limitSeconds * second,
    killSignal: 'SIGKILL',
    maxBuffer: 64 * 1024 * 1024,
    env: { ...process.env, ...env },
  });
  child.child.stdin.end();
  try {
    const { stdout, stderr } = await child;
    return { status: 0, stdout, stderr };
  } catch (error) {
    return { status: error.code ?? -1, stdout: error.stdout ?? '', stderr: error.stderr ?? String(error) };
  }
};

export const incus = async (...args) => {
  const ended = await run('incus', args);
  if (ended.status !== 0) throw new Error(`incus ${args.join(' ')}: ${ended.stderr}`);
  return ended.stdout;
};

const environment = ['--env', 'DEBIAN_FRONTEND=noninteractive', '--env', 'NEEDRESTART_MODE=a'];

export const inside = (name, script, limitSeconds = 900) =>
  run('incus', ['exec', ...environment, name, '--', 'timeout', String(limitSeconds), 'sh', '-c', script], {
    limitSeconds: limitSeconds + 10,
  });

export const pause = (seconds) => new Promise((done) => setTimeout(done, seconds * second));

/** Whether it came true within the limit. */
export const within = async (limitSeconds, ask) => {
  const until = performance.now() + limitSeconds * second;
  for (;;) {
    if (await ask()) return true;
    if (performance.now() > until) return false;
    await pause(1);
  }
};

export const hasBooted = (name) =>
  within(90, async () => /^(running|degraded)/.test((await inside(name, 'systemctl is-system-running', 20)).stdout));
