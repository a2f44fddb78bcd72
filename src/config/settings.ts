import { longestWaitMs } from '../deadline.ts';
import {
  choice,
  form,
  optionIn,
  orNone,
  setting,
  settingGroup,
  time,
  timeOrNever,
  wholeNumber,
  type SettingsOf,
} from './setting.ts';

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

/** Options below the three headings of the help. */
const restorePoint = optionIn('Restore point');
const verdict = optionIn('Verdict');
const command = optionIn('Command');

/** Settings for the package manager hook (`guard hook`, `guard agent`). */
const hookTable = {
  onNoRestorePoint: setting(choice(['abort', 'proceed']), 'abort', {
    description: 'What to do with a transaction if no restore point can be taken.',
  }),
  absent: setting(choice(['abort', 'proceed']), 'proceed', {
    description: 'What to do if no agent answers. `guard hook install` writes this setting into the instance.',
  }),
  timeoutMs: setting(time(second, hour), minute, {
    description: 'How long the package manager waits for the answer of the agent.',
  }),
  settleMs: setting(time(0, 10 * minute), 2 * second, {
    description: 'Transactions that follow one another within this time are one run.',
  }),
  packages: setting(orNone(form('globs')), null, {
    description: 'Guard only transactions that change one of these packages. Default: all.',
    examples: ['linux-image-*'],
  }),
  commands: setting(orNone(form('globs')), null, {
    description: 'Guard only commands that match one of these globs. Default: all.',
    examples: ['apt* upgrade*'],
  }),
  quarantine: setting(choice(['unattended', 'always', 'never']), 'unattended', {
    description: 'When to refuse a transaction that was rolled back before.',
  }),
  rehearse: setting(form('flag'), false, {
    description:
      'Run the command of a transaction without a terminal on an isolated copy first, and abort the transaction if the copy does not survive. The `timeout` must be long enough for that.',
  }),
  mostAnHour: setting(wholeNumber({ least: 1, most: 10_000 }), 60, {
    description: 'The maximum number of runs in an hour.',
  }),
};

/**
 * The table of settings: everything about a run that can be configured. A row has the form of the value, its default, what
 * guard.yaml says about it, and its option. The key in guard.yaml is the name of the row without the unit `Ms`. The types, the
 * defaults, the schema of guard.yaml, the options and the order of precedence follow from the table. Null is "never" or "none".
 */
export const settingTable = {
  checks: setting(form('checks'), [], {
    description: 'Health checks by name, run before and after the command. `null` removes an inherited check.',
  }),
  automatic: setting(
    form('automatic'),
    { compare: true, ask: true },
    {
      writtenDefault: true,
      description:
        'Whether guard compares units, sockets, packages, addresses and disk space before and after the command. `true`: guard refuses the run if nothing can be compared and there is no check. `optional`: guard accepts such a run and reports that the health is unknown. `false`: only the checks decide; without a check nothing is verified. A mapping has the keys `compare` (the same values) and `ask`.',
    },
  ),
  // 0s: one observation decides.
  verifyTimeoutMs: setting(time(0), 2 * minute, {
    description: 'How long the instance may take to become healthy after the command.',
    option: verdict(
      '--verify-timeout <time>',
      'wait up to this time for the instance to become healthy after the command',
    ),
  }),
  soakMs: setting(time(0), 10 * second, {
    description: 'How long the instance must then stay healthy. 0s: one healthy observation is enough.',
    option: verdict('--soak <time>', 'observe a healthy instance for this time before the change is kept'),
  }),
  restart: setting(form('flag'), false, {
    description: 'Restart the instance before the verdict, because some upgrades fail only at the next boot.',
    option: verdict('--restart', 'restart the instance after the command, before it is checked'),
  }),
  uncovered: setting(choice(['refuse', 'warn', 'accept']), 'warn', {
    description: 'What to do with disks that the restore point does not cover: shared volumes and folders of the host.',
    option: restorePoint(
      '--uncovered <policy>',
      'what to do about disks that the restore point does not cover: refuse, warn or accept',
    ),
  }),
  allowUnhealthy: setting(form('flag'), false, {
    description: 'Start the run although a required check already fails.',
    option: verdict('--allow-unhealthy', 'run the command even if the instance is already unhealthy'),
  }),
  confirmMs: setting(orNone(time(second, longestWaitMs)), null, {
    description:
      'How long a healthy change waits for its confirmation. Without a confirmation it is rolled back. Without this setting the change is kept at once.',
    examples: ['10m'],
    option: verdict(
      '--confirm <time>',
      'keep a healthy change only if it is confirmed within this time, else roll it back',
    ),
  }),
  confirmBy: setting(orNone(form('command')), null, {
    description:
      'A command that guard runs on this machine every 5 s while a change waits. Exit status 0 confirms the change.',
    option: verdict(
      '--confirm-by <command>',
      'with --confirm: confirm the change when this command succeeds on this machine; guard tries it every 5 s',
    ),
  }),
  onFailure: setting(
    form('policies'),
    { command: 'rollback', unhealthy: 'rollback', inconclusive: 'rollback', timeout: 'rollback' },
    {
      writtenDefault: 'rollback',
      description:
        'What to do when a change fails. `ask` asks at the terminal, and rolls back without an answer. One policy, or one for each cause.',
      option: verdict(
        '--on-failure <policy>',
        'what to do if the change fails: rollback, keep or ask; or by cause: command=keep,unhealthy=rollback,inconclusive=ask,timeout=rollback',
      ),
    },
  ),
  onUnchanged: setting(choice(['rollback', 'keep'], { listed: true }), 'rollback', {
    description:
      'What to do if the command failed and nothing that guard compares has changed. At a terminal guard asks.',
    option: verdict(
      '--on-unchanged <policy>',
      'what to do if the command failed and changed nothing that guard compares',
      { defaultHelp: 'rollback; at a terminal guard asks' },
    ),
  }),
  hooks: setting(
    form('hooks'),
    {},
    {
      description:
        'Your own commands around the restore point and at the end of a run, by moment. `null` removes inherited ones.',
    },
  ),
  rehearse: setting(form('rehearse'), false, {
    description:
      'Try the change on an isolated copy first, and touch the instance only if the copy survives it and a restart. `copy`: do so even if the storage driver has to copy every file and the instance is frozen meanwhile.',
  }),
  askTimeoutMs: setting(time(second), 5 * minute, { description: 'How long `ask` waits for an answer.' }),

  timeoutMs: setting(timeOrNever(second), hour, {
    description: 'How long the command may run.',
    option: command('--timeout <time>', 'let the command run at most this time, or never to set no limit', {
      offers: ['never', '10m', '1h'],
    }),
  }),
  idleTimeoutMs: setting(timeOrNever(second), 15 * minute, {
    // A person at a terminal may take time to answer.
    attended: null,
    description: 'How long the command may write no output. Default: 15m, and never at a terminal.',
    option: command('--idle-timeout <time>', 'end the command after this time without output, or never', {
      defaultHelp: '15m without a terminal',
      offers: ['never', '15m'],
    }),
  }),
  okStatus: setting(form('statuses'), [{ first: 0, last: 0 }], {
    writtenDefault: 0,
    description: 'Exit statuses of the command that count as success.',
    examples: ['0,100-103'],
    option: command('--ok-status <list>', 'exit statuses of the command that count as success'),
  }),
  environment: setting(
    form('variables'),
    {},
    { description: 'Variables for the command. `null` removes an inherited one.' },
  ),
  user: setting(form('userId'), 0, {
    description: 'The numeric user id of the command.',
    option: command('--user <uid>', 'run the command as this user id'),
  }),
  group: setting(form('groupId'), 0, {
    description: 'The numeric group id of the command.',
    option: command('--group <gid>', 'run the command as this group id'),
  }),
  cwd: setting(form('folder'), '/root', {
    description: 'The folder in the instance in which the command runs.',
    option: command('--cwd <folder>', 'run the command in this folder of the instance'),
  }),

  keep: setting(wholeNumber({ least: 0, most: 1000 }), 3, {
    description: 'How many restore points guard keeps on the instance. The newest always stays.',
    option: restorePoint('--keep <count>', 'keep this many restore points of guard on the instance'),
  }),
  expiresMs: setting(timeOrNever(minute, 10 * 366 * day), 30 * day, {
    description: 'The time after which the server removes a restore point.',
    option: restorePoint('--expires <time>', 'let the server remove the restore point after this time, or never', {
      offers: ['never', '7d', '30d'],
    }),
  }),
  waitLockMs: setting(time(0), 0, {
    description: 'How long to wait for another run to end.',
    option: restorePoint('--wait-lock <time>', 'wait up to this time for another run on the instance to end', {
      offers: ['1m', '5m'],
    }),
  }),
  leaseMs: setting(time(minute), 2 * minute, {
    description: 'How long a run of another host must show no activity before `guard recover` finishes it here.',
  }),
  stopFirst: setting(form('flag'), false, {
    description: 'Stop the instance while the restore point is taken, and start it again.',
    option: restorePoint('--stop-first', 'stop the instance while the restore point is taken'),
  }),
  restorePointTimeoutMs: setting(time(second), 15 * minute, {
    description: 'How long creating the restore point may take.',
  }),
  stopTimeoutMs: setting(time(0), 30 * second, {
    description: 'How long a graceful stop may take before the instance is stopped by force.',
  }),
  restoreTimeoutMs: setting(time(second), 15 * minute, {
    description: 'How long a restore may take, including repeated attempts.',
  }),
  startTimeoutMs: setting(time(second), 2 * minute, {
    description: 'How long the instance may take from its start until commands can run in it.',
  }),

  hook: settingGroup(hookTable, 'The package manager hook: see `guard hook` and `guard agent`.'),
  notify: setting(form('notices'), [], {
    description: 'Notifications about the end of a run. They never change the outcome.',
  }),
};

/** The settings of one instance, with every default filled in. */
export type Settings = SettingsOf<typeof settingTable>;

export type PackageHookSettings = SettingsOf<typeof hookTable>;
