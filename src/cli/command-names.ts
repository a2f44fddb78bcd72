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

/** Commands that never change an instance: their refusals do not say that nothing was changed. */
const readOnlyCommands: ReadonlySet<string> = new Set<CommandName | 'help'>([
  'plan',
  'forecast',
  'check',
  'init',
  'runs',
  'show',
  'points',
  'doctor',
  'version',
  'completion',
  'help',
]);

/** Whether guard's own words begin with such a command. */
export function isReadOnly([command = '', subcommand = '']: readonly string[]): boolean {
  return readOnlyCommands.has(command) || (['rollout', 'hook'].includes(command) && subcommand === 'status');
}
