import { writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fileExists, guardUnderTest, snapshotNames, type GuardUnderTest } from './guard.ts';
import { launch, remove } from './incus-subject.ts';
import { openTerminal, type PseudoTerminal } from './pseudo-terminal.ts';

const instance = 'gr-ask';
const program = resolve(import.meta.dirname, '../../dist/guard.cjs');
let guard: GuardUnderTest;

beforeAll(async () => {
  guard = await guardUnderTest();
  await launch(instance);
});

afterAll(async () => {
  await remove(instance);
  await guard.remove();
});

const quick = ['--soak', '0s', '--no-automatic', '--on-failure', 'ask'];

const inTerminal = (...words: string[]): PseudoTerminal =>
  openTerminal(process.execPath, [program, ...quick, ...words], {
    GUARD_STATE_DIR: guard.stateDirectory,
    XDG_CONFIG_HOME: guard.stateDirectory,
  });

const failing = (file: string) => [instance, '--', 'sh', '-c', `touch /root/${file}; exit 1`];

describe('a failure whose policy is to ask', () => {
  test('13: is kept where the person at the terminal says yes', async () => {
    const terminal = inTerminal(...failing('kept'));
    await terminal.shows('[y/N]');
    terminal.type('y\r');
    expect(await terminal.ended).toBe(13);
    expect(await fileExists(instance, '/root/kept')).toBe(true);
  });

  test('10: is rolled back where they say no', async () => {
    const terminal = inTerminal(...failing('refused'));
    await terminal.shows('[y/N]');
    terminal.type('n\r');
    expect(await terminal.ended).toBe(10);
    expect(await fileExists(instance, '/root/refused')).toBe(false);
  });

  test('10: is rolled back where nobody answers in time', async () => {
    const file = join(guard.stateDirectory, 'ask.yaml');
    await writeFile(file, 'defaults: { askTimeout: 1s }\n');
    const terminal = inTerminal('--config', file, ...failing('unanswered'));
    await terminal.shows('[y/N]');
    expect(await terminal.ended).toBe(10);
    expect(await fileExists(instance, '/root/unanswered')).toBe(false);
  });

  test('10: is rolled back where nobody can be asked', async () => {
    const ended = await guard.run([...quick, ...failing('unattended')]);
    expect(ended.status).toBe(10);
    expect(await fileExists(instance, '/root/unattended')).toBe(false);
    expect(await snapshotNames(instance)).not.toContain('guard-in-flight');
  });
});
