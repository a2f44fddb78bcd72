import { describe, expect, test } from 'vitest';
import { isAsShown, readPage, withPlaceholders } from './console.ts';

describe('a page', () => {
  test('is read as commands with what they print, files, and what is left out', () => {
    const page = [
      '<!-- first',
      '$ incus launch images:debian/12 web',
      '-->',
      'Write:',
      '```yaml',
      '# guard.yaml',
      'defaults:',
      '```',
      '```console',
      '$ guard web -- sh -c "',
      '> true"',
      'guard: kept',
      '$ echo $?',
      '0',
      '```',
      '<!-- not run: it needs a second machine -->',
      '',
      '```console',
      '$ guard far:web -- true',
      '```',
    ].join('\n');
    expect(readPage(page)).toEqual({
      steps: [
        { kind: 'command', line: 2, words: 'incus launch images:debian/12 web', expected: null },
        { kind: 'file', line: 6, path: 'guard.yaml', text: '# guard.yaml\ndefaults:\n' },
        { kind: 'command', line: 10, words: 'guard web -- sh -c "\ntrue"', expected: ['guard: kept'] },
        { kind: 'command', line: 13, words: 'echo $?', expected: ['0'] },
      ],
      left: ['it needs a second machine'],
    });
  });
});

describe('what was printed', () => {
  test('is compared without what the shell says of a job that was killed', () => {
    const news = '/tmp/guard-docs-a/script.sh: line 42: 18928 Killed                  guard --quiet web -- sleep 600';
    expect(isAsShown(['guard: kept'], ['guard: kept', news])).toBe(true);
    expect(isAsShown(['guard: kept'], ['guard: kept', 'script.sh: line 42: syntax error'])).toBe(false);
  });

  test('is compared without the progress of an image that is used for the first time', () => {
    const progress = 'Retrieving image: Unpacking image: 100% (1.05GB/s)  ';
    expect(isAsShown(['Launching web'], ['Launching web', progress])).toBe(true);
  });

  test('may differ in times, runs, addresses and versions', () => {
    const shown =
      'guard: Restore point: guard-20261123-070604-vn8b (56 ms), nginx 1.22.1-9+deb12u11 (new) at 10.0.0.1:80';
    const printed =
      'guard: Restore point: guard-20271201-235959-abcd (1 min 2 s), nginx 1.24~rc1 (new) at 10.86.1.2:80';
    expect(isAsShown([shown], [printed])).toBe(true);
    expect(withPlaceholders(shown)).toBe('guard: Restore point: guard-RUN (TIME), nginx VERSION (new) at ADDRESS:80');
  });

  test('may not differ in words, nor have lines more or fewer', () => {
    expect(isAsShown(['guard: kept'], ['guard: rolled back'])).toBe(false);
    expect(isAsShown(['guard: kept'], ['guard: kept', 'more'])).toBe(false);
    expect(isAsShown(['guard: kept', 'more'], ['guard: kept'])).toBe(false);
    expect(isAsShown(['10'], ['11'])).toBe(false);
  });

  test('may be shortened in the page', () => {
    expect(isAsShown(['first', '…', 'last …'], ['first', 'a', '5 %\r10 %\r', 'last but one'])).toBe(true);
    expect(isAsShown(['first', '…'], ['first'])).toBe(true);
    expect(isAsShown(['first', '…', 'last'], ['first', 'a'])).toBe(false);
  });
});
