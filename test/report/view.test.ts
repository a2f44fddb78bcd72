import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { createView, type Situation } from '../../src/report/view.ts';
import { commandEnded, recorded, started, verdict } from './example-events.ts';

interface Terminals {
  readonly stdin?: boolean;
  readonly stderr?: boolean;
}

const situation = (more: Partial<Pick<Situation, 'json' | 'quiet' | 'environment'>>, terminals: Terminals = {}) => {
  const stream = (isTTY: boolean): PassThrough & { isTTY: boolean } => Object.assign(new PassThrough(), { isTTY });
  const stdout = new PassThrough();
  const stderr = stream(terminals.stderr ?? false);
  const stdin = stream(terminals.stdin ?? false);
  return { stdin, stdout, stderr, clock: systemClock, environment: {}, json: false, quiet: false, ...more };
};

/** What each stream has got of a whole run. */
const shown = async (
  where: ReturnType<typeof situation> & { readonly foreground?: boolean },
): Promise<{ stdout: string; stderr: string }> => {
  const { listener } = createView(where);
  const events = recorded(
    started(),
    { type: 'phase-started', phase: 'baseline' },
    { type: 'phase-ended', phase: 'baseline', ms: 3, ok: true, message: 'facts' },
    commandEnded({ kind: 'exited', status: 0 }),
    verdict('healthy', false),
    { type: 'run-ended', outcome: { outcome: 'kept' }, ms: 9 },
  );
  for (const event of events) await listener(event);
  where.stdout.end();
  where.stderr.end();
  return { stdout: await text(where.stdout), stderr: await text(where.stderr) };
};

test('guard’s words go to stderr, and stdout is the command’s alone', async () => {
  const { stdout, stderr } = await shown(situation({}));
  expect(stdout).toBe('');
  expect(stderr).toContain('guard: kept: the command succeeded and web is healthy.\n');
});

test('--json: every event on stdout, and nothing on stderr', async () => {
  const { stdout, stderr } = await shown(situation({ json: true }));
  expect(stdout.trimEnd().split('\n')).toHaveLength(6);
  expect(stderr).toBe('');
});

test('--quiet: nothing where all is well', async () => {
  expect(await shown(situation({ quiet: true }))).toEqual({ stdout: '', stderr: '' });
});

test('no live view in the background, where another program has the screen', async () => {
  const { stderr } = await shown({ ...situation({}, { stdin: true, stderr: true }), foreground: false });
  expect(stderr).toMatch(/^guard: Baseline: facts \(3 ms\)\n/);
  expect(stderr).not.toContain('\u001b');
});

test.each([{ CI: 'true' }, { TERM: 'dumb' }])(
  'no live view with %o, though there is a terminal',
  async (environment) => {
    const { stdout, stderr } = await shown(situation({ environment }, { stderr: true }));
    expect(stdout).toBe('');
    expect(stderr).toMatch(/^guard: Baseline: facts \(3 ms\)\n/);
    expect(stderr).not.toContain('\u001b');
  },
);

test('a person is only asked where one is: a terminal on both sides, and no --json', () => {
  const both = { stdin: true, stderr: true };
  expect(createView(situation({}, both)).person).not.toBeNull();
  expect(createView(situation({ json: true }, both)).person).toBeNull();
  expect(createView(situation({}, { stdin: true })).person).toBeNull();
  expect(createView(situation({}, { stderr: true })).person).toBeNull();
});
