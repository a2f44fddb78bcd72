import { readFile, writeFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parse } from 'acorn';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { nodeProblem } from '../../src/node-version.ts';

const root = resolve(import.meta.dirname, '../..');
const program = join(root, 'dist/guard.cjs');

describe('which Node guard runs on', () => {
  const good = ['20.19.0', '20.20.2', '22.12.0', '22.22.1', '23.0.0', '24.0.0', '26.12.1', '100.0.0'];
  const bad = ['0.12.18', '12.22.12', '18.20.4', '19.9.0', '20.0.0', '20.18.3', '21.7.3', '22.0.0', '22.11.0'];

  test.each(good)('%s', (version) => expect(nodeProblem(version)).toBeNull());
  test.each(bad)('not %s', (version) => expect(nodeProblem(version)).toContain(`this is Node ${version}:`));

  test('package.json says the same', async () => {
    const { engines } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { engines: { node: string } };
    expect(engines.node).toBe('^20.19.0 || >=22.12.0');
    // 23 is in the second half, as in the function.
    expect(nodeProblem('23.0.0')).toBeNull();
  });
});

describe('on another Node', () => {
  let folder = '';
  let disguise = '';
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'guard-node-'));
    disguise = join(folder, 'disguise.cjs');
    await writeFile(
      disguise,
      "Object.defineProperty(process.versions, 'node', { value: '18.20.4' }); const { Module } = require('node:module');",
    );
  });
  afterAll(() => rm(folder, { recursive: true }));

  test.each([
    [['--version']],
    [['--help']],
    [[]],
    [['web', '--', 'true']],
    [['run', 'web', '--', 'true']],
    [['check', 'web']],
    [['agent']],
    [['completion', 'bash']],
    [['doctor']],
    [['nonsense']],
  ])('%j says one sentence and ends with 70', async (words) => {
    const { exitCode, stdout, stderr } = await execa(process.execPath, ['-r', disguise, program, ...words], {
      reject: false,
      stdin: 'ignore',
    });
    expect({ exitCode, stdout, stderr }).toEqual({
      exitCode: 70,
      stdout: '',
      stderr: `guard: ${nodeProblem('18.20.4')}`,
    });
  });

  test('the launcher is in the syntax of Node 12, and requires nothing before it has said so', async () => {
    const text = await readFile(program, 'utf8');
    // ES2019 is what Node 12 has without exception.
    const { body } = parse(text, { ecmaVersion: 2019, sourceType: 'script', allowHashBang: true });
    expect(body.length).toBeGreaterThan(0);
    const alone = join(folder, 'guard.cjs');
    // Without `node:` modules, as before Node 14.18.
    const old = join(folder, 'old.cjs');
    await writeFile(
      old,
      `${await readFile(disguise, 'utf8')}
const load = Module._load;
Module._load = (name, ...more) => { if (name.startsWith('node:')) throw new Error('Cannot find module ' + name); return load(name, ...more); };`,
    );
    await writeFile(alone, text);
    const { exitCode, stderr } = await execa(process.execPath, ['-r', old, alone, 'web', '--', 'true'], {
      reject: false,
    });
    expect({ exitCode, stderr }).toEqual({ exitCode: 70, stderr: `guard: ${nodeProblem('18.20.4')}` });
  });
});
