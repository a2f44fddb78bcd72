import type { Refusal } from '../event.ts';
import { neutralise } from '../text.ts';

/** A mistake in a configuration. */
export interface ConfigurationMistake {
  /** The file's path; null where the mistake is in what flags say. */
  readonly file: string | null;
  /** Null where it is about the file as a whole. */
  readonly location: SourceLocation | null;
  /** A sentence with the actual and the expected value. */
  readonly message: string;
  /** A sentence with the correction; empty if `message` contains it. */
  readonly advice: string;
}

/** A place in a file. */
export interface SourceLocation {
  /** From 1. */
  readonly line: number;
  /** From 1, in characters. */
  readonly column: number;
  /** The whole line. */
  readonly text: string;
}

/**
 * Formats a mistake as compilers do:
 *
 *     /etc/guard/guard.yaml:3:5: There is no setting "sook". Did you mean "soak"?
 *       3 |     sook: 10s
 *         |     ^
 */
export function formatMistake(mistake: ConfigurationMistake): string {
  const { location } = mistake;
  const where = location ? `${formatFile(mistake)}:${location.line}:${location.column}` : formatFile(mistake);
  const sentence = [mistake.message, mistake.advice].filter((part) => part !== '').join(' ');
  return location ? `${where}: ${sentence}\n${excerpt(location)}` : `${where}: ${sentence}`;
}

/** All mistakes at once, for the outcome `configuration`. */
export function refusalOf(mistakes: readonly ConfigurationMistake[]): Refusal {
  return {
    message: [...mistakes.map(formatMistake), ...lastLine(mistakes)].join('\n'),
    advice: '',
  };
}

/** What is said next must not stand beside a caret. */
function lastLine(mistakes: readonly ConfigurationMistake[]): string[] {
  return mistakes.at(-1)?.location
    ? [`${mistakes.length === 1 ? '1 mistake' : `${mistakes.length} mistakes`} in the configuration.`]
    : [];
}

/** By place: those about the whole file first. */
export function inOrder(mistakes: readonly ConfigurationMistake[]): ConfigurationMistake[] {
  return mistakes.toSorted(
    (a, b) =>
      (a.location?.line ?? 0) - (b.location?.line ?? 0) || (a.location?.column ?? 0) - (b.location?.column ?? 0),
  );
}

function formatFile(mistake: ConfigurationMistake): string {
  return mistake.file === null ? 'options' : neutralise(mistake.file);
}

function excerpt(location: SourceLocation): string {
  const number = String(location.line).padStart(4);
  const { shown, caret } = windowOf(location);
  return `${number} | ${shown}\n${' '.repeat(number.length)} | ${' '.repeat(caret)}^`;
}

const widest = 100;

/** The part of the line around the caret, with nothing in it that a terminal would obey. */
function windowOf(location: SourceLocation): { shown: string; caret: number } {
  const at = Math.min(location.column - 1, location.text.length);
  const from = at < widest - 20 ? 0 : at - (widest - 20);
  const safe = (text: string): string => neutralise(text.replaceAll('\t', ' '), widest * 4);
  const before = safe(location.text.slice(from, at));
  const after = safe(location.text.slice(at, from + widest));
  const head = from > 0 ? '…' : '';
  return {
    shown: `${head}${before}${after}${location.text.length > from + widest ? '…' : ''}`,
    caret: head.length + before.length,
  };
}
