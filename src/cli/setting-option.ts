import { Option } from 'commander';
import { shellCommand } from '../check-default.ts';
import {
  keyOf,
  writtenDefault,
  type Form,
  type Setting,
  type SettingOption,
  type SettingTable,
} from '../config/setting.ts';
import { settingTable } from '../config/settings.ts';
import {
  countWithin,
  duration,
  durationOrNever,
  failurePolicies,
  folderInside,
  groupId,
  instanceCount,
  neverAsNull,
  oneOf,
  parallelCount,
  spreadKey,
  statusRanges,
  userId,
} from './values.ts';

/** The options that are rows of a table of settings. */

/** The rows of a table that have an option. */
type WithOption<Table extends SettingTable> = {
  [Name in keyof Table]: Table[Name] extends { readonly option: SettingOption } ? Name : never;
}[keyof Table];

/** As commander reads the options: what was not written is absent, and never is Infinity. */
export type OptionValues<Table extends SettingTable, Values extends Partial<Record<keyof Table, unknown>>> = {
  readonly [Name in WithOption<Table> as Key<Name>]?: Exclude<Values[Name], null>;
};

type Key<Name> = Name extends `${infer Key}Ms` ? Key : Name;

/** A setting of one run that has an option. */
export type OptionSetting = WithOption<typeof settingTable>;

function withOption(table: SettingTable) {
  return Object.entries(table).flatMap(([name, row]) => (hasOption(row) ? [{ name, row }] : []));
}

type OptionRow = Setting & { readonly option: SettingOption };

function hasOption(row: Setting): row is OptionRow {
  return row.option !== undefined;
}

/** The settings of a run with an option below this heading of the help. */
export function settingsInGroup(group: SettingOption['group']): readonly OptionSetting[] {
  return withOption(settingTable)
    .filter(({ row }) => row.option.group === group)
    .map(({ name }) => name as OptionSetting);
}

/** The option of a setting. Where another command has it too, `changes` is what its help says instead. */
export function optionOf(row: OptionRow, changes: Partial<SettingOption> = {}): Option {
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
  spreadKey,
};

function readerOf(form: Form, placeholder: string): (text: string) => unknown {
  switch (form.kind) {
    case 'time':
      return form.orNever ? durationOrNever(form.limits) : duration(form.limits);
    case 'number':
      return countWithin(form.limits);
    case 'amount':
      return form.least === 0 ? instanceCount : parallelCount;
    case 'choice':
      return oneOf(form.words, `a ${placeholder}`);
    default:
      return readers[form.kind] ?? unreadable(form);
  }
}

function unreadable({ kind }: Form): never {
  throw new Error(`Settings of the form "${kind}" have options of their own.`);
}

/** What the options set, by the names of the rows. */
export function setByOptions<Table extends SettingTable, Values extends Partial<Record<keyof Table, unknown>>>(
  table: Table,
  options: OptionValues<Table, Values>,
): Values {
  const given: Readonly<Record<string, unknown>> = options;
  return Object.fromEntries(
    withOption(table)
      .map(({ name }) => [name, neverAsNull(given[keyOf(name)])])
      .filter(([, value]) => value !== undefined),
  ) as Values;
}

/** The values that the completion of the shell offers for an option, by its name. */
export const offeredValues: Readonly<Record<string, readonly string[]>> = Object.fromEntries(
  withOption(settingTable).flatMap(({ row: { option, form } }) => {
    const offers = option.offers ?? (form.kind === 'choice' ? form.words : undefined);
    return offers === undefined ? [] : [[option.flags.replace(/ .*/, ''), offers]];
  }),
);
