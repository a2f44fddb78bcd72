import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { spawn } from '@lydell/node-pty';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

// The live view on a real terminal (a pty): a scripted run, and the terminal's settings before and after it.

let folder: string;
let driver: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'guard-test-'));
  driver = join(folder, 'driver.cjs');
  const entry = join(import.meta.dirname, 'terminal-driver.ts');
  await build({ entryPoints: [entry], outfile: driver, bundle: true, platform: 'node' });
});

afterAll(() => rm(folder, { recursive: true, force: true }));

interface Shown {
  /** Everything that came to the screen. */
  readonly bytes: string;
  /** Without control sequences, as lines. */
  readonly lines: readonly string[];
  /** `stty -g` before and after. */
  readonly settings: readonly [string | undefined, string | undefined];
  readonly status: string | undefined;
}

const play = (
  scene: string,
  options: { columns?: number; environment?: Record<string, string>; redirect?: string; type?: [string, string] } = {},
): Promise<Shown> =>
  new Promise((resolve) => {
    // The shell itself must outlive Ctrl-C.
    const script = `trap : INT; stty -g; "$0" "$1" "$2" 10 ${options.redirect ?? ''}; echo "status $?"; stty -g`;
    const { CI: _ci, NO_COLOR: _none, FORCE_COLOR: _force, ...inherited } = process.env;
    const environment = { ...inherited, TERM: 'xterm-256color', ...options.environment };
    const terminal = spawn('sh', ['-c', script, process.execPath, driver, scene], {
      cols: options.columns ?? 100,
      rows: 24,
      env: environment,
    });
    let bytes = '';
    let typed = false;
    terminal.onData((data) => {
      bytes += data;
      const [after, keys] = options.type ?? ['', ''];
      if (typed || !bytes.includes(after)) return;
      typed = true;
      terminal.write(keys);
    });
    terminal.onExit(() => {
      const lines = withoutSequences(bytes).split(/\r?\n/);
      const settings = lines.filter((line) => /^[0-9a-f]+:[0-9a-f:]+$/.test(line));
      const status = lines.find((line) => line.startsWith('status '))?.slice('status '.length);
      resolve({ bytes, lines, settings: [settings[0], settings[1]], status });
    });
  });

// oxlint-disable-next-line no-control-regex -- control sequences are what is removed
const withoutSequences = (text: string): string => text.replace(/\u001b\[[?\d;]*[A-Za-z]/g, '');

/** The last word about each private mode. */
const modesLeft = (bytes: string): Record<string, string> =>
  // oxlint-disable-next-line no-control-regex -- control sequences are what is looked for
  Object.fromEntries([...bytes.matchAll(/\u001b\[\?(\d+)([hl])/g)].map(([, mode, set]) => [mode, set]));

describe('the terminal is as it was', () => {
  test.each(['kept', 'rolled-back', 'killed', 'broken'])('after %s', async (scene) => {
    const { bytes, settings, status } = await play(scene);
    expect(status).toBe('0');
    expect(settings[0]).toMatch(/^[0-9a-f]+:/);
    expect(settings[1]).toBe(settings[0]);
    expect(bytes).toContain('\u001b[?25l');
    expect(modesLeft(bytes)['25']).toBe('h');
  });

  test('after a program that was killed in the middle of a picture', async () => {
    const { bytes } = await play('killed');
    expect(modesLeft(bytes)).toMatchObject({ 1049: 'l', 1000: 'l', 1006: 'l', 2004: 'l', 25: 'h' });
    // Before guard's next word, which would be lost with the alternate screen.
    expect(bytes.indexOf('\u001b[?1049l')).toBeLessThan(bytes.lastIndexOf('Command: timeout'));
  });

  test('after a bug of guard’s own while a line is shown, whose last word is not swallowed', async () => {
    const { bytes, lines, settings, status } = await play('kept', { environment: { DIE_IN: 'watch-progress' } });
    expect(status).toBe('70');
    expect(lines).toContain('guard: this is a bug in guard');
    expect(modesLeft(bytes)['25']).toBe('h');
    expect(settings[1]).toBe(settings[0]);
  });

  test('after Ctrl-C, which does not end guard', async () => {
    const { lines, status } = await play('kept', { type: ['Restore point', '\u0003'] });
    expect(status).toBe('0');
    expect(lines).toContain('interrupted');
    expect(lines.some((line) => line.startsWith('guard: kept:'))).toBe(true);
  });
});

describe('what is shown', () => {
  test('every phase once it is over, and the closing words', async () => {
    const { lines } = await play('rolled-back');
    const phases = ['Inspect', 'Baseline', 'Restore point', 'Command', 'Stop', 'Restore', 'Start', 'Verify again'];
    for (const phase of phases) expect(lines.filter((line) => line.includes(`✔ ${phase}: `))).not.toEqual([]);
    expect(lines.some((line) => line.includes('✖ Verify: unhealthy (152 ms)'))).toBe(true);
    expect(lines).toContain(
      'guard: rolled back: the instance was not healthy after the command. web is back and healthy.',
    );
  });

  test('what the verdict waits for, while it waits', async () => {
    const { lines } = await play('kept');
    expect(lines.some((line) => line.includes('› unit pdns.service'))).toBe(true);
    expect(lines.some((line) => line.includes('› healthy for 3 s of 10 s · Ctrl-C to decide'))).toBe(true);
  });

  test('the command’s output, whole, and guard’s next word on a line of its own', async () => {
    const { bytes, lines } = await play('kept');
    expect(bytes.replaceAll('\r', '')).toContain('Reading package lists… Done\nSetting up libexample (2.0) …\n');
    expect(lines.filter((line) => line.includes('half a line'))).toEqual([]);
  });

  test('a notice is not lost while a line is shown, nor in a phase that breaks off', async () => {
    expect((await play('kept')).lines.filter((line) => line.startsWith('guard: web is busy'))).toHaveLength(1);
    const { lines } = await play('broken');
    expect(lines.filter((line) => line.includes('of all things'))).toHaveLength(1);
    expect(lines.some((line) => line.includes('✖ Verify: it did not end'))).toBe(true);
  });

  test('on a narrow terminal no row is longer than it', async () => {
    const { lines } = await play('rolled-back', { columns: 50 });
    const own = lines.filter((line) => !/^[0-9a-f]+:[0-9a-f:]+$/.test(line));
    expect(own.filter((line) => line.length > 50 && !line.includes('guard show'))).toEqual([]);
  });

  test('without colours where NO_COLOR says so', async () => {
    // oxlint-disable-next-line no-control-regex -- colours are what is looked for
    const colour = /\u001b\[\d*;?3\dm/;
    expect((await play('kept')).bytes).toMatch(colour);
    expect((await play('kept', { environment: { NO_COLOR: '1' } })).bytes).not.toMatch(colour);
  });

  test('live on stderr alone, when stdout is a pipe', async () => {
    const { lines, bytes } = await play('kept', { redirect: '| cat >/dev/null' });
    expect(bytes).not.toContain('Reading package lists');
    expect(lines.some((line) => line.includes('✔ Keep: '))).toBe(true);
  });

  test('plain lines where a CI runner gives a terminal', async () => {
    const { bytes, lines } = await play('kept', { environment: { CI: 'true' } });
    expect(bytes).not.toContain('\u001b[?25l');
    expect(lines).toContain('guard: Verify: healthy (152 ms)');
  });
});
