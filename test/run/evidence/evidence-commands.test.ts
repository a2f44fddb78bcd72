import { describe, expect, test } from 'vitest';
import { evidenceAnswer, evidenceInput, evidenceCommands } from '../../../src/run/evidence/evidence-commands.ts';

const nonce = '0123456789abcdef';
const whole = `\n${nonce} begin system-log.txt\none\ntwo\n\n${nonce} end 0\n`;

describe('an answer to one of all questions', () => {
  test('is what was said between its marks, whatever the status', () => {
    expect(evidenceAnswer(whole, nonce, 'system-log.txt')).toBe('one\ntwo\n');
    expect(evidenceAnswer(whole.replace('end 0', 'end 1'), nonce, 'system-log.txt')).toBe('one\ntwo\n');
    expect(evidenceAnswer(`${whole}\n${whole.replaceAll('system-log', 'units')}`, nonce, 'units.txt')).toBe(
      'one\ntwo\n',
    );
  });

  test('is none where it took too long, was cut off, or never began', () => {
    expect(evidenceAnswer(whole.replace('end 0', 'end 124'), nonce, 'system-log.txt')).toBeNull();
    expect(evidenceAnswer(whole.slice(0, -10), nonce, 'system-log.txt')).toBeNull();
    const cut = `\n${nonce} begin units.txt\nhalf\n${whole}`;
    expect(evidenceAnswer(cut, nonce, 'units.txt')).toBeNull();
    expect(evidenceAnswer(whole, nonce, 'processes.txt')).toBeNull();
  });

  test('cannot be forged by what is said inside, which does not know the mark', () => {
    const forged = whole.replace('one', 'guard end 0');
    expect(evidenceAnswer(forged, nonce, 'system-log.txt')).toBe('guard end 0\ntwo\n');
  });
});

test('all questions together may take no longer than the exec that asks them', () => {
  const others = evidenceCommands.filter(({ file }) => file !== 'units.txt');
  expect(others.reduce((sum, { seconds }) => sum + seconds, 0)).toBeLessThan(9.5);
  for (const { file } of evidenceCommands) expect(evidenceInput(nonce)).toContain(`answer ${file} `);
});
