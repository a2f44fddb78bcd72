import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import type { Question } from '../../src/question.ts';
import { createPerson } from '../../src/report/person.ts';
import { manualClock } from '../platform/incus/manual-clock.ts';

const failed: Question = { kind: 'failed', cause: 'unhealthy', shell: true };

const asked = (question: Question = failed, signal?: AbortSignal, columns = 200, findings: string[] = []) => {
  const [stdin, stderr, clock] = [new PassThrough(), new PassThrough(), manualClock()];
  // Only with a terminal does readline know Ctrl-C and Ctrl-D.
  Object.assign(stderr, { isTTY: true, columns });
  return { stdin, stderr, clock, choice: createPerson(stdin, stderr, clock, findings)(question, 60_000, signal) };
};

test('what happened, the answers, and what becomes of it without one', () => {
  const { stderr, stdin } = asked();
  const text = String(stderr.read());
  expect(text).toContain('guard: The instance is not healthy.\n');
  expect(text).toContain('[k]eep the change, [r]oll back, [c]heck again or open a [s]hell?');
  expect(text).toContain('Without an answer: rolled back after 1 min.');
  expect(text).toContain('  k, r, c or s: ');
  stdin.end();
});

test.each([40, 80])('nothing is wider than %i columns', (columns) => {
  const { stderr, stdin } = asked(
    { kind: 'session', changes: null, differences: ['packages', 'files below /etc'] },
    undefined,
    columns,
  );
  const lines = String(stderr.read()).split('\n');
  for (const line of lines) expect(line.length).toBeLessThanOrEqual(columns);
  stdin.end();
});

test.each<[Question, string, string | null]>([
  [failed, 'k\n', 'keep'],
  [failed, ' KEEP \n', 'keep'],
  [failed, 'y\n', 'keep'],
  [failed, 'r\n', 'rollback'],
  [failed, 'n\n', 'rollback'],
  [failed, 's\n', 'shell'],
  [failed, 'c\n', 'check'],
  // A stray key, or none, asks again.
  [failed, '\nx\nkk\nr\n', 'rollback'],
  [failed, '\u0003', null],
  [failed, '\u0004', null],
  [{ kind: 'failed', cause: 'command', shell: false }, 's\nk\n', 'keep'],
  [{ kind: 'unchanged', otherwise: 'rollback', shell: true }, '\n', 'keep'],
  [{ kind: 'unchanged', otherwise: 'rollback', shell: true }, 'r\n', 'rollback'],
  [{ kind: 'session', changes: null, differences: [] }, '\n', 'keep'],
  [{ kind: 'session', changes: null, differences: [] }, 's\n', 'shell'],
  [{ kind: 'check-interrupted' }, '\n', 'continue'],
  [{ kind: 'check-interrupted' }, 'k\n', 'keep'],
  [{ kind: 'check-interrupted' }, '\u0003', null],
  [{ kind: 'confirm', text: 'Go back?' }, '\n', 'no'],
  [{ kind: 'confirm', text: 'Go back?' }, 'yes\n', 'yes'],
])('%j, %j: %s', async (question, keys, choice) => {
  const { stdin, choice: chosen } = asked(question);
  // One line at a time, as a terminal gives them.
  for (const line of keys.match(/[^\n]*\n|[^\n]+$/g) ?? []) {
    stdin.write(line);
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(await chosen).toBe(choice);
});

test('what is wrong stands above the question: nobody can decide without it', () => {
  const { stderr, stdin } = asked(failed, undefined, 200, ['✖ hello.service was running, is now stopped']);
  expect(String(stderr.read())).toMatch(
    /^guard: The instance is not healthy\.\n {2}✖ hello\.service was running, is now stopped\n/,
  );
  stdin.end();
});

test('a stray answer is named, and the question is asked again', async () => {
  const { stdin, stderr, choice } = asked();
  stdin.write('\u001b[31mmaybe\n');
  await new Promise((resolve) => setImmediate(resolve));
  stdin.write('k\n');
  expect(await choice).toBe('keep');
  expect(String(stderr.read())).toContain('is not one of the answers.');
});

test('no answer in time, a terminal that goes away, and a question that is taken back are no answer', async () => {
  const late = asked();
  late.clock.advance(60_000);
  expect(await late.choice).toBe(null);
  const gone = asked();
  gone.stdin.end();
  expect(await gone.choice).toBe(null);
  const taken = new AbortController();
  const withdrawn = asked(failed, taken.signal);
  taken.abort();
  expect(await withdrawn.choice).toBe(null);
  expect(await asked(failed, AbortSignal.abort()).choice).toBe(null);
});

test('what changed in a shell is shown before the question', () => {
  const { stderr, stdin } = asked({
    kind: 'session',
    changes: {
      packages: [{ name: 'nginx', from: '1', to: '2' }],
      units: { appeared: [], gone: [] },
      sockets: { appeared: [], gone: ['tcp/80 at 0.0.0.0'] },
    },
    differences: ['packages', 'sockets'],
  });
  const text = String(stderr.read());
  expect(text).toContain('packages that changed: nginx 1 → 2');
  expect(text).toContain('sockets that went: tcp/80 at 0.0.0.0');
  expect(text).toContain('Changed: packages, sockets.');
  stdin.end();
});
