import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { commandCheck, nameChecks } from '../src/check-default.ts';

describe('names of checks', () => {
  it('are what is asked, where none was given', () => {
    const [first, second] = nameChecks([commandCheck('pgrep -x   nginx'), commandCheck(`test ${'x'.repeat(100)}`)]);
    expect(first).toMatchObject({ name: 'pgrep -x nginx', command: ['sh', '-c', 'pgrep -x   nginx'] });
    expect(second?.name).toHaveLength(60);
  });

  it('are always unique', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom('true', 'false', 'true (2)', 'a  b', 'a b')), (commands) => {
        const names = nameChecks(commands.map((command) => commandCheck(command))).map(({ name }) => name);
        expect(new Set(names).size).toBe(commands.length);
      }),
    );
  });

  it('that were given stay, and are not taken by others', () => {
    const named = { ...commandCheck('false'), name: 'true' };
    expect(nameChecks([commandCheck('true'), named]).map(({ name }) => name)).toEqual(['true (2)', 'true']);
  });
});
