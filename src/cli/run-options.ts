import { Option, type Command } from 'commander';
import { numberLimits, timeLimits } from '../config/limits.ts';
import type { UncoveredPolicy } from '../config/settings.ts';
import type { ReportFile } from '../report/report-file.ts';
import type { StatusRange } from '../status-range.ts';
import {
  countWithin,
  duration,
  durationOrNever,
  environmentEntry,
  folderInside,
  groupId,
  pushOwner,
  pushWord,
  repeated,
  reportFile,
  snapshotName,
  statusRanges,
  failurePolicies,
  uncoveredPolicy,
  userId,
  hookCommand,
  oneOf,
  type FailurePolicies,
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
export interface RunOptions extends CommonOptions {
  readonly name?: string;
  readonly keep?: number;
  readonly expires?: number;
  readonly check?: readonly string[];
  readonly checkTimeout?: number;
  readonly checkInterval?: number;
  readonly checkRetries?: number;
  readonly checkStartPeriod?: number;
  readonly automatic?: 'on' | 'off' | 'optional' | false;
  readonly askServers?: boolean;
  readonly verifyTimeout?: number;
  readonly soak?: number;
  readonly restart?: boolean;
  readonly allowUnhealthy?: boolean;
  readonly confirm?: number;
  readonly confirmBy?: string;
  readonly detach?: boolean;
  readonly uncovered?: UncoveredPolicy;
  readonly onFailure?: FailurePolicies;
  readonly timeout?: number;
  readonly idleTimeout?: number;
  readonly okStatus?: readonly StatusRange[];
  readonly env?: Readonly<Record<string, string>>;
  readonly user?: number;
  readonly group?: number;
  readonly cwd?: string;
  readonly waitLock?: number;
  readonly passthrough?: boolean;
  readonly onUnchanged?: 'rollback' | 'keep';
  readonly yes?: boolean;
  readonly dryRun?: boolean;
  readonly retry?: boolean;
  readonly keepFailed?: boolean;
  readonly stopFirst?: boolean;
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

function addRestorePointOptions(command: Command): Command {
  return command
    .optionsGroup('Restore point:')
    .addOption(
      new Option('--name <name>', 'give the restore point this name (default: guard-<run>)').argParser(snapshotName),
    )
    .addOption(
      new Option('--keep <count>', 'keep this many restore points of guard on the instance (default: 3)').argParser(
        countWithin(numberLimits.keep),
      ),
    )
    .addOption(
      new Option(
        '--expires <time>',
        'let the server remove the restore point after this time, or never (default: 30d)',
      ).argParser(durationOrNever(timeLimits.expires)),
    )
    .addOption(
      new Option(
        '--uncovered <policy>',
        'what to do about disks that the restore point does not cover: refuse, warn or accept (default: warn)',
      ).argParser(uncoveredPolicy),
    )
    .option('--stop-first', 'stop the instance while the restore point is taken')
    .addOption(
      new Option(
        '--hook <moment=command>',
        'run a command in the shell of the instance at this moment of the run, or with host:moment=command in the shell of this machine; moments: beforeRestorePoint, afterRestorePoint, beforeRollback, afterRollback, afterKeep (repeatable)',
      ).argParser(hookCommand),
    )
    .addOption(
      new Option('--hook-timeout <time>', 'let each --hook command take at most this time (default: 30s)').argParser(
        duration(timeLimits.hookTimeout),
      ),
    )
    .addOption(
      new Option(
        '--wait-lock <time>',
        'wait up to this time for another run on the instance to end (default: 0s)',
      ).argParser(duration(timeLimits.waitLock)),
    );
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
  return command
    .optionsGroup('Verdict:')
    .addOption(
      new Option(
        '--verify-timeout <time>',
        'wait up to this time for the instance to become healthy after the command (default: 2m)',
      ).argParser(duration(timeLimits.verifyTimeout)),
    )
    .addOption(
      new Option(
        '--soak <time>',
        'observe a healthy instance for this time before the change is kept (default: 10s)',
      ).argParser(duration(timeLimits.soak)),
    )
    .option('--restart', 'restart the instance after the command, before it is checked')
    .option('--allow-unhealthy', 'run the command even if the instance is already unhealthy')
    .addOption(
      new Option(
        '--on-failure <policy>',
        'what to do if the change fails: rollback, keep or ask; or by cause: command=keep,unhealthy=rollback,inconclusive=ask,timeout=rollback (default: rollback)',
      ).argParser(failurePolicies),
    )
    .addOption(
      new Option(
        '--confirm <time>',
        'keep a healthy change only if it is confirmed within this time, else roll it back',
      ).argParser(duration(timeLimits.confirm)),
    )
    .option(
      '--confirm-by <command>',
      'with --confirm: confirm the change when this command succeeds on this machine; guard tries it every 5 s',
    )
    .option('--detach', 'with --confirm: end after the verdict and let the change wait')
    .addOption(
      new Option(
        '--on-unchanged <policy>',
        'what to do if the command failed and changed nothing that guard compares (default: rollback; at a terminal guard asks)',
      ).choices(['rollback', 'keep']),
    )
    .option(
      '--keep-failed',
      'before a rollback, keep the failed state as a stopped copy of the instance without network',
    );
}

function addCommandOptions(command: Command): Command {
  return command
    .optionsGroup('Command:')
    .addOption(
      new Option(
        '--timeout <time>',
        'let the command run at most this time, or never to set no limit (default: 1h)',
      ).argParser(durationOrNever(timeLimits.timeout)),
    )
    .addOption(
      new Option(
        '--idle-timeout <time>',
        'end the command after this time without output, or never (default: 15m without a terminal)',
      ).argParser(durationOrNever(timeLimits.idleTimeout)),
    )
    .addOption(
      new Option('--ok-status <list>', 'exit statuses of the command that count as success (default: 0)').argParser(
        statusRanges,
      ),
    )
    .addOption(
      new Option('--env <NAME=value>', 'set an environment variable for the command (repeatable)').argParser(
        environmentEntry,
      ),
    )
    .addOption(new Option('--user <uid>', 'run the command as this user id (default: 0)').argParser(userId))
    .addOption(new Option('--group <gid>', 'run the command as this group id (default: 0)').argParser(groupId))
    .addOption(
      new Option('--cwd <folder>', 'run the command in this folder of the instance (default: /root)').argParser(
        folderInside,
      ),
    )
    .addOption(
      new Option(
        '--push <local:path>',
        'copy a local file or folder to this path in the instance before the command; a / at the end means into this folder (repeatable)',
      ).argParser(pushWord),
    )
    .addOption(
      new Option(
        '--push-owner <uid:gid>',
        'user id and group id of the files that --push copies (default: 0:0)',
      ).argParser(pushOwner),
    )
    .option('--retry', 'run the command even if the same change was rolled back on this instance before')
    .option('--passthrough', 'exit with the status of the command if it failed and was rolled back, instead of 10');
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
