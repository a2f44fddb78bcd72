import { resolve } from 'node:path';
import { InvalidArgumentError } from 'commander';
import { parseAmount, type Amount } from '../amount.ts';
import { readMetricsAddress, type MetricsAddress } from '../agent/metrics-address.ts';
import { parseDuration } from '../duration.ts';
import { reportFormats, type ReportFile } from '../report/report-file.ts';
import { lifecycleMoments, type LifecycleMoment } from '../lifecycle-command.ts';
import { describeTimeLimits, isWithin, numberLimits, type NumberLimits, type TimeLimits } from '../config/limits.ts';
import { isVariableName } from '../config/variable-name.ts';
import { isReservedName } from '../run/lock/in-flight.ts';
import type { Policy } from '../run/plan.ts';
import { parseStatusRanges, type StatusRange } from '../status-range.ts';

/** Readers of option values, for commander: each returns the value, or throws one sentence that says what was expected. */

/** A reader of `30s` to milliseconds, with the limits that guard.yaml has for the same setting. */
export function duration(limits: TimeLimits): (text: string) => number {
  return (text) => readDuration(text, limits, false);
}

/** `never`, or a duration. Commander takes null for a value that is missing, so never is Infinity until `neverAsNull`. */
export function durationOrNever(limits: TimeLimits): (text: string) => number {
  return (text) => (text === 'never' ? Infinity : readDuration(text, limits, true));
}

function readDuration(text: string, limits: TimeLimits, orNever: boolean): number {
  const parsed = parseDuration(text);
  if (!parsed.ok) throw new InvalidArgumentError(parsed.error);
  if (isWithin(parsed.value, limits)) return parsed.value;
  throw new InvalidArgumentError(`"${text}" is out of range: write ${describeTimeLimits(limits, orNever)}.`);
}

/** What the settings expect: null for never, undefined where the option was not given. */
export function neverAsNull(value: unknown): unknown {
  return value === Infinity ? null : value;
}

/** A reader of a whole number, with the limits that guard.yaml has for the same setting. */
export function countWithin({ least, most }: NumberLimits): (text: string) => number {
  return (text) => {
    if (/^\d{1,10}$/.test(text) && Number(text) >= least && Number(text) <= most) return Number(text);
    throw new InvalidArgumentError(`"${text}" is not a whole number from ${least} to ${most}.`);
  };
}

/** The number of a user. Names are not looked up inside. */
export function userId(text: string): number {
  return idNumber(text, `id -u ${nameOr(text, 'NAME')}`);
}

/** The number of a group. */
export function groupId(text: string): number {
  return idNumber(text, `getent group ${nameOr(text, 'NAME')}`);
}

function idNumber(text: string, question: string): number {
  const { most } = numberLimits.userId;
  if (/^\d{1,10}$/.test(text) && Number(text) <= most) return Number(text);
  throw new InvalidArgumentError(
    /^\d+$/.test(text)
      ? `"${text}" is not a numeric id, 0 to ${most}.`
      : `"${text}" is not a number: run \`${question}\` in the instance for it.`,
  );
}

function nameOr(text: string, placeholder: string): string {
  return /^[a-z_][\w.-]{0,31}$/i.test(text) ? text : placeholder;
}

/** `0,100-103` to inclusive ranges. */
export function statusRanges(text: string): StatusRange[] {
  const ranges = parseStatusRanges(text, 0, 255);
  if (ranges !== null) return ranges;
  throw new InvalidArgumentError(`"${text}" is not a list of exit statuses: write one like 0,100-103 (0 to 255).`);
}

/** `NAME=VALUE`, collected. */
export function environmentEntry(text: string, before: Record<string, string> = {}): Record<string, string> {
  const at = text.indexOf('=');
  const name = at === -1 ? text : text.slice(0, at);
  if (at === -1) throw new InvalidArgumentError(`"${text}" does not set a variable: write NAME=value.`);
  if (!isVariableName(name))
    throw new InvalidArgumentError(`"${name}" is not the name of a variable: use letters, digits and underscores.`);
  return { ...before, [name]: text.slice(at + 1) };
}

/** A repeatable option's values, in order. */
export function repeated(text: string, before: readonly string[] = []): string[] {
  return [...before, text];
}

/** A folder inside the instance, as a whole path. */
export function folderInside(text: string): string {
  if (!text.startsWith('/')) throw new InvalidArgumentError(`"${text}" is not an absolute path, like /srv/app.`);
  return text;
}

/** `junit=FILE`, collected; two reports never share a file. */
export function reportFile(text: string, before: readonly ReportFile[] = []): ReportFile[] {
  const at = text.indexOf('=');
  const format = reportFormats.find((name) => name === text.slice(0, at));
  const path = text.slice(at + 1);
  if (!format || path === '')
    throw new InvalidArgumentError(
      `"${text}" is not a report: write a format (${reportFormats.join(', ')}), an equals sign and a file, like junit=guard.xml.`,
    );
  if (before.some((other) => resolve(other.path) === resolve(path)))
    throw new InvalidArgumentError(`"${path}" is named for two reports: write each report to its own file.`);
  return [...before, { format, path }];
}

/** A command of the user's at a moment, for a shell inside or on this machine. */
export interface HookCommand {
  readonly moment: LifecycleMoment;
  readonly onHost: boolean;
  readonly command: string;
}

/** `afterKeep=COMMAND` or `host:afterKeep=COMMAND`, collected. */
export function hookCommand(text: string, before: readonly HookCommand[] = []): HookCommand[] {
  const [, host, name, command = ''] = /^(host:)?([^=]*)=([\s\S]*)$/.exec(text) ?? [];
  const moment = lifecycleMoments.find((known) => known === name);
  if (moment === undefined || command.trim() === '')
    throw new InvalidArgumentError(
      `"${text}" is not a hook: write moment=command or host:moment=command (moments: ${lifecycleMoments.join(', ')}).`,
    );
  return [...before, { moment, onHost: host !== undefined, command }];
}

/** What is pushed, and what it becomes, as written. */
export interface PushWord {
  readonly local: string;
  readonly inside: string;
}

/** `LOCAL:/path/inside`, collected. The last `:/` parts the two. */
export function pushWord(text: string, before: readonly PushWord[] = []): PushWord[] {
  const at = text.lastIndexOf(':/');
  if (at < 1)
    throw new InvalidArgumentError(
      `"${text}" is not a file to push: write a local file or folder, a colon and an absolute path in the instance, like dist:/opt/app.`,
    );
  return [...before, { local: text.slice(0, at), inside: text.slice(at + 1) }];
}

/** Numbers as inside the instance. */
export interface PushOwner {
  readonly user: number;
  readonly group: number;
}

/** `33:33`. */
export function pushOwner(text: string): PushOwner {
  const match = /^(\d{1,9}):(\d{1,9})$/.exec(text);
  if (!match)
    throw new InvalidArgumentError(`"${text}" is not an owner: write a user id, a colon and a group id, like 33:33.`);
  return { user: Number(match[1]), group: Number(match[2]) };
}

/** A snapshot's name that the server accepts. */
export function snapshotName(text: string): string {
  if (text.length > 200 || /[\s/]/.test(text))
    throw new InvalidArgumentError(
      `"${text}" is not the name of a snapshot: the server accepts up to 200 characters without spaces and slashes.`,
    );
  if (isReservedName(text))
    throw new InvalidArgumentError(
      `"${text}" is a name that guard gives to its own restore points. Choose another, or leave out --name.`,
    );
  return text;
}

/** Reads one of these words. `expected` says what they are. */
export function oneOf<Word extends string>(words: readonly Word[], expected = 'known'): (text: string) => Word {
  return (text) => {
    const known = words.find((word) => word === text);
    if (known === undefined)
      throw new InvalidArgumentError(
        `"${text}" is not ${expected}: write ${words.slice(0, -1).join(', ')} or ${words.at(-1) ?? ''}.`,
      );
    return known;
  };
}

const causes = ['command', 'unhealthy', 'inconclusive', 'timeout'] as const;
const policies = ['rollback', 'keep', 'ask'] as const;

/** What to do about each cause; a cause that is not named is left to the configuration. */
export type FailurePolicies = Partial<Record<(typeof causes)[number], Policy>>;

/** `keep`, or `command=keep,timeout=ask`. */
export function failurePolicies(text: string): FailurePolicies {
  const whole = policyNamed(text);
  if (whole) return Object.fromEntries(causes.map((cause) => [cause, whole]));
  return Object.fromEntries(
    text.split(',').map((part) => {
      const [cause, policy] = part.split('=');
      const known = causes.find((name) => name === cause);
      const wanted = policyNamed(policy ?? '');
      if (!known || !wanted)
        throw new InvalidArgumentError(
          `"${text}" is not a policy: write rollback, keep or ask, or one by cause like command=keep,timeout=ask (causes: ${causes.join(', ')}).`,
        );
      return [known, wanted];
    }),
  );
}

function policyNamed(text: string): Policy | undefined {
  return policies.find((policy) => policy === text);
}

/** An address of this machine alone. */
export function metricsAddress(text: string): MetricsAddress {
  const address = readMetricsAddress(text);
  if (!address.ok) throw new InvalidArgumentError(address.error);
  return address.value;
}

/** `3` or `10%`: a number of instances. */
export function instanceCount(text: string): Amount {
  const parsed = parseAmount(text);
  if (parsed === null)
    throw new InvalidArgumentError(
      `"${text}" is not a number of instances: write a number like 3, or a percentage like 10%.`,
    );
  return parsed;
}

/** The same, and not 0. */
export function parallelCount(text: string): Amount {
  const parsed = instanceCount(text);
  const none = 'count' in parsed ? parsed.count === 0 : parsed.percent === 0;
  if (none) throw new InvalidArgumentError('At least one instance has to change at a time.');
  return parsed;
}

/** `location`, or a key of the instances' configuration. */
export function spreadKey(text: string): string {
  if (text !== 'location' && !/^user\.[\w.-]+$/.test(text))
    throw new InvalidArgumentError(
      `"${text}" is not known: write location, or a key of the instances like user.ha-group.`,
    );
  return text;
}
