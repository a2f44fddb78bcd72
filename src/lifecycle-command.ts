/** The moments of a run at which the user's own commands can run, in order. */
export const lifecycleMoments = [
  'beforeRestorePoint',
  'afterRestorePoint',
  'beforeRollback',
  'afterRollback',
  'afterKeep',
] as const;

export type LifecycleMoment = (typeof lifecycleMoments)[number];

/** A command of the user at one moment, with every default filled in. Plain data for the journal. */
export type LifecycleCommand = InstanceLifecycleCommand | HostLifecycleCommand;

interface LifecycleCommandCommon {
  /** The argument vector. A text of the user becomes `sh -c TEXT`. */
  readonly command: readonly [string, ...string[]];
  readonly environment: Readonly<Record<string, string>>;
  /** The command is killed after this time, and has failed. Milliseconds. */
  readonly timeoutMs: number;
}

/** Runs inside the instance. */
export interface InstanceLifecycleCommand extends LifecycleCommandCommon {
  readonly kind: 'exec';
  readonly user: number;
  readonly cwd: string;
}

/** Runs on the machine that runs guard; `{address}` in its arguments is the instance's. */
export interface HostLifecycleCommand extends LifecycleCommandCommon {
  readonly kind: 'host';
}

/** The commands of each moment, in order. Moments without commands are omitted. */
export type LifecycleCommands = { readonly [Moment in LifecycleMoment]?: readonly LifecycleCommand[] | undefined };

/** Whether the instance must be quiesced for the restore point and resumed afterwards. */
export function needsQuiesce(hooks: LifecycleCommands): boolean {
  return (hooks.beforeRestorePoint ?? []).length > 0 || (hooks.afterRestorePoint ?? []).length > 0;
}

/** The default time limit of a command, in milliseconds. */
export const lifecycleCommandTimeoutMs = 30_000;
