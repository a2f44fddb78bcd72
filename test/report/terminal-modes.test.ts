import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { createTerminalModes } from '../../src/report/terminal-modes.ts';

const leftBy = (...chunks: readonly string[]): string => {
  const modes = createTerminalModes();
  for (const chunk of chunks) modes.see(Buffer.from(chunk));
  return modes.undo().replaceAll('\u001b', '␛');
};

test('plain text leaves nothing', () => {
  expect(leftBy('Setting up libc6 (2.36) ...\r\n', 'grün [?1049h')).toBe('');
});

test('colours are ended', () => {
  expect(leftBy('\u001b[31mred')).toBe('␛[0m');
});

test('a program that cleans up leaves nothing but colours to end', () => {
  expect(leftBy('\u001b[?1049h\u001b[?25l\u001b[?1h', 'text', '\u001b[?1l\u001b[?25h\u001b[?1049l')).toBe('␛[0m');
});

test('what a killed editor left is undone, the alternate screen first', () => {
  expect(leftBy('\u001b[?2004h\u001b[?1049h\u001b[?25l\u001b[?1000;1006h\u001b[?7l')).toBe(
    '␛[?1049l␛[?7h␛[?25h␛[?1000l␛[?1006l␛[?2004l␛[0m',
  );
});

test('modes that are nobody’s business stay', () => {
  expect(leftBy('\u001b[?3h\u001b[4h\u001b[?9999h')).toBe('␛[0m');
});

test('what was undone once is forgotten', () => {
  const modes = createTerminalModes();
  modes.see(Buffer.from('\u001b[?25l'));
  expect(modes.undo()).not.toBe('');
  expect(modes.undo()).toBe('');
});

test('a sequence that is cut anywhere is seen all the same', () => {
  const text = 'a\u001b[1mb\u001b[?1049h\u001b[?25lc\u001b[?2004h\u001b[0m';
  fc.assert(
    fc.property(fc.array(fc.nat(text.length), { maxLength: 6 }), (cuts) => {
      const places = [0, ...cuts.toSorted((a, b) => a - b), text.length];
      const chunks = places.slice(1).map((end, index) => text.slice(places[index], end));
      expect(leftBy(...chunks)).toBe(leftBy(text));
    }),
  );
});

test('an endless sequence is not remembered', () => {
  expect(leftBy('\u001b[?' + '1'.repeat(1_000_000), '049h')).toBe('␛[0m');
});
