import type { Amount } from '../amount.ts';
import type { CheckDefinition, Words } from '../check-definition.ts';
import type { PolicyCause } from '../event.ts';
import type { LifecycleCommands } from '../lifecycle-command.ts';
import type { StatusRange } from '../status-range.ts';
import { mostTimeMs, writeTime, type NumberLimits, type TimeLimits } from './limits.ts';
import type { Notice } from './notice.ts';

/** One row of the table of settings. `T` is the value as the program uses it. Times are milliseconds. */
export interface Setting<T = unknown> {
  readonly form: Form;
  readonly default: T;
  /** The default at a terminal, if it is another one. */
  readonly attended?: unknown;
  /** The default as guard.yaml would have it, where that cannot be told from `default`. */
  readonly writtenDefault?: string | number | boolean;
  /** What guard.yaml says about it: for its schema and its manual. */
  readonly description: string;
  readonly examples?: readonly unknown[];
  /** Its option, if the command line has one that takes the value as it is. */
  readonly option?: SettingOption;
}

/** An option of the commands that run or plan a change. */
export interface SettingOption {
  /** The heading of the help below which it stands. */
  readonly group: 'Restore point' | 'Verdict' | 'Command' | 'Several instances';
  readonly flags: string;
  readonly help: string;
  /** What the help says about the default, if that is not the default of guard.yaml. */
  readonly defaultHelp?: string;
  /** Values that the completion of the shell offers. */
  readonly offers?: readonly string[];
}

/**
 * How a value is written. `schema.ts` reads each form from guard.yaml, `cli/setting-option.ts` reads those that can stand on
 * the command line.
 */
export type Form<T = unknown> = Written & {
  /** Exists for the type only. */
  readonly valueType?: T;
};

type Written =
  | { readonly kind: 'time'; readonly limits: TimeLimits; readonly orNever: boolean }
  | { readonly kind: 'number'; readonly limits: NumberLimits }
  | { readonly kind: 'choice'; readonly words: readonly [string, ...string[]]; readonly listed: boolean }
  /** A number of instances, or a percentage of all of them. */
  | { readonly kind: 'amount'; readonly least: 0 | 1 }
  /** A mapping of settings of its own. */
  | { readonly kind: 'settings'; readonly rows: SettingTable }
  | { readonly kind: keyof OtherValues };

/** Forms without parameters. */
interface OtherValues {
  readonly flag: boolean;
  readonly userId: number;
  readonly groupId: number;
  readonly folder: string;
  readonly statuses: readonly StatusRange[];
  readonly command: Words;
  readonly globs: readonly string[];
  /** `location`, or a key of the configuration of instances. */
  readonly spreadKey: string;
  readonly variables: Readonly<Record<string, string>>;
  readonly policies: Readonly<Record<PolicyCause, FailurePolicy>>;
  readonly automatic: AutomaticSettings;
  readonly rehearse: boolean | 'copy';
  readonly checks: readonly CheckDefinition[];
  readonly hooks: LifecycleCommands;
  readonly notices: readonly Notice[];
}

/** What to do when a change fails. */
export type FailurePolicy = 'rollback' | 'keep' | 'ask';

export interface AutomaticSettings {
  /** Whether guard compares units, sockets, packages and the rest; `optional` accepts a run that could compare nothing. */
  readonly compare: boolean | 'optional';
  /** Whether requests are sent to the servers of the instance, to compare their replies. */
  readonly ask: boolean;
}

export type SettingTable = Readonly<Record<string, Setting>>;

/** The values of a table. */
export type SettingsOf<Table extends SettingTable> = {
  readonly [Name in keyof Table]: Table[Name] extends Setting<infer T> ? T : never;
};

export function setting<T, const Rest extends Omit<Setting, 'form' | 'default'>>(
  form: Form<T>,
  standard: NoInfer<T>,
  rest: Rest,
): Setting<T> & Rest {
  return { form, default: standard, ...rest };
}

/** Builds the options below a heading of the help. */
export function optionIn(group: SettingOption['group']) {
  return (flags: string, help: string, rest: Pick<SettingOption, 'defaultHelp' | 'offers'> = {}): SettingOption => ({
    group,
    flags,
    help,
    ...rest,
  });
}

export function form<Kind extends keyof OtherValues>(kind: Kind): Form<OtherValues[Kind]> {
  return { kind };
}

/** The same, and null where nothing is set: guard.yaml has no word for that. */
export function orNone<T>(form: Form<T>): Form<T | null> {
  return form;
}

/** Milliseconds. */
export function time(leastMs: number, mostMs = mostTimeMs): Form<number> {
  return { kind: 'time', limits: { leastMs, mostMs }, orNever: false };
}

/** Milliseconds; null for `never`. */
export function timeOrNever(leastMs: number, mostMs = mostTimeMs): Form<number | null> {
  return { kind: 'time', limits: { leastMs, mostMs }, orNever: true };
}

export function wholeNumber(limits: NumberLimits): Form<number> {
  return { kind: 'number', limits };
}

export function amount(least: 0 | 1): Form<Amount> {
  return { kind: 'amount', least };
}

/** One of these words. `listed`: the help of the option lists them. */
export function choice<const Words extends readonly [string, ...string[]]>(
  words: Words,
  { listed = false } = {},
): Form<Words[number]> {
  return { kind: 'choice', words, listed };
}

/** A setting that consists of settings. */
export function settingGroup<const Table extends SettingTable>(
  rows: Table,
  description: string,
): Setting<SettingsOf<Table>> {
  return { form: { kind: 'settings', rows }, default: defaultsOf(rows), description };
}

export function defaultsOf<Table extends SettingTable>(table: Table): SettingsOf<Table> {
  return Object.fromEntries(Object.entries(table).map(([name, row]) => [name, row.default])) as SettingsOf<Table>;
}

/** The key in guard.yaml of a setting: its name without the unit. */
export function keyOf(name: string): string {
  return name.replace(/Ms$/, '');
}

/** The default as guard.yaml would have it; undefined if it has no word for it. */
export function writtenDefault(row: Setting): string | number | boolean | undefined {
  const { form, default: standard } = row;
  if (row.writtenDefault !== undefined) return row.writtenDefault;
  if (row.attended !== undefined) return undefined;
  if (typeof standard === 'number') return form.kind === 'time' ? writeTime(standard) : standard;
  return typeof standard === 'string' || typeof standard === 'boolean' ? standard : undefined;
}
