import { lifecycleMoments } from '../lifecycle-command.ts';
import { reportFormats } from '../report/report-file.ts';
import { offeredValues } from './setting-option.ts';

const policies = ['rollback', 'keep', 'ask'];

/** What may stand behind an option whose value commander does not choose from a list. */
const values: Readonly<Record<string, readonly string[]>> = {
  ...offeredValues,
  '--on-failure': [
    ...policies,
    ...['command', 'unhealthy', 'inconclusive', 'timeout'].flatMap((cause) => policies.map((one) => `${cause}=${one}`)),
  ],
  '--automatic': ['on', 'off', 'optional'],
  '--hook': lifecycleMoments.flatMap((moment) => [`${moment}=`, `host:${moment}=`]),
  '--report': reportFormats.map((format) => `${format}=`),
};

const fileOptions: readonly (string | undefined)[] = ['--config', '--trace', '--push', '--output', '--html'];

/** The values of an option that are worth offering. */
export function valuesOf(option: {
  readonly long?: string | undefined;
  readonly argChoices?: readonly string[];
}): readonly string[] {
  return option.argChoices ?? (option.long === undefined ? undefined : values[option.long]) ?? [];
}

/** Whether the name of a file of this machine may stand behind the option, after what was typed of its value. */
export function takesFile(option: { readonly long?: string | undefined }, typed: string): boolean {
  return fileOptions.includes(option.long) || (option.long === '--report' && typed.includes('='));
}
