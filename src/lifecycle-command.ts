/** The moments of a run at which commands of the user's can run, in their order. */
export const lifecycleMoments = [
  'beforeRestorePoint',
  'afterRestorePoint',
  'beforeRollback',
  'afterRollback',
  'afterKeep',
] as const;

export type LifecycleMoment = (typeof lifecycleMoments)[number];

/** A command of the user's at one moment, with every default filled in. Plain data, so that the journal keeps it. */
export type LifecycleCommand = InstanceLifecycleCommand | HostLifecycleCommand;

interface LifecycleCommandCommon {
  /** The argument vector. What the user wrote as one text is `sh -c TEXT`. */
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

/** What runs at each moment, one after another. A moment without hooks is left out. */
export type LifecycleCommands = { readonly [Moment in LifecycleMoment]?: readonly LifecycleCommand[] | undefined };

/** Whether the restore point is taken in a moment of quiet that has to be ended again. */
export function needsQuiesce(hooks: LifecycleCommands): boolean {
  return (hooks.beforeRestorePoint ?? []).length > 0 || (hooks.afterRestorePoint ?? []).length > 0;
}

/** The time limit of a hook that names none, in milliseconds. */
export const lifecycleCommandTimeoutMs = 30_000;
