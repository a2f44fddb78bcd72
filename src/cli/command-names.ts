/** The subcommands, in the order of the help. */
export const commandNames = [
  'run',
  'plan',
  'rehearse',
  'check',
  'init',
  'runs',
  'show',
  'points',
  'recover',
  'prune',
  'rollback',
  'forget',
  'rollout',
  'hook',
  'agent',
  'completion',
] as const;

/** One of them. */
export type CommandName = (typeof commandNames)[number];
