import { describe, expect, test } from 'vitest';
import { refusalOf, formatMistake } from '../../src/config/mistake.ts';
import { complaints, mistakesIn } from './read.ts';

describe('every mistake has its place and says what to write', () => {
  test.each<[what: string, text: string, said: string]>([
    ['an unknown setting', 'defaults:\n  sook: 10s', '2:3 There is no setting "sook". Did you mean "soak"?'],
    [
      'an unknown key of a setting that may be a mapping',
      'defaults:\n  automatic: { asks: false }',
      '2:16 In automatic there is no key "asks". Did you mean "ask"?',
    ],
    [
      'a wrong value in a setting that may be a mapping',
      'defaults:\n  automatic: { ask: never }',
      '2:21 "ask" must be true or false, but is "never".',
    ],
    [
      'a wrong value of a setting that may be a mapping',
      'defaults:\n  automatic: sometimes',
      '2:14 "automatic" must be true, false, optional, or a mapping with "compare" and "ask", but is "sometimes".',
    ],
    [
      'a setting at the top',
      'soak: 5s',
      '1:1 At the top level there is no key "soak". "soak" is a setting: write it below "defaults" or below an instance.',
    ],
    [
      'an instance at the top',
      'web01:\n  soak: 5s',
      '1:1 At the top level there is no key "web01". There are "defaults", "instances", "groups" and "rollout".',
    ],
    [
      'a setting in a check',
      'defaults:\n  checks:\n    a:\n      exec: "true"\n      soak: 1s',
      '5:7 This kind of check has no "soak". "soak" is a setting of the whole run: write it beside "checks".',
    ],
    [
      'a key of a check among the settings',
      'defaults:\n  retries: 3',
      '2:3 There is no setting "retries". "retries" belongs to a check: write it in a named check below "checks".',
    ],
    [
      'a "{" that is not closed',
      'defaults: {checks: {a: {exec: x}}\ninstances: {}\n',
      '2:1 A "{" is not closed before this. Close it with "}", or put a text that begins with "{" in quotes.',
    ],
    [
      'a "[" that is not closed',
      'defaults:\n  checks:\n    a:\n      exec: ["true"\n      retries: 3',
      '5:7 A "[" is not closed before this. Close it with "]", or put a text that begins with "[" in quotes.',
    ],
    [
      'a shortened key',
      'defaults: {checks: {a: {exec: x, env: {}}}}',
      '1:34 This kind of check has no "env". Did you mean "environment"?',
    ],
    [
      'a key of another kind of check',
      'defaults: {checks: {a: {tcp: 25, expectBody: x}}}',
      '1:34 This kind of check has no "expectBody". Did you mean "expect"?',
    ],
    [
      'a time without a unit',
      'defaults:\n  soak: 10',
      '2:9 "soak" must be a time like 500ms, 30s or 5m, but is 10. Write the unit: 10s.',
    ],
    [
      'a time in two units',
      'defaults:\n  soak: 1m30s',
      '2:9 "soak" must be a time like 500ms, 30s or 5m, but is "1m30s". Write 90s.',
    ],
    [
      'a spelled unit',
      'defaults:\n  soak: 5 mins',
      '2:9 "soak" must be a time like 500ms, 30s or 5m, but is "5 mins". Write 5m.',
    ],
    ['no time at all', 'defaults:\n  soak: soon', '2:9 "soak" must be a time like 500ms, 30s or 5m, but is "soon".'],
    ['an empty setting', 'defaults:\n  soak:', '2:3 "soak" must be a time like 500ms, 30s or 5m, but is empty.'],
    ['too long a time', 'defaults:\n  soak: 30d', '2:9 "soak" must be a time from 0s to 7d, but is "30d".'],
    [
      'a word for a boolean (YAML 1.1)',
      'defaults:\n  restart: yes',
      '2:12 "restart" must be true or false, but is "yes". In YAML 1.2 write true.',
    ],
    [
      'the same the other way',
      'defaults:\n  restart: Off',
      '2:12 "restart" must be true or false, but is "Off". In YAML 1.2 write false.',
    ],
    [
      'a misspelled choice',
      'defaults:\n  onFailure: {unhealthy: kep}',
      '2:26 "unhealthy" must be rollback, keep or ask, but is "kep". Did you mean keep?',
    ],
    [
      'an unknown cause',
      'defaults:\n  onFailure: {comand: keep}',
      '2:15 There is no cause "comand". Did you mean "command"?',
    ],
    [
      'an unknown policy',
      'defaults:\n  onFailure: never',
      '2:14 "onFailure" must be rollback, keep or ask, or one of them for each cause, but is "never".',
    ],
    [
      'statuses out of range',
      'defaults:\n  okStatus: 0-300',
      '2:13 "okStatus" must be statuses from 0 to 255, written like 0,100-103, but is "0-300".',
    ],
    [
      'statuses the wrong way round',
      'defaults:\n  okStatus: 9-3',
      '2:13 "okStatus" must be statuses from 0 to 255, written like 0,100-103, but is "9-3".',
    ],
    [
      'the name of a user',
      'defaults:\n  user: postgres',
      '2:9 "user" must be a numeric id, 0 to 4294967294, but is "postgres". guard does not look up names in the instance: run `id -u postgres` in the instance for its number.',
    ],
    [
      'a boolean where a text is meant',
      'defaults:\n  environment: {DEBUG: true}',
      '2:24 "DEBUG" must be a text, but is true. As a text, write it in quotes: "true".',
    ],
    [
      'a name that is no variable',
      'defaults:\n  environment: {1A: x}',
      '2:17 "1A" is not the name of a variable: letters, digits and "_", not beginning with a digit.',
    ],
    [
      'a check of no kind',
      'defaults:\n  checks:\n    web:\n      timeout: 5s',
      '3:5 "web" has no kind. It needs one of exec, host, http, tcp, dns, systemd, plugin, directory.',
    ],
    [
      'a check of a misspelled kind',
      'defaults:\n  checks:\n    web:\n      htp: x',
      '4:7 There is no kind of check "htp". Did you mean "http"?',
    ],
    [
      'a check of two kinds',
      'defaults:\n  checks:\n    web: {tcp: 80, exec: x}',
      '3:20 "web" has two kinds, "tcp" and "exec". Write two checks instead.',
    ],
    [
      'a check that is only a text',
      'defaults:\n  checks:\n    web: curl localhost',
      '3:10 "web" must be a mapping with one of exec, host, http, tcp, dns, systemd, plugin, directory, but is "curl localhost".',
    ],
    [
      'an unfinished check',
      'defaults:\n  checks:\n    web:',
      '3:5 Check "web" is empty. Add a kind, such as exec or http. (null removes an inherited check, and there is none of that name.)',
    ],
    [
      'the removal of a check that nobody defined',
      'defaults: {checks: {website: {tcp: 80}}}\ninstances: {a: {checks: {webside: null}}}',
      '2:26 Check "webside" is empty. Add a kind, such as exec or http. Or, to remove an inherited check: did you mean "website"?',
    ],
    [
      'the name of a check with a control character, in the advice',
      'defaults: {checks: {"web\\e": {tcp: 80}, webs: null}}',
      '1:41 Check "webs" is empty. Add a kind, such as exec or http. Or, to remove an inherited check: did you mean "web\\x1b"?',
    ],
    [
      'an empty list of words',
      'defaults: {checks: {a: {exec: []}}}',
      '1:31 "exec" must be a list with at least one word, but is a list.',
    ],
    [
      'a word that is none',
      'defaults: {checks: {a: {exec: [a, [b]]}}}',
      '1:35 Item 2 of "exec" must be a text, but is a list.',
    ],
    [
      'a URL with an unknown placeholder',
      'defaults: {checks: {a: {http: "http://{addres}/"}}}',
      '1:31 "http" must be a URL like http://{address}/ or https://{address:eth1}:8443/health, but is "http://{addres}/".',
    ],
    [
      'a placeholder without quotes',
      'defaults:\n  checks:\n    a: {dns: x, server: {address}}',
      '3:25 "server" must be a text, but is a mapping. A text that begins with "{" needs quotes: "{address}".',
    ],
    [
      'a placeholder without quotes, with a port',
      'defaults:\n  checks:\n    a:\n      tcp: {address}:25',
      '4:21 This is not valid YAML at this position. A text that begins with "{" needs quotes: "{address}…".',
    ],
    [
      'a port out of range',
      'defaults: {checks: {a: {tcp: 99999}}}',
      '1:30 "tcp" must be a port, 1 to 65535, but is 99999.',
    ],
    [
      'an endpoint out of range',
      'defaults: {checks: {a: {tcp: "a:99999"}}}',
      '1:30 "tcp" must be a port, or an address and a port like "{address6}:25", "192.0.2.1:25" or "[2001:db8::1]:25", but is "a:99999".',
    ],
    [
      'a key like no other',
      'defaults: {checks: {a: {tcp: 25, colour: x}}}',
      '1:34 This kind of check has no "colour". There are tcp, send, expect, severity, timeout, interval, retries, startPeriod.',
    ],
    [
      'a regular expression that is none',
      'defaults: {checks: {a: {tcp: 25, expect: {matches: "("}}}}',
      '1:52 "matches" must be a regular expression in the syntax of JavaScript, but is "(".',
    ],
    [
      'no tries at all',
      'defaults: {checks: {a: {tcp: 25, retries: 0}}}',
      '1:43 "retries" must be a whole number, 1 to 1000, but is 0.',
    ],
    [
      'a name no instance can have',
      'instances:\n  web_01: {}',
      '2:3 "web_01" does not name an instance. Write the name of an instance (letters, digits and hyphens) or a glob like "web-*".',
    ],
    [
      'half a bracket',
      'instances:\n  "web-[ab": {}',
      '2:3 "web-[ab" does not name an instance. This is not a valid glob: close every bracket, and use at most 5 "*".',
    ],
    [
      'settings that are a list',
      'instances:\n  web: [soak]',
      '2:8 "web" must be a mapping of settings, but is a list.',
    ],
    [
      'a list for a file',
      '- a',
      '1:1 The file must be a mapping with "defaults", "instances", "groups" and "rollout", but is a list.',
    ],
    [
      'a text for a file',
      'hello',
      '1:1 The file must be a mapping with "defaults", "instances", "groups" and "rollout", but is "hello".',
    ],
  ])('%s', (_what, text, said) => {
    expect(complaints(text)).toEqual([said]);
  });
});

describe('YAML itself', () => {
  test.each<[what: string, text: string, said: string]>([
    ['a key twice', 'defaults:\n  soak: 1s\n  soak: 2s', '3:3 "soak" appears twice.'],
    ['a tab', 'defaults:\n\tsoak: 1s', '2:1 A tab is not allowed as indentation. Use spaces.'],
    [
      'two documents',
      'defaults: {}\n---\ndefaults: {}',
      '2:1 A second YAML document begins here. Write one document per file.',
    ],
    ['another version', '%YAML 1.1\n---\ndefaults: {}', '1:1 guard reads YAML 1.2, not 1.1.'],
    ['a colon too many', 'defaults: a: b', '1:11 This line has a second ": ". A text that contains ": " needs quotes.'],
    ['a reserved character', 'defaults: @x', '1:11 A text cannot begin with "@". Put it in quotes.'],
    ['an open quote', 'defaults:\n  cwd: "/x', '2:11 A quote is not closed before this.'],
    [
      'a glob without quotes',
      'instances:\n  *: {}',
      '2:6 This is not valid YAML at this position. A text that begins with "*" needs quotes: "*".',
    ],
    ['a missing colon', 'defaults\ninstances: {}', '1:1 This is not a key with a value. Is a ":" missing?'],
    [
      'merge keys',
      'defaults: &d {}\ninstances:\n  a: {<<: *d}',
      '3:7 There is no setting "<<". YAML 1.2 has no merge keys.',
    ],
    ['an unknown tag', 'defaults: {cwd: !env /x}', '1:22 The tag "!env" is not supported.'],
    [
      'an alias of nothing',
      'defaults: *x',
      '1:11 There is no anchor "&x" before this. A text that begins with "*" needs quotes: "*x".',
    ],
    ['an alias inside of itself', 'defaults: {environment: &x {A: *x}}', '1:32 "*x" refers to itself.'],
    [
      'a mapping for a key',
      'defaults: {? {a: b} : c}',
      '1:14 A key must be a text on one line. A text that begins with "{" needs quotes.',
    ],
    [
      'a key that JavaScript would obey',
      'defaults: {environment: {__proto__: x}}',
      '1:26 "__proto__" is not allowed as a key.',
    ],
    [
      'a control character',
      'defaults: \u0007',
      '1:11 YAML allows no control character \\x07 here. In double quotes it can be written as an escape, such as "\\x1b".',
    ],
    ['a NUL in a text', 'defaults: {cwd: "/a\\0"}', '1:17 A NUL character is not allowed.'],
    ['another encoding', 'defaults: {} # gr\xfcn', '1:18 The text from here on is not UTF-8.'],
  ])('%s', (what, text, said) => {
    const bytes = what === 'another encoding' ? Buffer.from(text, 'latin1') : text;
    expect(complaints(bytes)).toEqual([said]);
  });

  test('UTF-16 is named', () => {
    expect(complaints(Buffer.from('\ufeffdefaults: {}', 'utf16le'))).toEqual([
      'file The text from here on is not UTF-8. It looks like UTF-16.'.replace('file', '1:1'),
    ]);
  });

  test('deep nesting is a mistake, not an overflow', () => {
    expect(complaints(`defaults: ${'['.repeat(50_000)}`)).toHaveLength(1);
    expect(complaints(`defaults: ${'['.repeat(80)}${']'.repeat(80)}`)[1]).toContain('nested more than 50 levels deep');
  });

  test('aliases that multiply are stopped', () => {
    const levels = Array.from({ length: 12 }, (_, level) =>
      level === 0
        ? 'a0: &a0 [x,x,x,x,x,x,x,x,x,x]'
        : `a${level}: &a${level} [${Array(10)
            .fill(`*a${level - 1}`)
            .join(',')}]`,
    );
    expect(complaints(levels.join('\n')).some((said) => said.includes('more than 100000 values'))).toBe(true);
  });

  test('a mapping of very many keys is read at once', () => {
    const keys = Array.from({ length: 30_000 }, (_, index) => `  i${index}: {}`);
    expect(mistakesIn(`instances:\n${keys.join('\n')}\n  i0: {}`)).toHaveLength(1);
  });
});

describe('several mistakes', () => {
  const text = [
    'instances:',
    '  web_01: {}',
    'defaults:',
    '  restart: no',
    '  soak: 1',
    '  checks:',
    '    a:',
    '    b: {exec: [], tiemout: 1s}',
  ].join('\n');

  test('come together, in the order of the file', () => {
    expect(mistakesIn(text).map(({ location }) => `${location?.line}:${location?.column}`)).toEqual([
      '2:3',
      '4:12',
      '5:9',
      '7:5',
      '8:15',
      '8:19',
    ]);
  });

  test('are one refusal, which shows each line', () => {
    const { message } = refusalOf(mistakesIn(text));
    expect(message).toContain('/etc/guard/guard.yaml:5:9: "soak" must be');
    expect(message).toContain('   5 |   soak: 1\n     |         ^');
    expect(message).toMatch(/\n6 mistakes in the configuration\.$/);
  });

  test('are bounded', () => {
    const keys = Array.from({ length: 500 }, (_, index) => `wrong${index}: x`);
    expect(mistakesIn(keys.join('\n'))).toHaveLength(30);
  });
});

describe('what is shown', () => {
  const said = (text: string): string => mistakesIn(text).map(formatMistake).join('\n');

  test('points at the place with a caret', () => {
    expect(said('defaults:\n  sook: 10s')).toBe(
      '/etc/guard/guard.yaml:2:3: There is no setting "sook". Did you mean "soak"?\n   2 |   sook: 10s\n     |   ^',
    );
  });

  test('cuts a long line around the caret', () => {
    const shown = said(`defaults: {environment: {A: ${'"x"'.padEnd(400)}, B: true, C: ${'"y"'.padEnd(400)}}}`).split(
      '\n',
    );
    expect(shown[1]?.length).toBeLessThan(220);
    expect(shown[1]?.slice(shown[2]?.indexOf('^'))).toMatch(/^true, C/);
  });

  test('is harmless to a terminal', () => {
    const shown = said('defaults:\n  "a\u202eb\\e[2J": 1');
    expect(shown).not.toContain('\u202e');
    expect(shown).not.toContain('\u001b');
    expect(said('defaults:\n  cwd: "\\e]0;x"')).not.toContain('\u001b');
  });
});
