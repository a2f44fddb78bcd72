import { InvalidArgumentError, type Command } from 'commander';

/**
 * Refuses every empty argument, every option with an empty value, and every option whose value is another option: `--check "$UNSET"` in a CI job must not be taken for a
 * check that always passes. No option of guard means anything by an empty value.
 */
export function refuseEmptyValues(program: Command): void {
  for (const command of [program, ...program.commands.flatMap(withSubcommands)]) {
    for (const option of command.options) {
      if (!option.required) continue;
      const parse = option.parseArg;
      option.argParser((value: string, before: unknown): unknown => {
        refuseEmpty(value);
        refuseOption(command, value);
        return parse === undefined ? value : parse(value, before);
      });
    }
    for (const argument of command.registeredArguments) {
      const parse = argument.parseArg;
      argument.argParser((value: string, before: unknown): unknown => {
        refuseEmpty(value);
        if (parse !== undefined) return parse(value, before);
        return argument.variadic ? [...(Array.isArray(before) ? (before as string[]) : []), value] : value;
      });
    }
  }
}

function refuseEmpty(value: string): void {
  if (value.trim() === '') throw new InvalidArgumentError('The value is empty. Is a variable unset?');
}

/** `--check --restart`: the value was forgotten, and the next option would be taken for it. */
function refuseOption({ options }: Command, value: string): void {
  if (options.some(({ long, short }) => value === long || value === short))
    throw new InvalidArgumentError(`The value is missing: "${value}" is another option.`);
}

function withSubcommands(command: Command): readonly Command[] {
  return [command, ...command.commands.flatMap(withSubcommands)];
}
