import { readFile, readdir } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';

// Holds the table of ARCHITECTURE.md: what each room may import, and what only one place may do.

const source = resolve(import.meta.dirname, '../src');

const vocabulary = ['.'];
const mayImport: Readonly<Record<string, readonly string[]>> = {
  '.': [],
  incus: [],
  platform: [],
  journal: [],
  config: [],
  health: ['incus'],
  run: ['health', 'incus', 'journal'],
  'package-hook': ['incus'],
  rollout: ['run', 'health', 'incus', 'journal', 'config'],
  doctor: [],
  notify: ['health', 'config'],
  agent: ['package-hook', 'run', 'health', 'incus', 'journal', 'config'],
  rehearsal: ['run', 'health', 'incus', 'journal'],
  report: ['run', 'journal', 'package-hook'],
  cli: [
    'rehearsal',
    'package-hook',
    'rollout',
    'config',
    'run',
    'report',
    'journal',
    'agent',
    'notify',
    'health',
    'incus',
  ],
};

interface SourceFile {
  readonly path: string;
  readonly room: string;
  readonly text: string;
}

const files: readonly SourceFile[] = await Promise.all(
  (await readdir(source, { recursive: true }))
    .filter((path) => path.endsWith('.ts'))
    .map(async (path) => ({
      path,
      room: dirname(path).split('/')[0] ?? '.',
      text: await readFile(join(source, path), 'utf8'),
    })),
);

const importsOf = (file: SourceFile): string[] =>
  [...file.text.matchAll(/(?:from|import\()\s*'(\.[^']+)'/g)].map((match) =>
    relative(source, resolve(source, dirname(file.path), match[1] ?? '')),
  );

describe('rooms', () => {
  test.each(files.filter((file) => file.path !== 'main.ts'))('$path imports only what its room may', (file) => {
    const allowed = [...vocabulary, file.room, ...(mayImport[file.room] ?? [])];
    const foreign = importsOf(file).filter((path) => !allowed.includes(dirname(path).split('/')[0] ?? '.'));
    expect(foreign).toEqual([]);
  });

  test('the table names every room', () => {
    expect(new Set(Object.keys(mayImport))).toEqual(
      new Set([...files.map((file) => file.room), 'agent', 'config', 'journal', 'report']),
    );
  });
});

describe('habits', () => {
  const offenders = (pattern: RegExp, except: (file: SourceFile) => boolean): string[] =>
    files.filter((file) => !except(file) && pattern.test(withoutComments(file.text))).map((file) => file.path);

  const withoutComments = (text: string): string => text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/\/\/.*$/gm, '');

  test('nothing prints outside report/, main.ts and what starts it', () => {
    expect(
      offenders(
        /\bconsole\.|process\.(stdout|stderr)\b/,
        (file) => file.room === 'report' || ['main.ts', 'launcher.ts', 'single-file.ts'].includes(file.path),
      ),
    ).toEqual([]);
  });

  test('nothing exits outside main.ts', () => {
    expect(offenders(/process\.exit\b/, (file) => file.path === 'main.ts')).toEqual([]);
  });

  test('time comes in as an argument', () => {
    expect(
      offenders(
        /\bDate\.now\(|\bnew Date\(\)|performance\.now\(|process\.uptime\(|\bset(Timeout|Interval)\(/,
        (file) => file.path === 'clock.ts',
      ),
    ).toEqual([]);
  });

  test('a DELETE is only written where it can only mean a snapshot, a file or a rehearsal copy (promise 1)', () => {
    expect(
      offenders(/'DELETE'/, (file) => file.path === 'incus/client.ts' || file.path === 'incus/removal.ts'),
    ).toEqual([]);
  });

  test('only the function that has proven that a copy is its own can name one for a DELETE (promise 1)', () => {
    expect(
      offenders(/\bverified(Copy|Volume)\b/, ({ path }) =>
        ['incus/removal.ts', 'incus/rehearsal/removal.ts'].includes(path),
      ),
    ).toEqual([]);
    const names = /kind: 'rehearsal-(copy|volume)'/g;
    expect(files.flatMap(({ path, text }) => [...text.matchAll(names)].map(() => path))).toEqual(
      Array.from({ length: 4 }, () => 'incus/removal.ts'),
    );
  });
});
