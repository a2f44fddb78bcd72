import { readFile, readdir } from 'node:fs/promises';
import { builtinModules } from 'node:module';
import { dirname, join, normalize, resolve } from 'node:path';
import { execa } from 'execa';
import { beforeAll, describe, expect, test } from 'vitest';

// What `npm publish` would send, and what somebody gets who installs it.

const root = resolve(import.meta.dirname, '../..');

interface Manifest {
  readonly bin: Readonly<Record<string, string>>;
  readonly man: readonly string[];
  readonly [field: string]: unknown;
}

const manifest = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as Manifest;
const isBuiltin = (name: string): boolean => builtinModules.includes(name.replace(/^node:/, ''));
let packed: readonly string[] = [];

beforeAll(async () => {
  const { stdout } = await execa('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], { cwd: root });
  // npm 11.x gives a list, later ones a record by name.
  const [report] = Object.values(JSON.parse(stdout) as Record<string, { files: { path: string }[] }>);
  packed = report?.files.map(({ path }) => path) ?? [];
});

describe('the npm package', () => {
  test('has the program, the licences, the manual, what is installed inside instances, and no sources', () => {
    expect(packed).toEqual(
      expect.arrayContaining([
        ...Object.values(manifest.bin),
        ...manifest.man,
        'LICENSE',
        'README.md',
        'CHANGELOG.md',
        'dist/THIRD-PARTY-LICENSES.txt',
        'hooks/guard-hook',
        'hooks/systemd/guard-agent.service',
        'schema/guard.schema.json',
      ]),
    );
    for (const kind of ['program', 'libraries'])
      expect(packed.filter((path) => new RegExp(`^dist/${kind}-\\w+\\.cjs$`).test(path))).toHaveLength(1);
    const folders = new Set(packed.map((path) => (path.includes('/') ? path.split('/')[0] : '.')));
    expect(folders).toEqual(new Set(['.', 'dist', 'docs', 'examples', 'hooks', 'man', 'schema']));
    expect(packed.filter((path) => /\.ts$|generator|node_modules/.test(path))).toEqual([]);
  });

  test('has every page and picture that its documentation links to', async () => {
    const pages = packed.filter((path) => path.endsWith('.md') && path !== 'CHANGELOG.md');
    const links = await Promise.all(
      pages.map(async (page) => {
        const text = await readFile(join(root, page), 'utf8');
        const targets = [...text.matchAll(/\]\(([^)\s#]+)[^)]*\)/g)].map(([, target = '']) => target);
        return targets
          .filter((target) => !/^[a-z]+:/.test(target))
          .map((target) => ({ page, target: normalize(join(dirname(page), target)) }));
      }),
    );
    expect(links.flat().length).toBeGreaterThan(50);
    const missing = links
      .flat()
      .map(({ target }) => target)
      .filter((target) => !packed.includes(target));
    // These describe or need the source code, which the package does not contain.
    expect(missing.toSorted()).toEqual([
      'ARCHITECTURE.md',
      'CONTRIBUTING.md',
      'action.yml',
      'ansible/README.md',
      'test/corpus/reports',
    ]);
  });

  test('depends on nothing: what the program requires is its own or of Node', async () => {
    expect(manifest['dependencies']).toBeUndefined();
    expect(manifest['optionalDependencies']).toBeUndefined();
    expect(manifest['peerDependencies']).toBeUndefined();
    const bundles = packed.filter((path) => path.endsWith('.cjs'));
    const texts = await Promise.all(bundles.map((path) => readFile(join(root, path), 'utf8')));
    const required = new Set(
      texts.flatMap((text) => [...text.matchAll(/\brequire\("([^"]+)"\)/g)].map(([, name]) => name)),
    );
    expect(required.size).toBeGreaterThan(10);
    expect([...required].filter((name = '') => !isBuiltin(name) && !name.startsWith('./'))).toEqual([]);
  });

  test('carries the licence of every package that is in the program', async () => {
    const text = await readFile(join(root, 'dist/THIRD-PARTY-LICENSES.txt'), 'utf8');
    const named = [...text.matchAll(/^={80}\n(\S+) (\S+)\nLicence: (\S+)\n={80}$/gm)].map(([, name]) => name);
    expect(named).toEqual(
      expect.arrayContaining([
        'commander',
        'dns-packet',
        'execa',
        'listr2',
        'picomatch',
        'prom-client',
        'tar',
        'ws',
        'yaml',
        'zod',
      ]),
    );
    expect(text).toContain(`parts of these ${named.length} packages`);
    // Tools of the build and of the tests are not in it.
    for (const tool of ['esbuild', 'vitest', 'typescript', 'knip']) expect(named).not.toContain(tool);
    expect(text.match(/copyright/gi)?.length).toBeGreaterThanOrEqual(named.length);
  });
});

describe('the lock file', () => {
  interface Lock {
    readonly packages: Readonly<
      Record<string, { readonly resolved?: string; readonly optionalDependencies?: Readonly<Record<string, string>> }>
    >;
  }

  test('names the optional packages of every platform, which `npm ci` asks for, and no registry', async () => {
    const { packages } = JSON.parse(await readFile(join(root, 'package-lock.json'), 'utf8')) as Lock;
    const missing = Object.entries(packages).flatMap(([path, { optionalDependencies = {} }]) =>
      Object.keys(optionalDependencies).filter(
        (name) => !(`${path}/node_modules/${name}` in packages) && !(`node_modules/${name}` in packages),
      ),
    );
    expect(missing).toEqual([]);
    expect(Object.keys(packages).filter((path) => path.includes('@esbuild/')).length).toBeGreaterThan(20);
    expect(Object.values(packages).filter(({ resolved }) => resolved !== undefined)).toEqual([]);
  });
});

test('prepare.sh installs with npm ci', async () => {
  expect(await readFile(join(root, 'test/prepare.sh'), 'utf8')).toMatch(/^ {2}npm ci /m);
  expect((await readdir(root)).includes('npm-shrinkwrap.json')).toBe(false);
});
