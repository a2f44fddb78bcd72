import { writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { execa } from 'execa';
import { waitFor } from '../host/host.ts';
import type { GuardUnderTest } from './guard.ts';
import { incusCommand, launch } from './incus-subject.ts';

/** A `guard agent` under way. */
export interface AgentUnderTest {
  readonly pid: number;
  /** Its events so far. */
  readonly events: () => AgentLine[];
  /** Waits until an event is there. */
  readonly saw: (type: string, more?: Readonly<Record<string, unknown>>) => Promise<AgentLine>;
  /** Ends it, and waits for its end; gives its exit status. */
  readonly end: (signal: NodeJS.Signals) => Promise<number | undefined>;
}

type AgentLine = Readonly<Record<string, unknown>> & { readonly type: string };

/** Makes a project of a test's own: two agents on one project would fight for the same relays. All commands then use it. */
export const ownProject = async (name: string): Promise<void> => {
  await execa('incus', ['project', 'create', name, '-c', 'features.images=false', '-c', 'features.profiles=false'], {
    reject: false,
    stdin: 'ignore',
  });
  process.env['INCUS_PROJECT'] = name;
};

/** Removes it, when its instances are gone. */
export const removeProject = async (name: string): Promise<void> => {
  delete process.env['INCUS_PROJECT'];
  await execa('incus', ['project', 'delete', name], { reject: false, stdin: 'ignore' });
};

/** Starts a container that counts as hooked, with the tests' own package manager in it. */
export const launchHooked = async (name: string, ...more: string[]): Promise<void> => {
  await launch(name, '-c', 'user.guard.hook=1 trial', ...more);
  await incusCommand('file', 'push', '--mode', '755', resolve(import.meta.dirname, 'hooked.sh'), `${name}/bin/hooked`);
};

/** Starts `guard agent` with a guard.yaml, and waits until it follows the server. */
export const startAgent = async (
  guard: GuardUnderTest,
  configuration: string,
  ...words: string[]
): Promise<AgentUnderTest> => {
  const file = join(guard.stateDirectory, 'agent.yaml');
  await writeFile(file, configuration, { mode: 0o600 });
  const started = guard.start(['agent', '--json', '--config', file, ...words]);
  let text = '';
  started.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()));
  const events = (): AgentLine[] =>
    text
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as AgentLine);
  const saw = async (type: string, more: Readonly<Record<string, unknown>> = {}): Promise<AgentLine> => {
    const found = (): AgentLine | undefined =>
      events().find(
        (event) => event.type === type && Object.entries(more).every(([key, value]) => event[key] === value),
      );
    await waitFor(() => found() !== undefined, { limitMs: 90_000 });
    return found() as AgentLine;
  };
  await saw('server-connected');
  return {
    pid: started.pid ?? 0,
    events,
    saw,
    end: async (signal) => {
      started.kill(signal);
      return (await started).exitCode;
    },
  };
};

/** Runs the tests' own package manager inside; gives what it printed, which begins with the host's answer. */
export const hooked = async (instance: string, ...words: string[]): Promise<string> => {
  const { stdout } = await execa('incus', ['exec', instance, '--', 'hooked', ...words], {
    reject: false,
    stdin: 'ignore',
  });
  return stdout;
};
