import { resolve } from 'node:path';
import { execa } from 'execa';
import { expect, test } from 'vitest';

const program = resolve(import.meta.dirname, '../../dist/guard.cjs');

const shell = (script: string) =>
  execa('sh', ['-c', script, 'sh', process.execPath, program], { reject: false, stdin: 'ignore' });

test('64: an argument that is not UTF-8 would arrive changed, and is refused', async () => {
  const { exitCode, stderr } = await shell('exec "$1" "$2" no-such-instance -- touch "$(printf "a\\377")"');
  expect({ exitCode, stderr }).toMatchObject({ exitCode: 64, stderr: expect.stringContaining('not valid UTF-8') });
});

test('a replacement character that was really typed is none of these', async () => {
  const { stderr } = await shell('exec "$1" "$2" no-such-instance -- touch "$(printf "a\\357\\277\\275")"');
  expect(stderr).not.toContain('not valid UTF-8');
});

test('a working directory that was deleted is no fault of guard', async () => {
  const { exitCode, stderr } = await shell(
    'd=$(mktemp -d); cd "$d"; rmdir "$d"; exec "$1" "$2" no-such-instance -- true',
  );
  expect(exitCode).not.toBe(70);
  expect(stderr).not.toContain('bug');
});
