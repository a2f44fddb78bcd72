import { execa } from 'execa';
import { describe, expect, test } from 'vitest';
import { parseProbe } from '../../../src/health/probe/probe.ts';
import { probeInput } from '../../../src/health/probe/script.ts';
import { sectionsOf } from '../../../src/health/probe/sections.ts';

const nonce = 'feedfacefeedfacefeedfacefeedface';

const run = async (shell: readonly string[]): Promise<string> => {
  const [file = 'sh', ...words] = shell;
  const { stdout, stderr } = await execa(file, [...words, '-s'], {
    input: probeInput(nonce),
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

describe('the probe, read by the shells of this machine', () => {
  test.each([[['sh']], [['dash']], [['bash', '--posix']], [['bash']], [['busybox', 'sh']]])('%j', async (shell) => {
    if (!(await exists(shell))) return;
    const text = await run(shell);
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

  test('nothing but sections comes on either stream', async () => {
    const text = await run(['sh']);
    const outside = text.replaceAll(new RegExp(`${nonce} begin (\\w+)\\n[^]*?\\n${nonce} end \\1 \\d+\\n`, 'g'), '');
    expect(outside.trim()).toBe(`${nonce} done`);
  });
});
