import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseDocument } from 'yaml';

import { readPlainYaml } from '../../src/incus/plain-yaml.ts';

test('what the incus command writes is read without the library', () => {
  const text = `default-remote: prod
remotes:
  images:
    addr: https://images.example.org
    protocol: simplestreams
    public: true
  prod:
    addr: https://prod.example.org:8443
    auth_type: tls
    project: default
    protocol: incus
    public: false
aliases: {}
`;
  expect(readPlainYaml(text)).toEqual(parseDocument(text).toJS());
});

test.each([
  ['a comment', 'default-remote: prod # mine\n'],
  ['a list', 'remotes:\n  - one\n'],
  ['quotes', 'default-remote: "prod"\n'],
  ['nothing where a value belongs', 'default-remote:\n'],
  ['a key twice', 'a: one\na: two\n'],
  ['a word that is none', 'a: null\n'],
  ['a tab', 'a:\n\tb: one\n'],
  ['an anchor', 'a: &b c\n'],
  ['less indentation than begun with', 'a:\n    b: one\n  c: two\n'],
  ['nothing at all', ''],
])('%s is left to the library', (_what, text) => {
  expect(readPlainYaml(text)).toBeNull();
});

test('what is read is what the library reads', () => {
  const word = fc.constantFrom(
    'a',
    'b-c',
    'unix://',
    'https://x:1',
    '/p',
    'true',
    'false',
    'No',
    '{}',
    '""',
    '~',
    'Null',
    '1',
    '.5',
    'a:',
    'e1',
  );
  const line = fc
    .tuple(fc.integer({ min: 0, max: 3 }), word, fc.constantFrom(':', ': ', ':  ', ' : ', '', ':\t'), fc.option(word))
    .map(([indent, key, colon, value]) => `${' '.repeat(indent)}${key}${colon}${value ?? ''}`);
  const text = fc.array(line, { maxLength: 6 }).map((lines) => lines.join('\n'));
  let read = 0;
  fc.assert(
    fc.property(text, (written) => {
      const found = readPlainYaml(written);
      if (found === null) return;
      read += 1;
      const document = parseDocument(written);
      expect(document.errors).toEqual([]);
      expect(found).toEqual(document.toJS());
    }),
    { numRuns: 20_000 },
  );
  expect(read).toBeGreaterThan(10);
});
