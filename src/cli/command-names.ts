/** The subcommands, in the order of the help. */
export const commandNames = [
  'run',
  'plan',
  'rehearse',
  'forecast',
  'check',
  'init',
  'runs',
  'show',
  'points',
  'recover',
  'prune',
  'rollback',
  'confirm',
  'forget',
  'rollout',
  'hook',
  'agent',
  'doctor',
  'version',
  'completion',
] as const;

/** One of them. */
export type CommandName = (typeof commandNames)[number];
