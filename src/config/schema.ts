import * as z from 'zod/mini';
import type { CheckDefinition } from '../check-definition.ts';
import { isGlobOfText } from './glob.ts';
import type { Layer } from './layer.ts';
import { numberLimits, timeLimits } from './limits.ts';
import type { Notice, NoticeWay } from './settings.ts';
import { check } from './schema-check.ts';
import { groups, rollout } from './schema-rollout.ts';
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
  wholeNumber,
} from './schema-values.ts';

/**
 * The single source of what may stand in guard.yaml: it validates the file, turns it into layers of settings, and is
 * published as JSON Schema. Defaults named here are held in step with `defaults.ts` by a test.
 */

const policy = choice(['rollback', 'keep', 'ask']);

const policies = mapping('policies', {
  command: optional(policy, { description: 'The command failed.' }),
  unhealthy: optional(policy, { description: 'The instance is unhealthy.' }),
  inconclusive: optional(policy, { description: 'The state of the instance could not be determined.' }),
  timeout: optional(policy, { description: 'The command or the checks ran out of time.' }),
});

const globs = changed(
  oneOrMore(pattern(/^\S(.{0,198}\S)?$/u, 'a glob like "linux-image-*"'), 'a glob, or a list of globs'),
  (given, complain) => {
    if (given.some((glob) => !isGlobOfText(glob))) complain('a glob with at most five "*" and with closed brackets');
    return given;
  },
);

const hook = changed(
  mapping('hook', {
    onNoRestorePoint: optional(choice(['abort', 'proceed']), {
      description: 'What to do with a transaction if no restore point can be taken.',
      default: 'abort',
    }),
    absent: optional(choice(['abort', 'proceed']), {
      description: 'What to do if no agent answers. `guard hook install` writes this setting into the instance.',
      default: 'proceed',
    }),
    timeout: optional(time(1000, 3_600_000), {
      description: 'How long the package manager waits for the answer of the agent.',
      default: '1m',
    }),
    settle: optional(time(0, 600_000), {
      description: 'Transactions that follow one another within this time are one run.',
      default: '2s',
    }),
    packages: optional(globs, {
      description: 'Guard only transactions that change one of these packages. Default: all.',
      examples: ['linux-image-*'],
    }),
    commands: optional(globs, {
      description: 'Guard only commands that match one of these globs. Default: all.',
      examples: ['apt* upgrade*'],
    }),
    quarantine: optional(choice(['unattended', 'always', 'never']), {
      description: 'When to refuse a transaction that was rolled back before.',
      default: 'unattended',
    }),
    rehearse: optional(flag, {
      description:
        'Run the command of a transaction without a terminal on an isolated copy first, and abort the transaction if the copy does not survive. The `timeout` must be long enough for that.',
      default: false,
    }),
    mostAnHour: optional(wholeNumber(1, 10_000), {
      description: 'The maximum number of runs in an hour.',
      default: 60,
    }),
  }),
  ({ timeout, settle, ...same }) => ({ ...same, timeoutMs: timeout, settleMs: settle }),
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

const automaticShape = {
  compare: optional(z.union([flag, optionalWord], { error: 'true, false or optional' }), {
    description: 'What `automatic` means without a mapping.',
    default: true,
  }),
  ask: optional(flag, {
    description:
      'Whether guard sends harmless requests to the servers of the instance and compares their replies. `false`: guard only observes who listens.',
    default: true,
  }),
};

const settingsShape = {
  checks: optional(checks, {
    description: 'Health checks by name, run before and after the command. `null` removes an inherited check.',
  }),
  automatic: optional(
    z.union([flag, optionalWord, mapping('automatic', automaticShape)], {
      error: 'true, false, optional, or a mapping with "compare" and "ask"',
    }),
    {
      description:
        'Whether guard compares units, sockets, packages, addresses and disk space before and after the command. `true`: guard refuses the run if nothing can be compared and there is no check. `optional`: guard accepts such a run and reports that the health is unknown. `false`: only the checks decide; without a check nothing is verified. A mapping has the keys `compare` (the same values) and `ask`.',
      default: true,
    },
  ),
  verifyTimeout: optional(timeWithin(timeLimits.verifyTimeout), {
    description: 'How long the instance may take to become healthy after the command.',
    default: '2m',
  }),
  soak: optional(timeWithin(timeLimits.soak), {
    description: 'How long the instance must then stay healthy. 0s: one healthy observation is enough.',
    default: '10s',
  }),
  restart: optional(flag, {
    description: 'Restart the instance before the verdict, because some upgrades fail only at the next boot.',
    default: false,
  }),
  uncovered: optional(z.enum(['refuse', 'warn', 'accept'], { error: 'refuse, warn or accept' }), {
    description: 'What to do with disks that the restore point does not cover: shared volumes and folders of the host.',
    default: 'warn',
  }),
  allowUnhealthy: optional(flag, {
    description: 'Start the run although a required check already fails.',
    default: false,
  }),
  confirm: optional(timeWithin(timeLimits.confirm), {
    description:
      'How long a healthy change waits for its confirmation. Without a confirmation it is rolled back. Without this setting the change is kept at once.',
    examples: ['10m'],
  }),
  confirmBy: optional(command, {
    description:
      'A command that guard runs on this machine every 5 s while a change waits. Exit status 0 confirms the change.',
  }),
  onFailure: optional(
    changed(z.union([policy, policies], { error: 'rollback, keep or ask, or one of them for each cause' }), (given) =>
      typeof given === 'string' ? { command: given, unhealthy: given, inconclusive: given, timeout: given } : given,
    ),
    {
      description:
        'What to do when a change fails. `ask` asks at the terminal, and rolls back without an answer. One policy, or one for each cause.',
      default: 'rollback',
    },
  ),
  onUnchanged: optional(choice(['rollback', 'keep']), {
    description:
      'What to do if the command failed and nothing that guard compares has changed. At a terminal guard asks.',
    default: 'rollback',
  }),
  hooks: optional(hooks, {
    description:
      'Your own commands around the restore point and at the end of a run, by moment. `null` removes inherited ones.',
  }),
  rehearse: optional(
    z.union([flag, z.enum(['copy'], { error: 'true, false or copy' })], { error: 'true, false or copy' }),
    {
      description:
        'Try the change on an isolated copy first, and touch the instance only if the copy survives it and a restart. `copy`: do so even if the storage driver has to copy every file and the instance is frozen meanwhile.',
      default: false,
    },
  ),
  askTimeout: optional(time(1000), { description: 'How long `ask` waits for an answer.', default: '5m' }),

  timeout: optional(timeOrNever(timeLimits.timeout), { description: 'How long the command may run.', default: '1h' }),
  idleTimeout: optional(timeOrNever(timeLimits.idleTimeout), {
    description: 'How long the command may write no output. Default: 15m, and never at a terminal.',
  }),
  okStatus: optional(statuses(0, 255, '0,100-103'), {
    description: 'Exit statuses of the command that count as success.',
    default: 0,
    examples: ['0,100-103'],
  }),
  environment: optional(
    changed(z.nullable(inheritedVariables), (given) => given ?? {}),
    { description: 'Variables for the command. `null` removes an inherited one.' },
  ),
  user: optional(userId, { description: 'The numeric user id of the command.', default: 0 }),
  group: optional(userId, { description: 'The numeric group id of the command.', default: 0 }),
  cwd: optional(path('folder'), {
    description: 'The folder in the instance in which the command runs.',
    default: '/root',
  }),

  keep: optional(numberWithin(numberLimits.keep), {
    description: 'How many restore points guard keeps on the instance. The newest always stays.',
    default: 3,
  }),
  expires: optional(timeOrNever(timeLimits.expires), {
    description: 'The time after which the server removes a restore point.',
    default: '30d',
  }),
  waitLock: optional(timeWithin(timeLimits.waitLock), {
    description: 'How long to wait for another run to end.',
    default: '0s',
  }),
  lease: optional(time(60_000), {
    description: 'How long a run of another host must show no activity before `guard recover` finishes it here.',
    default: '2m',
  }),
  stopFirst: optional(flag, {
    description: 'Stop the instance while the restore point is taken, and start it again.',
    default: false,
  }),
  restorePointTimeout: optional(time(1000), {
    description: 'How long creating the restore point may take.',
    default: '15m',
  }),
  stopTimeout: optional(time(0), {
    description: 'How long a graceful stop may take before the instance is stopped by force.',
    default: '30s',
  }),
  restoreTimeout: optional(time(1000), {
    description: 'How long a restore may take, including repeated attempts.',
    default: '15m',
  }),
  startTimeout: optional(time(1000), {
    description: 'How long the instance may take from its start until commands can run in it.',
    default: '2m',
  }),

  hook: optional(hook, {
    description: 'The package manager hook: see `guard hook` and `guard agent`.',
  }),
  notify: optional(z.nullable(z.array(notice, { error: 'a list of notifications' })), {
    description: 'Notifications about the end of a run. They never change the outcome.',
  }),
};

/** The settings' names as they stand in the file. */
export const settingNames = Object.keys(settingsShape);

const settings = changed(z.nullable(mapping('settings', settingsShape, 'a mapping of settings')), (given): Layer => {
  const { timeout, idleTimeout, confirm, verifyTimeout, soak, askTimeout, expires, waitLock, lease, ...rest } =
    given ?? {};
  const { restorePointTimeout, stopTimeout, restoreTimeout, startTimeout, notify, automatic, ...same } = rest;
  return withoutUndefined({
    ...same,
    automatic: typeof automatic === 'object' ? automatic.compare : automatic,
    askServers: typeof automatic === 'object' ? automatic.ask : undefined,
    hooks: same.hooks ?? undefined,
    timeoutMs: timeout,
    idleTimeoutMs: idleTimeout,
    confirmMs: confirm,
    verifyTimeoutMs: verifyTimeout,
    soakMs: soak,
    askTimeoutMs: askTimeout,
    expiresMs: expires,
    waitLockMs: waitLock,
    leaseMs: lease,
    restorePointTimeoutMs: restorePointTimeout,
    stopTimeoutMs: stopTimeout,
    restoreTimeoutMs: restoreTimeout,
    startTimeoutMs: startTimeout,
    notify: notify === null ? [] : notify,
  });
});

function withoutUndefined(layer: Layer): Layer {
  return Object.fromEntries(Object.entries(layer).filter(([, value]) => value !== undefined));
}

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
