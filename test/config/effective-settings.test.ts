import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { commandCheck } from '../../src/check-default.ts';
import { emptyConfiguration } from '../../src/config/configuration.ts';
import { attendedSettings, defaultSettings } from '../../src/config/defaults.ts';
import { settingsFor } from '../../src/config/effective-settings.ts';
import { emptyLayer, mergeLayers, type Layer } from '../../src/config/layer.ts';
import type { CheckDefinition } from '../../src/check-definition.ts';
import { read } from './read.ts';

const local = (name: string) => ({ name, remote: null });

const soakFor = (text: string, name: string, remote: string | null = null): number =>
  settingsFor(read(text), { name, remote }).soakMs / 1000;

describe('which block counts', () => {
  test('without a file, the defaults', () => {
    expect(settingsFor(emptyConfiguration, local('web'))).toEqual(defaultSettings);
    expect(settingsFor(emptyConfiguration, local('web'), {}, attendedSettings).idleTimeoutMs).toBeNull();
  });

  test('an instance wins over the defaults, a flag over both', () => {
    const configuration = read('defaults: {soak: 1s, keep: 1, user: 1}\ninstances: {web: {soak: 2s, keep: 2}}');
    expect(settingsFor(configuration, local('web'), { soakMs: 3000 })).toMatchObject({
      soakMs: 3000,
      keep: 2,
      user: 1,
    });
  });

  test('an option that was not given hides nothing', () => {
    expect(settingsFor(read('defaults: {soak: 1s}'), local('web'), { soakMs: undefined }).soakMs).toBe(1000);
  });

  test.each([
    ['hooks', '{ afterKeep: { exec: "true" } }'],
    ['checks', '{ site: { tcp: 80 } }'],
    ['environment', '{ A: b }'],
  ] as const)('%s: without a value hides nothing', (key, value) => {
    const whole = settingsFor(read(`defaults: {${key}: ${value}}`), local('web'));
    expect(settingsFor(read(`defaults: {${key}: ${value}}\ninstances: {web: {${key}: }}`), local('web'))).toEqual(
      whole,
    );
    expect(whole).not.toEqual(defaultSettings);
  });

  const rising: [what: string, text: string, name: string, remote: string | null][] = [
    [
      'a name over a glob, wherever it stands',
      'instances: {web1: {soak: 7s}, "*": {soak: 1s}, "web*": {soak: 2s}}',
      'web1',
      null,
    ],
    [
      'more literal characters over fewer',
      'instances: {"web-*": {soak: 7s}, "w*": {soak: 2s}, "*": {soak: 1s}}',
      'web-1',
      null,
    ],
    ['of equals, the one that stands later', 'instances: {"w*": {soak: 1s}, "*b": {soak: 7s}}', 'wb', null],
    ['a remote over none', 'instances: {"prod:web": {soak: 7s}, web: {soak: 1s}}', 'web', 'prod'],
    ['a name over a glob with a remote', 'instances: {web: {soak: 7s}, "prod:*": {soak: 1s}}', 'web', 'prod'],
    ['local: is the own daemon', 'instances: {"local:web": {soak: 7s}, "prod:web": {soak: 1s}}', 'web', null],
    ['alternatives', 'instances: {"{web,db}-?": {soak: 7s}, "*": {soak: 1s}}', 'db-1', null],
    ['classes', 'instances: {"web-[!0-3]": {soak: 7s}, "*": {soak: 1s}}', 'web-7', null],
  ];
  test.each(rising)('%s', (_what, text, name, remote) => {
    expect(soakFor(text, name, remote)).toBe(7);
  });

  test.each([
    ['web', 'web1', null],
    ['web-?', 'web-10', null],
    ['prod:web', 'web', null],
    ['prod:web', 'web', 'test'],
    ['"web-[!0-3]"', 'web-2', null],
    ['Web', 'web', null],
    ['"{web,db}"', 'mail', null],
  ])('%s does not mean %s', (pattern, name, remote) => {
    expect(soakFor(`instances: {${pattern}: {soak: 7s}}`, name, remote)).toBe(10);
  });
});

describe('how blocks are joined', () => {
  const configuration = read(`
defaults:
  environment: { LANG: C, TZ: UTC }
  onFailure: { command: keep }
  okStatus: 0,100
  checks:
    web: { tcp: 80, timeout: 5s }
    ssh: { tcp: 22 }
instances:
  "w*":
    environment: { TZ: null, A: b }
    onFailure: { timeout: ask }
    okStatus: 0
    checks:
      web: { tcp: 8080 }
      ssh: null
      dns: { dns: example.org }
`);
  const settings = settingsFor(configuration, local('web'));

  test('checks by name, each replaced as a whole, null takes one away', () => {
    expect(settings.checks.map(({ name }) => name)).toEqual(['web', 'dns']);
    expect(settings.checks[0]).toMatchObject({ port: 8080, timeoutMs: 10_000 });
  });

  test('variables by name, null takes one away', () => {
    expect(settings.environment).toEqual({ LANG: 'C', A: 'b' });
  });

  test('policies by cause', () => {
    expect(settings.onFailure).toEqual({
      command: 'keep',
      unhealthy: 'rollback',
      inconclusive: 'rollback',
      timeout: 'ask',
    });
  });

  test('lists as a whole', () => {
    expect(settings.okStatus).toEqual([{ first: 0, last: 0 }]);
  });

  test('checks of flags are added, with names of their own', () => {
    const added = [commandCheck('web'), commandCheck('true'), commandCheck('true')];
    const { checks } = settingsFor(configuration, local('web'), { checks: added });
    expect(checks.map(({ name }) => name)).toEqual(['web', 'dns', 'web (2)', 'true', 'true (2)']);
  });

  test('another instance is not touched', () => {
    expect(settingsFor(configuration, local('db')).checks.map(({ name }) => name)).toEqual(['web', 'ssh']);
  });
});

describe('mergeLayers', () => {
  const name = fc.constantFrom('a', 'b', 'c');
  const check = (port: number): CheckDefinition => ({
    kind: 'tcp',
    name: 'a',
    severity: 'required',
    timeoutMs: 1,
    intervalMs: 1,
    retries: 1,
    startPeriodMs: 0,
    address: '{address}',
    port,
    send: null,
    expect: null,
  });
  const layer: fc.Arbitrary<Layer> = fc.record(
    {
      soakMs: fc.option(fc.nat(5), { nil: undefined }),
      keep: fc.nat(5),
      timeoutMs: fc.option(fc.nat(5), { nil: null }),
      checks: fc.dictionary(name, fc.option(fc.nat(5).map(check), { nil: null })),
      environment: fc.dictionary(name, fc.option(fc.constantFrom('x', 'y'), { nil: null })),
      onFailure: fc.record({ command: fc.constantFrom('keep' as const, 'ask' as const) }, { requiredKeys: [] }),
    },
    { requiredKeys: [] },
  );

  test('is associative', () => {
    fc.assert(
      fc.property(layer, layer, layer, (a, b, c) => {
        expect(mergeLayers(a, mergeLayers(b, c))).toEqual(mergeLayers(mergeLayers(a, b), c));
      }),
    );
  });

  test('takes nothing from an empty one, and nothing from itself', () => {
    fc.assert(
      fc.property(layer, (a) => {
        expect(mergeLayers(a, emptyLayer)).toEqual(mergeLayers(emptyLayer, a));
        expect(mergeLayers(a, a)).toEqual(mergeLayers(a, emptyLayer));
      }),
    );
  });
});
