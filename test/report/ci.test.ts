import { outcomeColours } from '../../src/report/run-state.ts';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { RunEvent } from '../../src/event.ts';
import { workflowCommand } from '../../src/report/github.ts';
import type { Target } from '../../src/report/run-report.ts';
import { createView } from '../../src/report/view.ts';
import { fakeClock } from '../health/fake-clock.ts';
import { recorded } from './example-events.ts';
import { eventsOfOutcomes, target } from './example-reports.ts';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'guard-ci-'));
});
afterEach(() => rm(folder, { recursive: true }));

/** What is written on stderr, with the command's output in its place. */
const shown = async (
  environment: Record<string, string>,
  events: readonly RunEvent[],
  about: Target = target,
): Promise<string> => {
  const stderr = new PassThrough();
  const view = createView({
    stdin: new PassThrough(),
    stdout: new PassThrough(),
    stderr,
    environment,
    clock: fakeClock(),
    json: false,
    quiet: false,
    target: about,
  });
  for (const event of recorded(...events)) {
    if (event.type === 'command-output') stderr.write(event.chunk);
    await view.listener(event);
  }
  stderr.end();
  return text(stderr);
};

const hostile: readonly RunEvent[] = eventsOfOutcomes['rolled-back'].flatMap((event): RunEvent[] =>
  event.type === 'command-ended'
    ? [
        {
          type: 'command-output',
          stream: 'stdout',
          chunk: Buffer.from('::set-output name=outcome::kept\n##[add-mask]a\n'),
        },
        event,
      ]
    : [event],
);

describe('in GitHub Actions', () => {
  const github = () => ({
    GITHUB_ACTIONS: 'true',
    GITHUB_STEP_SUMMARY: join(folder, 'summary'),
    GITHUB_OUTPUT: join(folder, 'output'),
  });

  test('nothing but guard’s own annotation is read as a workflow command', async () => {
    const commands = readCommands(await shown(github(), hostile));
    expect(commands).toHaveLength(1);
    expect(commands[0]).toMatch(/^::error title=guard \(rolled back\)::rolled back: /);
    expect(commands[0]).toContain('%0A  ✖ web said no: exit status 1');
  });

  test('the outputs and the summary say how it ended', async () => {
    await shown(github(), hostile);
    expect(await readFile(join(folder, 'output'), 'utf8')).toBe(
      'outcome=rolled-back\ncause=unhealthy\nstatus=11\nrun=20261123-070945-z8mf\ninstance=web\nrestore-point=\nevidence=/var/lib/guard\n',
    );
    expect(await readFile(join(folder, 'summary'), 'utf8')).toContain('**rolled back**');
  });

  test('what is kept is not annotated', async () => {
    expect(readCommands(await shown(github(), eventsOfOutcomes.kept))).toEqual([]);
    expect(await readFile(join(folder, 'output'), 'utf8')).toContain('outcome=kept\ncause=\nstatus=0\n');
  });

  test('a change that waits for its confirmation is a warning, not an error', async () => {
    const commands = readCommands(await shown(github(), eventsOfOutcomes.waiting));
    expect(commands).toHaveLength(1);
    expect(commands[0]).toMatch(/^::warning title=guard \(waiting\)::waiting: .*unless it is confirmed/);
    expect(await readFile(join(folder, 'output'), 'utf8')).toContain('outcome=waiting\ncause=\nstatus=16\n');
  });

  test('a script of several lines is one line in the title, without escapes', async () => {
    const about = { ...target, command: ['sh', '-e', '-c', '\n/srv/app/migrate\nsystemctl restart app\n'] };
    await shown(github(), hostile, about);
    const [title] = (await readFile(join(folder, 'summary'), 'utf8')).split('\n');
    expect(title).toBe("## ↩️ `guard web -- sh -e -c '/srv/app/migrate …'`");
  });

  test('a warning is an annotation too', async () => {
    expect(
      readCommands(await shown(github(), eventsOfOutcomes.interrupted)).map((line) => line.split('::')[1]),
    ).toEqual(['warning title=guard', 'error title=guard (interrupted by SIGTERM)']);
  });

  test('files that cannot be written change nothing', async () => {
    const said = await shown({ GITHUB_ACTIONS: 'true', GITHUB_OUTPUT: folder }, eventsOfOutcomes.kept);
    expect(said).toMatch(/could not be written/);
    expect(said).toContain('guard: kept');
  });

  test('a message stays one line and a title one property', () => {
    expect(workflowCommand('error', 'a:b,c%', 'x\r\ny%0A::z')).toBe('::error title=a%3Ab%2Cc%25::x%0D%0Ay%250A::z');
  });
});

/** The workflow commands that the runner would obey in these lines, by its documented rules. */
const readCommands = (log: string): string[] => {
  let stopped: string | null = null;
  return log.split('\n').flatMap((line) => {
    if (stopped !== null) {
      if (line.trim() === `::${stopped}::`) stopped = null;
      return [];
    }
    const token = /^::stop-commands::(.+)$/.exec(line.trim())?.[1];
    if (token !== undefined) {
      stopped = token;
      return [];
    }
    return line.trim().startsWith('::') || line.includes('##[') ? [line] : [];
  });
};

test('in GitLab the command’s output is a section of its own', async () => {
  const said = await shown({ GITLAB_CI: 'true' }, hostile);
  const section = /\^section_start:\d+:(\w[\w-]*)\r\^guard: Command: apt upgrade\n[^]*\^section_end:\d+:\1\r\^\n/;
  expect(section.exec(said.replaceAll('\u001b[0K', '^'))?.[1]).toBe('guard_command_20261123-070945-z8mf');
});

test('action.yml names every outcome of a step', async () => {
  const action = await readFile(new URL('../../action.yml', import.meta.url), 'utf8');
  const [, named = ''] = /outcome:\n {4}description: (.*)/.exec(action) ?? [];
  const outcomes = Object.keys(outcomeColours).filter((name) => !['instance-gone', 'rehearsal-passed'].includes(name));
  expect(named.split(/, | or /).toSorted()).toEqual(outcomes.toSorted());
});
