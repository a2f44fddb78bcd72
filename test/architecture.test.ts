import { readFile, readdir } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';

// Checks the table of ARCHITECTURE.md: what each layer may import, and what only one place may do.

const source = resolve(import.meta.dirname, '../src');

const architecture = await readFile(resolve(import.meta.dirname, '../ARCHITECTURE.md'), 'utf8');

/** The rows of the table: the layer's folder, and the folders that it may import. */
const mayImport = layersOf(architecture);

/** The files and folders of each row of the table of `run/`, lowest first. */
const rowsOfRun = rowsUnder(architecture, '| in `run/` |').map((row) =>
  [...(row.split('|')[1] ?? '').matchAll(/`([^`]+)`/g)].map((match) => `run/${match[1]}`),
);

function rowsUnder(text: string, heading: string): string[] {
  const table = text.slice(text.indexOf(heading));
  return table.slice(0, table.indexOf('\n\n')).split('\n').slice(2);
}

function layersOf(text: string): ReadonlyMap<string, readonly string[]> {
  return new Map(
    rowsUnder(text, '| layer |').flatMap((row) => {
      const [, layer = '', , imports = ''] = row.split('|').map((cell) => cell.trim());
      const folder = /^`([a-z/-]+)\/`$/.exec(layer)?.[1];
      return folder === undefined ? [] : [[folder, imports === 'nothing' ? [] : imports.split(', ')]];
    }),
  );
}

interface SourceFile {
  readonly path: string;
  readonly layer: string;
  readonly text: string;
}

/** The longest row that a file is under; `.` for the vocabulary and the wiring beside the layers. */
function layerOf(path: string): string {
  const layers = [...mayImport.keys()].filter((layer) => path.startsWith(`${layer}/`));
  return layers.toSorted((a, b) => b.length - a.length)[0] ?? dirname(path).split('/')[0] ?? '.';
}

const files: readonly SourceFile[] = await Promise.all(
  (await readdir(source, { recursive: true }))
    .filter((path) => path.endsWith('.ts'))
    .map(async (path) => ({ path, layer: layerOf(path), text: await readFile(join(source, path), 'utf8') })),
);

function importsOf(file: SourceFile): string[] {
  return [...file.text.matchAll(/(?:from|import\()\s*'(\.[^']+)'/g)].map((match) =>
    relative(source, resolve(source, dirname(file.path), match[1] ?? '')),
  );
}

describe('layers', () => {
  test.each(files.filter((file) => file.path !== 'main.ts'))('$path imports only what its layer may', (file) => {
    const allowed = ['.', file.layer, ...(mayImport.get(file.layer) ?? [])];
    expect(importsOf(file).filter((path) => !allowed.includes(layerOf(path)))).toEqual([]);
  });

  test('the table has a row for each folder, and names no other', () => {
    const folders = new Set(files.map((file) => file.layer).filter((layer) => layer !== '.'));
    expect(new Set(mayImport.keys())).toEqual(folders);
    expect([...mayImport.values()].flat().filter((layer) => !folders.has(layer))).toEqual([]);
  });

  test('no layer imports another one that imports it', () => {
    const reached = (from: string, seen: ReadonlySet<string> = new Set()): string[] =>
      (mayImport.get(from) ?? []).flatMap((to) => (seen.has(to) ? [] : [to, ...reached(to, new Set([...seen, to]))]));
    expect([...mayImport.keys()].filter((layer) => reached(layer).includes(layer))).toEqual([]);
  });
});

describe('inside run/', () => {
  const inRun = files.filter((file) => file.layer === 'run');
  const isIn = (row: readonly string[], path: string): boolean =>
    row.some((name) => (name.endsWith('/') ? path.startsWith(name) : path === name));
  const rowOf = (path: string): number => rowsOfRun.findIndex((row) => isIn(row, path));

  test('each file is in one row of the table, and each name of a row is there', () => {
    expect(inRun.filter(({ path }) => rowsOfRun.filter((row) => isIn(row, path)).length !== 1)).toEqual([]);
    expect(rowsOfRun.flat().filter((name) => !inRun.some(({ path }) => isIn([name], path)))).toEqual([]);
  });

  test('nothing imports from a row below its own', () => {
    const upwards = inRun.flatMap((file) =>
      importsOf(file)
        .filter((path) => path.startsWith('run/') && rowOf(path) > rowOf(file.path))
        .map((path) => `${file.path} imports ${path}`),
    );
    expect(upwards).toEqual([]);
  });

  test('no two rooms import each other', () => {
    const roomOf = (path: string): string => path.split('/').slice(0, 2).join('/');
    const imports = new Map<string, string[]>();
    for (const file of inRun) {
      const others = importsOf(file).filter((path) => path.startsWith('run/') && roomOf(path) !== roomOf(file.path));
      imports.set(roomOf(file.path), [...(imports.get(roomOf(file.path)) ?? []), ...others.map(roomOf)]);
    }
    expect(circlesOf(imports)).toEqual([]);
  });
});

test('no files import each other in a circle, not even their types', () => {
  expect(circlesOf(new Map(files.map((file) => [file.path, importsOf(file)])))).toEqual([]);
});

/** Each circle, from the first of its names that was found. */
function circlesOf(imports: ReadonlyMap<string, readonly string[]>): string[] {
  const done = new Set<string>();
  const circles: string[] = [];
  const follow = (name: string, from: readonly string[]): void => {
    if (from.includes(name)) circles.push([...from.slice(from.indexOf(name)), name].join(' → '));
    if (from.includes(name) || done.has(name)) return;
    for (const to of imports.get(name) ?? []) follow(to, [...from, name]);
    done.add(name);
  };
  for (const name of imports.keys()) follow(name, []);
  return circles;
}

describe('habits', () => {
  const offenders = (pattern: RegExp, except: (file: SourceFile) => boolean): string[] =>
    files.filter((file) => !except(file) && pattern.test(withoutComments(file.text))).map((file) => file.path);

  const withoutComments = (text: string): string => text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/\/\/.*$/gm, '');

  test('nothing prints outside report/, main.ts and what starts it', () => {
    expect(
      offenders(
        /\bconsole\.|process\.(stdout|stderr)\b/,
        (file) => file.layer === 'report' || ['main.ts', 'launcher.ts', 'single-file.ts'].includes(file.path),
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

  test('people read times in one form: only what a machine reads has another one', () => {
    expect(
      offenders(
        /\.toISOString\(|\.toLocale\w*String\(|\.toUTCString\(/,
        // The id of a run, a day of a certificate, JUnit, and the attribute of an HTML element.
        (file) =>
          file.layer.startsWith('platform/') ||
          ['journal/run-id.ts', 'health/protocols/certificate.ts', 'report/junit.ts', 'report/page/parts.ts'].includes(
            file.path,
          ),
      ),
    ).toEqual([]);
  });

  test('a DELETE is only written where it can only mean a snapshot, a file or a rehearsal copy (promise 1)', () => {
    expect(
      offenders(
        /'DELETE'/,
        (file) => file.path === 'platform/incus/http/client.ts' || file.path === 'platform/incus/http/removal.ts',
      ),
    ).toEqual([]);
  });

  test("only the adapter knows Incus' API, key names, drivers and database", () => {
    expect(
      offenders(
        /\/1\.0\/|\bvolatile\.|\buser\.guard\b|'(btrfs|zfs|lvm|ceph|dir)'|\bUPDATE \w+ SET\b/,
        // `guard doctor` explains the drivers to a person, by their names.
        (file) => file.layer.startsWith('platform/') || file.path === 'doctor/judge.ts',
      ),
    ).toEqual([]);
  });

  test('only the function that has proven that a copy is its own can name one for a DELETE (promise 1)', () => {
    expect(
      offenders(/\bverified(Copy|Volume)\b/, ({ path }) =>
        ['platform/incus/http/removal.ts', 'platform/incus/rehearsal/removal.ts'].includes(path),
      ),
    ).toEqual([]);
    const names = /kind: 'rehearsal-(copy|volume)'/g;
    expect(files.flatMap(({ path, text }) => [...text.matchAll(names)].map(() => path))).toEqual(
      Array.from({ length: 4 }, () => 'platform/incus/http/removal.ts'),
    );
  });
});
