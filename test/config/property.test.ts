import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { writeTime } from '../../src/config/limits.ts';
import { parseDuration } from '../../src/duration.ts';
import { formatMistake } from '../../src/config/mistake.ts';
import { readPattern } from '../../src/config/pattern.ts';
import { parse } from './read.ts';

/** Whatever stands in a file, it is either right or a list of mistakes at places that exist. */
const isAnswered = (bytes: Uint8Array): void => {
  const parsed = parse(bytes);
  if (parsed.ok) return;
  expect(parsed.error.length).toBeGreaterThan(0);
  const lines = Buffer.from(bytes).toString('utf8').split('\n');
  for (const mistake of parsed.error) {
    expect(mistake.message).toMatch(/^\S.*[.?)]$/s);
    // oxlint-disable-next-line no-control-regex -- nothing that a terminal would obey
    expect(formatMistake(mistake)).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e]/);
    if (mistake.location === null) continue;
    expect(mistake.location.line).toBeLessThanOrEqual(lines.length);
    expect(mistake.location.column).toBeGreaterThan(0);
  }
};

// What YAML and guard.yaml are made of.
// prettier-ignore
const words = fc.constantFrom(
  'defaults', 'instances', 'checks', 'web', 'exec', 'http', 'tcp', 'soak', '10s', 'timeout', 'onFailure', 'okStatus', 'environment', 'null', '~',
  'true', 'yes', '0', '1.10', ':', ': ', '- ', '  ', '\n', '\n  ', '\n    ', '\n      ', '{', '}', '[', ']', ',', '"', "'", '&a ', '*a', '!!str ', '|\n',
  '>', '#', '? ', '<<: ', '---\n', '...\n', '%YAML 1.2\n', '\t', '\r\n', '{address}', '*', '__proto__', 'constructor', '\u0000', '\u2028', '\ufeff', 'ü',
);

describe('any file is answered, none throws', () => {
  test('text that looks like YAML', () => {
    const text = fc.array(words, { maxLength: 60 }).map((parts) => parts.join(''));
    fc.assert(
      fc.property(text, (given) => isAnswered(Buffer.from(given))),
      { numRuns: 3000 },
    );
  });

  test('any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (given) => isAnswered(Buffer.from(given))),
      { numRuns: 500 },
    );
  });

  test('any bytes', () => {
    fc.assert(fc.property(fc.uint8Array(), isAnswered), { numRuns: 500 });
  });

  test('any value where any other was expected', () => {
    const key = fc.oneof(words, fc.string());
    const { value } = fc.letrec<{ value: unknown }>((tie) => ({
      value: fc.oneof(
        { maxDepth: 6 },
        fc.oneof(words, fc.string(), fc.boolean(), fc.constant(null), fc.integer(), fc.double()),
        fc.array(tie('value'), { maxLength: 3 }),
        fc.dictionary(key, tie('value'), { maxKeys: 4 }),
      ),
    }));
    const file = fc.oneof(
      value,
      fc.record({ defaults: fc.dictionary(key, value), instances: fc.dictionary(key, fc.dictionary(key, value)) }),
      value.map((check) => ({ defaults: { checks: { it: check } } })),
      fc
        .tuple(fc.constantFrom('exec', 'http', 'tcp', 'dns', 'systemd', 'plugin', 'tls', 'expectBody'), value)
        .map(([name, given]) => ({ defaults: { checks: { it: { http: 'http://a/', [name]: given } } } })),
    );
    fc.assert(
      fc.property(file, (given) => isAnswered(Buffer.from(stringify(given)))),
      { numRuns: 1500 },
    );
  });
});

describe('every right file is read as what it says', () => {
  const ms = fc.oneof(
    fc.integer({ min: 1000, max: 600_000 }),
    fc.integer({ min: 1, max: 100 }).map((minutes) => minutes * 60_000),
  );
  const name = fc.stringMatching(/^[a-z][a-z0-9: _-]{0,20}[a-z]$/);
  // Any text without a NUL: quotes, newlines, what looks like a number or a comment.
  const text = fc
    .oneof(fc.string({ unit: 'grapheme', minLength: 1 }), words)
    .filter((given) => given !== '' && !given.includes('\0'));
  const word = fc.oneof(text, fc.nat(99_999));

  const check = fc.oneof(
    fc.array(word, { minLength: 1, maxLength: 4 }).map((list) => ({
      written: { exec: list },
      meant: { kind: 'exec', command: list.map(String) },
    })),
    text
      .filter((given) => given.trim() !== '')
      .map((given) => ({
        written: { host: given },
        meant: { kind: 'host', command: ['sh', '-c', given] },
      })),
    fc
      .record({ port: fc.integer({ min: 1, max: 65_535 }), timeout: ms, expect: text })
      .map(({ port, timeout, expect }) => ({
        written: { tcp: port, timeout: writeTime(timeout), expect },
        meant: { kind: 'tcp', port, timeoutMs: timeout, expect: { kind: 'text', text: expect } },
      })),
    fc.record({ query: text, answers: fc.array(text) }).map(({ query, answers }) => ({
      written: { dns: query, answers },
      meant: { kind: 'dns', query, answers },
    })),
  );

  const block = fc
    .record({
      soak: ms,
      expires: fc.option(
        ms.map((given) => given + 60_000),
        { nil: null },
      ),
      keep: fc.nat(100),
      restart: fc.boolean(),
      environment: fc.dictionary(fc.stringMatching(/^[A-Z_]{1,8}$/), fc.option(word, { nil: null }), {
        noNullPrototype: true,
      }),
      checks: fc.dictionary(name, check, { noNullPrototype: true, maxKeys: 4 }),
    })
    .map(({ soak, expires, keep, restart, environment, checks }) => ({
      written: {
        soak: writeTime(soak),
        expires: expires === null ? 'never' : writeTime(expires),
        keep,
        restart,
        environment,
        checks: Object.fromEntries(Object.entries(checks).map(([key, { written }]) => [key, written])),
      },
      meant: {
        soakMs: soak,
        expiresMs: expires,
        keep,
        restart,
        environment: Object.fromEntries(
          Object.entries(environment).map(([key, given]) => [key, given === null ? null : String(given)]),
        ),
        checks: Object.fromEntries(Object.entries(checks).map(([key, { meant }]) => [key, { ...meant, name: key }])),
      },
    }));

  test('whatever way it is written down', () => {
    const style = fc.record({
      defaultStringType: fc.constantFrom('PLAIN' as const, 'QUOTE_DOUBLE' as const, 'QUOTE_SINGLE' as const),
      collectionStyle: fc.constantFrom('any' as const, 'block' as const, 'flow' as const),
      indent: fc.integer({ min: 1, max: 6 }),
    });
    fc.assert(
      fc.property(block, block, style, (defaults, web, options) => {
        const file = { defaults: defaults.written, instances: { 'web-*': web.written } };
        const parsed = parse(stringify(file, { ...options, aliasDuplicateObjects: false, lineWidth: 0 }));
        if (!parsed.ok) throw new Error(parsed.error.map(formatMistake).join('\n'));
        expect(parsed.value.defaults).toMatchObject(defaults.meant);
        expect(parsed.value.blocks[0]?.layer).toMatchObject(web.meant);
      }),
      { numRuns: 300 },
    );
  });

  test('times', () => {
    fc.assert(
      fc.property(fc.nat(10 ** 10), (ms) => {
        expect(parseDuration(writeTime(ms))).toEqual({ ok: true, value: ms });
      }),
    );
  });
});

describe('patterns', () => {
  const pattern = fc.array(
    fc.constantFrom(
      'a',
      'b',
      '-',
      '1',
      '*',
      '?',
      '[',
      ']',
      '[a-b]',
      '[!a]',
      '{',
      '}',
      '{a,b}',
      ',',
      '!',
      '^',
      ':',
      '**',
    ),
    {
      maxLength: 14,
    },
  );

  test('are a pattern or a mistake, and match without delay', () => {
    fc.assert(
      fc.property(pattern, fc.stringMatching(/^[ab1-]{1,63}$/), (parts, name) => {
        const read = readPattern(parts.join(''));
        const answer = read.ok ? String(read.value.matches({ name, remote: null })) : read.error;
        expect(answer).toMatch(/^(true|false)$|\.$/);
      }),
      { numRuns: 3000 },
    );
  });

  test('a name means itself and nothing else', () => {
    const name = fc.stringMatching(/^[a-z][a-z0-9-]{0,20}$/);
    fc.assert(
      fc.property(name, name, (a, b) => {
        const read = readPattern(a);
        expect(read.ok && read.value.matches({ name: b, remote: null })).toBe(a === b);
      }),
    );
  });
});
