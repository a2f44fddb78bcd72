import { afterAll, afterEach, beforeAll } from 'vitest';
import { waitFor } from '../host/host.ts';
import { ownProject, removeProject, startAgent, type AgentUnderTest } from './agent-under-test.ts';
import { guardUnderTest, type GuardUnderTest } from './guard.ts';
import { launch, remove } from './incus-subject.ts';

interface RunLine {
  readonly run: string;
  readonly instance: string;
  readonly outcome: string | null;
  readonly exitStatus: number | null;
  readonly waitingUntil: number | null;
}

/** An instance in a project of its own for all tests of a file about changes that wait, a guard, and an agent in each test that starts one. */
export const waitingSubject = (project: string, instance: string) => {
  const lastRun = async (): Promise<RunLine> => {
    const { stdout } = await subject.guard.run(['runs', '--json', '--limit', '1']);
    return JSON.parse(stdout) as RunLine;
  };

  const subject = {
    /** Set before the first test. */
    guard: undefined as unknown as GuardUnderTest,
    agent: null as AgentUnderTest | null,
    withAgent: async (...words: string[]): Promise<AgentUnderTest> => {
      subject.agent = await startAgent(subject.guard, 'defaults: {}\n', ...words);
      return subject.agent;
    },
    endAgent: async (signal: NodeJS.Signals): Promise<void> => {
      await subject.agent?.end(signal);
      subject.agent = null;
    },
    lastRun,
    endedWith: (exitStatus: number): Promise<void> =>
      waitFor(async () => (await lastRun()).exitStatus === exitStatus, { limitMs: 90_000 }),
  };

  beforeAll(async () => {
    await ownProject(project);
    subject.guard = await guardUnderTest();
    await launch(instance);
  });

  // A test may have stopped it.
  afterEach(() => subject.endAgent('SIGKILL'));

  afterAll(async () => {
    await remove(instance, project);
    await removeProject(project);
    await subject.guard.remove();
  });

  return subject;
};

/** The words of a change that is quickly judged: it makes a file. */
export const touching = (instance: string, file: string, ...words: string[]): string[] => [
  '--soak',
  '0s',
  ...words,
  instance,
  '--',
  'touch',
  `/root/${file}`,
];
