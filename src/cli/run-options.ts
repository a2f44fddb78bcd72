import { Option, type Command } from 'commander';
import { numberLimits, timeLimits } from '../config/limits.ts';
import type { UncoveredPolicy } from '../config/settings.ts';
import type { ReportFile } from '../report/report-file.ts';
import type { StatusRange } from '../run/plan.ts';
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
      new Option('--name <name>', 'the final name of the restore point (default: guard-<run>)').argParser(snapshotName),
    )
    .addOption(
      new Option('--keep <count>', 'how many restore points to keep on the instance (default: 3)').argParser(
        countWithin(numberLimits.keep),
      ),
    )
    .addOption(
      new Option('--expires <time>', 'when the server removes it, or never (default: 30d)').argParser(
        durationOrNever(timeLimits.expires),
      ),
    )
    .addOption(
      new Option(
        '--uncovered <policy>',
        'disks that the restore point does not cover: refuse, warn or accept (default: warn)',
      ).argParser(uncoveredPolicy),
    )
    .option('--stop-first', 'stop the instance while the restore point is taken')
    .addOption(
      new Option(
        '--hook <moment=command>',
        "run by the instance's shell at a moment, or by this machine's with host:moment=command; moments: beforeRestorePoint, afterRestorePoint, beforeRollback, afterRollback, afterKeep (repeatable)",
      ).argParser(hookCommand),
    )
    .addOption(
      new Option('--hook-timeout <time>', 'how long one --hook may take (default: 30s)').argParser(
        duration(timeLimits.hookTimeout),
      ),
    )
    .addOption(
      new Option('--wait-lock <time>', 'how long to wait for another run to end (default: 0s)').argParser(
        duration(timeLimits.waitLock),
      ),
    );
}

/** Options that say what to ask. */
export function addCheckOptions(command: Command): Command {
  return command
    .optionsGroup('Checks:')
    .addOption(
      new Option('--check <command>', "run by the instance's shell; status 0 passes (repeatable)").argParser(repeated),
    )
    .addOption(
      new Option('--check-timeout <time>', 'how long one attempt of a --check may take (default: 10s)').argParser(
        duration(timeLimits.checkTimeout),
      ),
    )
    .addOption(
      new Option('--check-interval <time>', 'the time between two attempts (default: 2s)').argParser(
        duration(timeLimits.checkInterval),
      ),
    )
    .addOption(
      new Option('--check-retries <count>', 'how many consecutive failures make a --check fail (default: 3)').argParser(
        countWithin(numberLimits.checkRetries),
      ),
    )
    .addOption(
      new Option('--check-start-period <time>', 'how long failures do not count (default: 0s)').argParser(
        duration(timeLimits.checkStartPeriod),
      ),
    )
    .addOption(
      new Option(
        '--automatic <mode>',
        'compare units, sockets, packages and the like before and after the command: on, off, or optional, which accepts a run that could compare nothing and has no --check (default: on)',
      ).argParser(oneOf(['on', 'off', 'optional'])),
    )
    .option('--no-automatic', 'the same as --automatic=off: only the checks decide');
}

function addHealthOptions(command: Command): Command {
  return command
    .optionsGroup('Verdict:')
    .addOption(
      new Option('--verify-timeout <time>', 'how long the instance may take to become healthy (default: 2m)').argParser(
        duration(timeLimits.verifyTimeout),
      ),
    )
    .addOption(
      new Option('--soak <time>', 'how long it must then stay healthy (default: 10s)').argParser(
        duration(timeLimits.soak),
      ),
    )
    .option('--restart', 'restart the instance before the verdict')
    .option('--allow-unhealthy', 'start although the instance is unhealthy')
    .addOption(
      new Option(
        '--on-failure <policy>',
        'rollback, keep or ask; or by cause: command=keep,unhealthy=rollback,inconclusive=ask,timeout=rollback (default: rollback)',
      ).argParser(failurePolicies),
    )
    .addOption(
      new Option(
        '--confirm <time>',
        'keep a healthy change only if it is confirmed within this time, else roll it back',
      ).argParser(duration(timeLimits.confirm)),
    )
    .option('--confirm-by <command>', 'confirm the change when this command on this machine succeeds; tried every 5 s')
    .option('--detach', 'with --confirm: end after the verdict and let the change wait')
    .addOption(
      new Option(
        '--on-unchanged <policy>',
        'what to do if the command failed and changed nothing that guard compares (default: rollback; at a terminal guard asks)',
      ).choices(['rollback', 'keep']),
    )
    .option('--keep-failed', 'before a rollback, keep the failed state as a stopped copy without network');
}

function addCommandOptions(command: Command): Command {
  return command
    .optionsGroup('Command:')
    .addOption(
      new Option('--timeout <time>', 'how long it may run, or never (default: 1h)').argParser(
        durationOrNever(timeLimits.timeout),
      ),
    )
    .addOption(
      new Option(
        '--idle-timeout <time>',
        'how long it may write no output, or never (default: 15m without a terminal)',
      ).argParser(durationOrNever(timeLimits.idleTimeout)),
    )
    .addOption(
      new Option('--ok-status <list>', 'exit statuses that count as success (default: 0)').argParser(statusRanges),
    )
    .addOption(new Option('--env <NAME=value>', 'set a variable inside (repeatable)').argParser(environmentEntry))
    .addOption(new Option('--user <uid>', 'run as this user id (default: 0)').argParser(userId))
    .addOption(new Option('--group <gid>', 'run as this group id (default: 0)').argParser(groupId))
    .addOption(
      new Option('--cwd <folder>', 'run in this folder of the instance (default: /root)').argParser(folderInside),
    )
    .addOption(
      new Option(
        '--push <local:path>',
        'copy a file or folder to this path in the instance before the command; with a / at the end, into this folder (repeatable)',
      ).argParser(pushWord),
    )
    .addOption(new Option('--push-owner <uid:gid>', 'owner of the pushed files (default: 0:0)').argParser(pushOwner))
    .option('--retry', 'run although the same change was rolled back before')
    .option('--passthrough', 'exit with the status of the command instead of 10');
}

/** Options of a rehearsal that continues with the instance. */
export function addRehearsalOptions(command: Command): Command {
  return addRehearsalCopyOptions(
    command
      .optionsGroup('Rehearsal:')
      .option('--rehearse', 'try the change on an isolated copy first; the instance is touched only if that passes')
      .option('--allow-drift', 'continue although other packages would change than in the rehearsal'),
  );
}

/** Options of every rehearsal. */
export function addRehearsalCopyOptions(command: Command): Command {
  return command
    .optionsGroup('Rehearsal:')
    .option(
      '--rehearse-copy',
      'also written --rehearse=copy: rehearse also where the storage driver copies every file, and the instance is frozen meanwhile',
    )
    .option('--keep-rehearsal', 'keep the copy at the end, stopped, to look into it');
}

/** Options that every command has which speaks to an instance. */
export function addCommonOptions(command: Command): Command {
  return command
    .optionsGroup('General:')
    .option('--project <name>', 'the Incus project of the instance')
    .option('--config <file>', 'read this guard.yaml (default: ./guard.yaml, then the user’s, then the system’s)')
    .option('--json', 'write one event a line on stdout')
    .option('-q, --quiet', 'print only problems');
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
