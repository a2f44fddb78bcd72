import type { Settings } from '../config/settings.ts';
import type { InstanceConnection } from '../platform/incus/remote/reach.ts';
import type { RunPlan } from '../run/changes/change.ts';
import { commandChange } from '../run/changes/command.ts';
import type { PushPlan } from '../run/plan.ts';

/** Everything that is settled for one run before it begins. */
export function buildPlan(known: {
  readonly run: string;
  readonly version: string;
  readonly reached: Pick<InstanceConnection, 'instance' | 'project' | 'remote'>;
  readonly words: readonly [string, ...string[]];
  readonly settings: Settings;
  /** The final name of the restore point, if the user chose one. */
  readonly name: string | null;
  readonly pushes?: readonly PushPlan[];
  readonly obeyQuarantine?: boolean;
  readonly keepFailed?: boolean;
  /** Do not wait for the confirmation. */
  readonly detach?: boolean;
  readonly rehearsedBy?: string;
}): RunPlan {
  const { run, settings, name } = known;
  return {
    run,
    version: known.version,
    instance: known.reached.instance,
    project: known.reached.project,
    remote: known.reached.remote,
    command: {
      words: known.words,
      environment: settings.environment,
      user: settings.user,
      group: settings.group,
      cwd: settings.cwd,
    },
    change: commandChange,
    pushes: known.pushes ?? [],
    checks: settings.checks,
    automatic: settings.automatic.compare !== false,
    askServers: settings.automatic.ask,
    acceptNothingCompared: settings.automatic.compare === 'optional',
    allowUnhealthy: settings.allowUnhealthy,
    uncovered: settings.uncovered,
    okStatus: settings.okStatus,
    onFailure: settings.onFailure,
    onUnchanged: settings.onUnchanged,
    askMs: settings.askTimeoutMs,
    obeyQuarantine: known.obeyQuarantine ?? false,
    keepFailed: known.keepFailed ?? false,
    restart: settings.restart,
    rehearsedBy: known.rehearsedBy ?? null,
    hooks: settings.hooks,
    stopFirst: settings.stopFirst,
    confirmation:
      settings.confirmMs === null
        ? null
        : { ms: settings.confirmMs, by: settings.confirmBy, detach: known.detach ?? false },
    restorePoint: {
      name: name ?? `guard-${run}`,
      named: name !== null,
      keep: settings.keep,
      expiresMs: settings.expiresMs,
    },
    limits: limitsOf(settings),
  };
}

function limitsOf(settings: Settings): RunPlan['limits'] {
  return {
    commandMs: settings.timeoutMs,
    idleMs: settings.idleTimeoutMs,
    verifyMs: settings.verifyTimeoutMs,
    soakMs: settings.soakMs,
    stopMs: settings.stopTimeoutMs,
    snapshotMs: settings.restorePointTimeoutMs,
    restoreMs: settings.restoreTimeoutMs,
    readyMs: settings.startTimeoutMs,
    leaseMs: settings.leaseMs,
    lockMs: settings.waitLockMs,
  };
}
