/** What one difference means: `fail` makes the verdict unhealthy, `unknown` inconclusive, `info` is told. */
export type Effect = 'fail' | 'unknown' | 'info';

/** What a difference is about: one word for each module of `resources/`. */
export type ResourceKind =
  | 'unit'
  | 'timer'
  | 'program'
  | 'job'
  | 'unix-socket'
  | 'reply'
  | 'account'
  | 'kernel-setting'
  | 'mount'
  | 'storage'
  | 'workplace'
  | 'obstacle'
  | 'privilege'
  | 'validation'
  | 'host-key'
  | 'authority'
  | 'resolution'
  | 'connection'
  | 'queue'
  | 'log'
  | 'limit';

/**
 * What is true of a difference beside its kind. `removed`: the command named the removal. `replaced`: something that can be seen took its
 * place. `restarted`: it belonged to the boot before. `own`: no package brought it.
 */
export type Trait =
  | 'removed'
  | 'replaced'
  | 'restarted'
  | 'own'
  | 'packaged'
  | 'supervised'
  | 'detached'
  | 'of-user'
  | 'of-container'
  | 'elastic'
  | 'part'
  | 'of-system'
  | 'configured'
  | 'unused';

/** One difference between before and after. Resources find them, and never say what they mean. */
export interface Difference {
  readonly resource: ResourceKind;
  /** What happened to it, in one word of its resource: `lost`, `stopped`, `masked`, `changed`, … */
  readonly change: string;
  /** Its name, which exceptions match. */
  readonly name: string;
  readonly subject: string;
  /** The whole sentence: what was, what is. */
  readonly message: string;
  /** It may still settle by itself. */
  readonly transient: boolean;
  readonly traits: readonly Trait[];
}

/** A row: the first that matches decides. */
export interface Rule {
  readonly resource?: ResourceKind;
  readonly change?: string;
  readonly trait?: Trait;
  /** Matches the name. */
  readonly name?: RegExp;
  readonly effect: Effect;
  /** Why it does not decide, or why it does; told where it does not. */
  readonly because: string;
  /** The change that taught the row. */
  readonly seenOn?: string;
}
