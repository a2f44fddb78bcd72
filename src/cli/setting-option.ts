import { Option } from 'commander';
import { shellCommand } from '../check-default.ts';
import type { Layer } from '../config/layer.ts';
import { keyOf, writtenDefault, type Form, type Setting, type SettingOption } from '../config/setting.ts';
import { settingTable } from '../config/settings.ts';
import {
  countWithin,
  duration,
  durationOrNever,
  failurePolicies,
  folderInside,
  groupId,
  neverAsNull,
  oneOf,
  statusRanges,
  userId,
} from './values.ts';

/** The options of `guard run` that are rows of the table of settings. */

type Table = typeof settingTable;

/** A setting that has an option. */
export type OptionSetting = {
  [Name in keyof Table]: Table[Name] extends { readonly option: SettingOption } ? Name : never;
}[keyof Table];

/** As commander reads them: what was not written is absent, and never is Infinity. */
export type SettingOptions = {
  readonly [Name in OptionSetting as Key<Name>]?: Exclude<Layer[Name], null>;
};

type Key<Name> = Name extends `${infer Key}Ms` ? Key : Name;

const rows = Object.entries(settingTable).flatMap(([name, row]: [string, Setting]) =>
  row.option === undefined ? [] : [{ name: name as OptionSetting, row, option: row.option }],
);

/** The settings with an option below this heading of the help. */
export function settingsInGroup(group: SettingOption['group']): readonly OptionSetting[] {
  return rows.filter(({ option }) => option.group === group).map(({ name }) => name);
}

/** The option of a setting. Where another command has it too, `changes` is what its help says instead. */
export function settingOption(name: OptionSetting, changes: Partial<SettingOption> = {}): Option {
  const row: Setting & { readonly option: SettingOption } = settingTable[name];
  const { flags, help, defaultHelp = writtenDefault(row) } = { ...row.option, ...changes };
  const { form } = row;
  if (form.kind === 'flag') return new Option(flags, help);
  const option = new Option(flags, defaultHelp === undefined ? help : `${help} (default: ${defaultHelp})`);
  return form.kind === 'choice' && form.listed
    ? option.choices(form.words)
    : option.argParser(readerOf(form, /<(.*)>/.exec(flags)?.[1] ?? ''));
}

const readers: { readonly [Kind in Form['kind']]?: (text: string) => unknown } = {
  userId,
  groupId,
  folder: folderInside,
  statuses: statusRanges,
  command: shellCommand,
  policies: failurePolicies,
};

function readerOf(form: Form, placeholder: string): (text: string) => unknown {
  switch (form.kind) {
    case 'time':
      return form.orNever ? durationOrNever(form.limits) : duration(form.limits);
    case 'number':
      return countWithin(form.limits);
    case 'choice':
      return oneOf(form.words, `a ${placeholder}`);
    default:
      return readers[form.kind] ?? unreadable(form);
  }
}

function unreadable({ kind }: Form): never {
  throw new Error(`Settings of the form "${kind}" have options of their own.`);
}

/** What the options set. */
export function layerOf(options: SettingOptions): Layer {
  const given: Readonly<Record<string, unknown>> = options;
  return Object.fromEntries(rows.map(({ name }) => [name, neverAsNull(given[keyOf(name)])]));
}

/** The values that the completion of the shell offers for an option, by its name. */
export const offeredValues: Readonly<Record<string, readonly string[]>> = Object.fromEntries(
  rows.flatMap(({ option, row: { form } }) => {
    const offers = option.offers ?? (form.kind === 'choice' ? form.words : undefined);
    return offers === undefined ? [] : [[option.flags.replace(/ .*/, ''), offers]];
  }),
);
