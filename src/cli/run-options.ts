import { Option, type Command } from 'commander';
import type { Layer } from '../config/layer.ts';
import { numberLimits, timeLimits } from '../config/limits.ts';
import type { SettingOption } from '../config/setting.ts';
import { settingTable } from '../config/settings.ts';
import type { ReportFile } from '../report/report-file.ts';
import { optionOf, settingsInGroup, type OptionSetting, type OptionValues } from './setting-option.ts';
import {
  countWithin,
  duration,
  environmentEntry,
  hookCommand,
  oneOf,
  pushOwner,
  pushWord,
  repeated,
  reportFile,
  snapshotName,
  type HookCommand,
  type PushOwner,
  type PushWord,
} from './values.ts';

/** Options that every command has which speaks to an instance. */
export interface CommonOptions {
  readonly project?: string;
  readonly config?: string;
  readonly json?: boolean;
  readonly quiet?: boolean;
  readonly report?: readonly ReportFile[];
  /** Where the trace goes. */
  readonly trace?: string;
  readonly push?: readonly PushWord[];
  readonly pushOwner?: PushOwner;
}

/** The options of `guard run` as commander reads them: what was not written is absent, so that files can fill it in. */
export interface RunOptions extends CommonOptions, OptionValues<typeof settingTable, Layer> {
  readonly name?: string;
  readonly check?: readonly string[];
  readonly checkTimeout?: number;
  readonly checkInterval?: number;
  readonly checkRetries?: number;
  readonly checkStartPeriod?: number;
  readonly automatic?: 'on' | 'off' | 'optional' | false;
  readonly askServers?: boolean;
  readonly detach?: boolean;
  readonly env?: Readonly<Record<string, string>>;
  readonly passthrough?: boolean;
  readonly yes?: boolean;
  readonly dryRun?: boolean;
  readonly retry?: boolean;
  readonly keepFailed?: boolean;
  readonly rehearse?: boolean;
  readonly rehearseCopy?: boolean;
  readonly keepRehearsal?: boolean;
  readonly allowDrift?: boolean;
  readonly hook?: readonly HookCommand[];
  readonly hookTimeout?: number;
}

/** Options that say how to change one instance: the same for `guard run` and `guard plan`. */
export function addRunOptions(command: Command): Command {
  return addCommonOptions(addCommandOptions(addHealthOptions(addCheckOptions(addRestorePointOptions(command)))));
}

/** Adds the options in this order, then those settings of the group that are not among them. */
function addGroup(
  command: Command,
  group: SettingOption['group'],
  first: readonly (OptionSetting | Option)[],
): Command {
  const rest = settingsInGroup(group).filter((name) => !first.includes(name));
  command.optionsGroup(`${group}:`);
  for (const one of [...first, ...rest]) command.addOption(typeof one === 'string' ? optionOf(settingTable[one]) : one);
  return command;
}

function addRestorePointOptions(command: Command): Command {
  return addGroup(command, 'Restore point', [
    new Option('--name <name>', 'give the restore point this name (default: guard-<run>)').argParser(snapshotName),
    'keep',
    'expiresMs',
    'uncovered',
    'stopFirst',
    new Option(
      '--hook <moment=command>',
      'run a command in the shell of the instance at this moment of the run, or with host:moment=command in the shell of this machine; moments: beforeRestorePoint, afterRestorePoint, beforeRollback, afterRollback, afterKeep (repeatable)',
    ).argParser(hookCommand),
    new Option('--hook-timeout <time>', 'let each --hook command take at most this time (default: 30s)').argParser(
      duration(timeLimits.hookTimeout),
    ),
    'waitLockMs',
  ]);
}

/** Options that say what to ask. */
export function addCheckOptions(command: Command): Command {
  return command
    .optionsGroup('Checks:')
    .addOption(
      new Option(
        '--check <command>',
        'add a health check: a command for the shell of the instance, which passes with exit status 0 (repeatable)',
      ).argParser(repeated),
    )
    .addOption(
      new Option(
        '--check-timeout <time>',
        'let each attempt of a --check take at most this time (default: 10s)',
      ).argParser(duration(timeLimits.checkTimeout)),
    )
    .addOption(
      new Option('--check-interval <time>', 'wait this time between two attempts of a --check (default: 2s)').argParser(
        duration(timeLimits.checkInterval),
      ),
    )
    .addOption(
      new Option(
        '--check-retries <count>',
        'fail a --check after this many consecutive failed attempts (default: 3)',
      ).argParser(countWithin(numberLimits.checkRetries)),
    )
    .addOption(
      new Option(
        '--check-start-period <time>',
        'ignore failures of a --check for this time after the command (default: 0s)',
      ).argParser(duration(timeLimits.checkStartPeriod)),
    )
    .addOption(
      new Option(
        '--automatic <mode>',
        'compare units, sockets, packages and the like before and after the command: on, off, or optional, which also accepts an instance in which nothing can be compared (default: on)',
      ).argParser(oneOf(['on', 'off', 'optional'])),
    )
    .option('--no-automatic', 'the same as --automatic=off: only the checks decide')
    .option(
      '--no-ask-servers',
      'send no requests to the servers of the instance: compare who listens, and not what they reply',
    );
}

function addHealthOptions(command: Command): Command {
  return addGroup(command, 'Verdict', [
    'verifyTimeoutMs',
    'soakMs',
    'restart',
    'allowUnhealthy',
    'onFailure',
    'confirmMs',
    'confirmBy',
    new Option('--detach', 'with --confirm: end after the verdict and let the change wait'),
    'onUnchanged',
    new Option(
      '--keep-failed',
      'before a rollback, keep the failed state as a stopped copy of the instance without network',
    ),
  ]);
}

function addCommandOptions(command: Command): Command {
  return addGroup(command, 'Command', [
    'timeoutMs',
    'idleTimeoutMs',
    'okStatus',
    new Option('--env <NAME=value>', 'set an environment variable for the command (repeatable)').argParser(
      environmentEntry,
    ),
    'user',
    'group',
    'cwd',
    new Option(
      '--push <local:path>',
      'copy a local file or folder to this path in the instance before the command; a / at the end means into this folder (repeatable)',
    ).argParser(pushWord),
    new Option(
      '--push-owner <uid:gid>',
      'user id and group id of the files that --push copies (default: 0:0)',
    ).argParser(pushOwner),
    new Option('--retry', 'run the command even if the same change was rolled back on this instance before'),
    new Option('--passthrough', 'exit with the status of the command if it failed and was rolled back, instead of 10'),
  ]);
}

/** Options of a rehearsal that continues with the instance. */
export function addRehearsalOptions(command: Command): Command {
  return addRehearsalCopyOptions(
    command
      .optionsGroup('Rehearsal:')
      .option('--rehearse', 'try the change on an isolated copy first; the instance is touched only if that passes')
      .option('--allow-drift', 'with --rehearse: continue even if other packages would change than in the rehearsal'),
  );
}

/** Options of every rehearsal. */
export function addRehearsalCopyOptions(command: Command): Command {
  return command
    .optionsGroup('Rehearsal:')
    .option(
      '--rehearse-copy',
      'rehearse even if the storage driver has to copy every file and the instance is frozen meanwhile; also written --rehearse=copy',
    )
    .option('--keep-rehearsal', 'keep the copy of the rehearsal, stopped, for analysis');
}

/** Options that every command has which speaks to an instance. */
export function addCommonOptions(command: Command): Command {
  return command
    .optionsGroup('General:')
    .option('--project <name>', 'the project of the instance on the server')
    .option('--config <file>', 'read this guard.yaml (default: ./guard.yaml, then the user’s, then the system’s)')
    .option('--json', 'write events to stdout, one line of JSON each')
    .option('-q, --quiet', 'print only warnings and failures');
}

/** For every command that ends with an outcome. */
export function addReportOption(command: Command): Command {
  return command
    .optionsGroup('General:')
    .addOption(
      new Option(
        '--report <format=file>',
        'also write a junit, json, markdown or html report to a file (repeatable)',
      ).argParser(reportFile),
    );
}

/** For a run that is slow. */
export function addTraceOption(command: Command): Command {
  return command
    .optionsGroup('General:')
    .option('--trace <file>', "write a trace in Chrome's format, with one span for each phase and request");
}
