import type { Refusal } from '../event.ts';
import { neutralise } from '../text.ts';

/** One thing that is wrong with a configuration. */
export interface ConfigurationMistake {
  /** The file's path; null where the mistake is in what flags say. */
  readonly file: string | null;
  /** Null where it is about the file as a whole. */
  readonly place: Place | null;
  /** A whole sentence: what is there and what was expected. */
  readonly says: string;
  /** What to write instead, a whole sentence; empty where `says` has said it. */
  readonly advice: string;
}

/** A place in a file. */
export interface Place {
  /** From 1. */
  readonly line: number;
  /** From 1, in characters. */
  readonly column: number;
  /** The whole line. */
  readonly text: string;
}

/**
 * One mistake for a person, as compilers say it:
 *
 *     /etc/guard/guard.yaml:3:5: There is no setting "sook". Did you mean "soak"?
 *       3 |     sook: 10s
 *         |     ^
 */
export function sayMistake(mistake: ConfigurationMistake): string {
  const { place } = mistake;
  const where = place ? `${sayFile(mistake)}:${place.line}:${place.column}` : sayFile(mistake);
  const sentence = [mistake.says, mistake.advice].filter((part) => part !== '').join(' ');
  return place ? `${where}: ${sentence}\n${excerpt(place)}` : `${where}: ${sentence}`;
}

/** All mistakes at once, for the outcome `configuration`. */
export function refusalOf(mistakes: readonly ConfigurationMistake[]): Refusal {
  return {
    says: [...mistakes.map(sayMistake), ...lastLine(mistakes)].join('\n'),
    advice: '',
  };
}

/** What is said next must not stand beside a caret. */
function lastLine(mistakes: readonly ConfigurationMistake[]): string[] {
  return mistakes.at(-1)?.place
    ? [`${mistakes.length === 1 ? '1 mistake' : `${mistakes.length} mistakes`} in the configuration.`]
    : [];
}

/** By place: those about the whole file first. */
export function inOrder(mistakes: readonly ConfigurationMistake[]): ConfigurationMistake[] {
  return mistakes.toSorted(
    (a, b) => (a.place?.line ?? 0) - (b.place?.line ?? 0) || (a.place?.column ?? 0) - (b.place?.column ?? 0),
  );
}

function sayFile(mistake: ConfigurationMistake): string {
  return mistake.file === null ? 'options' : neutralise(mistake.file);
}

function excerpt(place: Place): string {
  const number = String(place.line).padStart(4);
  const { shown, caret } = windowOf(place);
  return `${number} | ${shown}\n${' '.repeat(number.length)} | ${' '.repeat(caret)}^`;
}

const widest = 100;

/** The part of the line around the caret, with nothing in it that a terminal would obey. */
function windowOf(place: Place): { shown: string; caret: number } {
  const at = Math.min(place.column - 1, place.text.length);
  const from = at < widest - 20 ? 0 : at - (widest - 20);
  const safe = (text: string): string => neutralise(text.replaceAll('\t', ' '), widest * 4);
  const before = safe(place.text.slice(from, at));
  const after = safe(place.text.slice(at, from + widest));
  const head = from > 0 ? '…' : '';
  return {
    shown: `${head}${before}${after}${place.text.length > from + widest ? '…' : ''}`,
    caret: head.length + before.length,
  };
}
