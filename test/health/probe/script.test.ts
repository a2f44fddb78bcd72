import { execa } from 'execa';
import { describe, expect, test } from 'vitest';
import { preflightFrom, type Preflight } from '../../../src/health/probe/preflight.ts';
import { parseProbe } from '../../../src/health/probe/probe.ts';
import { probeInput } from '../../../src/health/probe/script.ts';
import { sectionsOf } from '../../../src/health/probe/sections.ts';

const nonce = 'feedfacefeedfacefeedfacefeedface';

const run = async (shell: readonly string[], wanted: string | null = null): Promise<string> => {
  const [file = 'sh', ...words] = shell;
  const { stdout, stderr } = await execa(file, [...words, '-s', ...(wanted === null ? [] : ['--', wanted])], {
    input: probeInput(nonce, { preflight: wanted !== null }),
    reject: false,
    stripFinalNewline: false,
  });
  return `${stdout}\n${stderr}`;
};

const exists = async (shell: readonly string[]): Promise<boolean> => {
  const [file = 'sh', ...words] = shell;
  const { exitCode } = await execa(file, [...words, '-c', ':'], { reject: false });
  return exitCode === 0;
};

const shells = [[['sh']], [['dash']], [['bash', '--posix']], [['bash']], [['busybox', 'sh']]];

const preflightOf = (text: string): Preflight | null => preflightFrom(sectionsOf(text, nonce));

describe('the probe, read by the shells of this machine', () => {
  test.each(shells)('%j', async (shell) => {
    if (!(await exists(shell))) return;
    const text = await run(shell);
    expect(preflightOf(text)).toBeNull();
    const names = [...sectionsOf(text, nonce).keys()];
    for (const name of [
      'self',
      'units',
      'inet',
      'unix',
      'owners',
      'processes',
      'addresses',
      'routes',
      'space',
      'lines',
    ])
      expect(names).toContain(name);
    expect(text).toContain(`\n${nonce} done`);
    expect(parseProbe(text, nonce).ok).toBe(true);
  });

  test('writes test files, and none where it must only read', async () => {
    const sections = async (readOnly: boolean): Promise<readonly string[]> => {
      const { stdout } = await execa('sh', ['-s'], { input: probeInput(nonce, { readOnly }) });
      return [...sectionsOf(stdout, nonce).keys()];
    };
    expect(await sections(false)).toContain('writetest');
    expect(await sections(true)).not.toContain('writetest');
  });

  test('nothing but sections comes on either stream', async () => {
    const text = await run(['sh']);
    const outside = text.replaceAll(new RegExp(`${nonce} begin (\\w+)\\n[^]*?\\n${nonce} end \\1 \\d+\\n`, 'g'), '');
    expect(outside.trim()).toBe(`${nonce} done`);
  });
});

describe('the preflight of a look', () => {
  test.each(shells)('comes before anything else, and the look is whole: %j', async (shell) => {
    if (!(await exists(shell))) return;
    const text = await run(shell, 'grep');
    expect(text.indexOf(`${nonce} end found`)).toBeLessThan(text.indexOf(`${nonce} begin self`));
    expect(preflightOf(text.slice(0, text.indexOf(`${nonce} begin self`)))).toMatchObject({ found: true });
    expect(preflightOf(text.slice(0, text.indexOf(`${nonce} begin found`)))).toBeNull();
    expect(
      sectionsOf(text, nonce)
        .get('ready')
        ?.lines.some((line) => line.startsWith('self ')),
    ).toBe(true);
    expect(parseProbe(text, nonce).ok).toBe(true);
  });

  test.each([
    ['no-such-program', false],
    ['/bin/sh', true],
    ['/etc/passwd', false],
    ['/etc', false],
    ['bin/sh', false],
    ['../bin/sh', false],
    ['-x', false],
    ['', false],
    ["$(reboot); 'x'", false],
  ])('%j: found %j', async (wanted, found) => {
    expect(preflightOf(await run(['sh'], wanted))).toMatchObject({ found });
  });
});
