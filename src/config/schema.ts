import * as z from 'zod/mini';
import type { CheckDefinition } from '../check-definition.ts';
import { isGlobOfText } from './glob.ts';
import { emptyLayer, type Layer } from './layer.ts';
import type { Notice, NoticeWay } from './notice.ts';
import { rolloutTable, type ConfiguredRollout } from './rollout-settings.ts';
import { keyOf, writtenDefault, type Form, type Setting, type SettingTable } from './setting.ts';
import { settingTable } from './settings.ts';
import { check } from './schema-check.ts';
import { amount, groups, spreadKey } from './schema-rollout.ts';
import { hooks } from './schema-lifecycle-commands.ts';
import {
  changed,
  choice,
  command,
  flag,
  headers,
  inheritedVariables,
  mapping,
  numberWithin,
  oneOrMore,
  optional,
  path,
  pattern,
  statuses,
  time,
  timeOrNever,
  timeWithin,
  userId,
  type KeyMeta,
  type Within,
} from './schema-values.ts';

/**
 * What may stand in guard.yaml: the schema validates the file, turns it into layers of settings, and is published as JSON
 * Schema. Its settings are those of the table in `settings.ts`; the forms of their values are here.
 */

const policy = choice(['rollback', 'keep', 'ask']);

const policies = mapping('policies', {
  command: optional(policy, { description: 'The command failed.' }),
  unhealthy: optional(policy, { description: 'The instance is unhealthy.' }),
  inconclusive: optional(policy, { description: 'The state of the instance could not be determined.' }),
  timeout: optional(policy, { description: 'The command or the checks ran out of time.' }),
});

const policyForEach = changed(
  z.union([policy, policies], { error: 'rollback, keep or ask, or one of them for each cause' }),
  (given) =>
    typeof given === 'string' ? { command: given, unhealthy: given, inconclusive: given, timeout: given } : given,
);

const globs = changed(
  oneOrMore(pattern(/^\S(.{0,198}\S)?$/u, 'a glob like "linux-image-*"'), 'a glob, or a list of globs'),
  (given, complain) => {
    if (given.some((glob) => !isGlobOfText(glob))) complain('a glob with at most five "*" and with closed brackets');
    return given;
  },
);

const outcomes = [
  'kept',
  'rolled-back',
  'kept-unhealthy',
  'kept-unchanged',
  'rolled-back-not-well',
  'rollback-failed',
  'waiting',
  'refused',
  'busy',
  'quarantined',
  'rehearsal-passed',
  'rehearsal-failed',
  'rehearsal-inconclusive',
  'interrupted',
] as const;

const unhappy = [
  'rolled-back',
  'kept-unhealthy',
  'kept-unchanged',
  'rolled-back-not-well',
  'rollback-failed',
  'quarantined',
  'rehearsal-failed',
  'rehearsal-inconclusive',
] as const;

const notice = changed(
  mapping('notice', {
    on: optional(oneOrMore(choice(outcomes), 'an outcome, or a list of outcomes'), {
      description: 'The outcomes that trigger the notification.',
      default: [...unhappy],
    }),
    command: optional(command, {
      description: 'A command on this machine. It reads the message, as JSON, from stdin.',
    }),
    webhook: optional(pattern(/^https?:\/\/[^\s/]/, 'an address that begins with http:// or https://'), {
      description: 'The URL that the message is posted to, as JSON.',
    }),
    headers: optional(headers, { description: 'Headers of the request.' }),
    timeout: optional(time(100, 300_000), { description: 'How long the notification may take.', default: '10s' }),
  }),
  ({ on, command, webhook, headers, timeout }, complain): Notice => {
    if ((command === undefined) === (webhook === undefined))
      complain('a notification with either "command" or "webhook"');
    const how: NoticeWay =
      command === undefined
        ? { kind: 'webhook', url: webhook ?? '', headers: headers ?? {} }
        : { kind: 'command', words: command };
    return { on: on ?? unhappy, how, timeoutMs: timeout ?? 10_000 };
  },
);

const checkName = pattern(/^\S(.{0,58}\S)?$/u, 'the name of a check: 1 to 60 characters, without spaces around it');

const checks = changed(
  z.nullable(z.record(checkName, z.nullable(check), { error: 'a mapping of names to checks' })),
  (named) =>
    Object.fromEntries(
      Object.entries(named ?? {}).map(([name, nameless]): [string, CheckDefinition | null] => [
        name,
        nameless === null ? null : { ...nameless, name },
      ]),
    ),
);

const optionalWord = z.enum(['optional'], { error: 'true, false or optional' });

const automaticMapping = mapping('automatic', {
  compare: optional(z.union([flag, optionalWord], { error: 'true, false or optional' }), {
    description: 'What `automatic` means without a mapping.',
    default: true,
  }),
  ask: optional(flag, {
    description:
      'Whether guard sends harmless requests to the servers of the instance and compares their replies. `false`: guard only observes who listens.',
    default: true,
  }),
});

const automatic = z.union([changed(flag, asComparison), changed(optionalWord, asComparison), automaticMapping], {
  error: 'true, false, optional, or a mapping with "compare" and "ask"',
});

function asComparison<T>(compare: T) {
  return { compare };
}

const rehearse = z.union([flag, z.enum(['copy'], { error: 'true, false or copy' })], { error: 'true, false or copy' });

const environment = changed(z.nullable(inheritedVariables), (given) => given ?? {});

const notices = changed(z.nullable(z.array(notice, { error: 'a list of notifications' })), (given) => given ?? []);

const schemas = {
  flag,
  userId,
  groupId: userId,
  folder: path('folder'),
  statuses: statuses(0, 255, '0,100-103'),
  command,
  globs,
  spreadKey,
  variables: environment,
  policies: policyForEach,
  automatic,
  rehearse,
  checks,
  hooks: changed(hooks, (given) => given ?? {}),
  notices,
};

function schemaOf(form: Form): z.core.$ZodType {
  switch (form.kind) {
    case 'time':
      return form.orNever ? timeOrNever(form.limits) : timeWithin(form.limits);
    case 'number':
      return numberWithin(form.limits);
    case 'choice':
      return choice(form.words);
    case 'amount':
      return amount(form.least);
    case 'settings':
      return settingsMapping('hook', form.rows);
    default:
      return schemas[form.kind];
  }
}

/** A mapping with a key for each row of the table. */
function settingsMapping(within: Within, table: SettingTable, error?: string) {
  const keys = Object.entries(table).map(([name, row]) => [keyOf(name), optional(schemaOf(row.form), metaOf(row))]);
  return changed(mapping(within, Object.fromEntries(keys) as Record<string, z.ZodMiniOptional>, error), (given) =>
    Object.fromEntries(
      Object.keys(table).flatMap((name) => (given[keyOf(name)] === undefined ? [] : [[name, given[keyOf(name)]]])),
    ),
  );
}

function metaOf(row: Setting): KeyMeta {
  const standard = writtenDefault(row);
  return {
    description: row.description,
    ...(standard === undefined ? {} : { default: standard }),
    ...(row.examples === undefined ? {} : { examples: row.examples }),
  };
}

/** The settings' names as they stand in the file. */
export const settingNames = Object.keys(settingTable).map(keyOf);

const settings = changed(
  z.nullable(settingsMapping('settings', settingTable, 'a mapping of settings')),
  (given): Layer => given ?? emptyLayer,
);

const rollout = changed(
  z.nullable(settingsMapping('rollout', rolloutTable)),
  (given): Partial<ConfiguredRollout> => given ?? {},
);

settings.register(z.globalRegistry, { id: 'settings' });

/** The whole file. Its output: a layer for all instances, and one for each key below `instances`. */
export const fileSchema = z
  .nullable(
    mapping(
      'file',
      {
        defaults: optional(settings, { description: 'Settings for all instances.' }),
        groups: optional(groups, {
          description: 'Groups of instances, by names and globs. On the command line write @NAME.',
        }),
        rollout: optional(rollout, { description: 'How a rollout changes many instances.' }),
        instances: optional(
          z.nullable(z.record(z.string(), settings, { error: 'a mapping of instances to settings' })),
          {
            description:
              'Settings for single instances, by name (web01), glob ("web-*") or with a remote (prod:web01). If several match, the most specific one wins.',
          },
        ),
      },
      'a mapping with "defaults", "instances", "groups" and "rollout"',
    ),
  )
  .register(z.globalRegistry, { title: 'guard.yaml', description: 'The configuration of guard.' });
