import { nearest, neutralise } from '../text.ts';
import { isMapping, valueAt, type Path, type ReadDocument } from './document.ts';
import type { ConfigurationMistake } from './mistake.ts';
import { readPattern } from './pattern.ts';

/** Mistakes in keys that the user chooses: names of instances, and empty checks. */
export function mistakenKeys(file: string, document: ReadDocument): readonly ConfigurationMistake[] {
  return [...mistakenPatterns(file, document), ...emptyChecks(file, document)];
}

function mistakenPatterns(file: string, document: ReadDocument): ConfigurationMistake[] {
  return keysAt(document, ['instances']).flatMap((key) => {
    const pattern = readPattern(key);
    if (pattern.ok) return [];
    return [
      {
        file,
        location: document.locationOfKey(['instances', key]),
        message: `"${neutralise(key, 80)}" does not name an instance.`,
        advice: pattern.error,
      },
    ];
  });
}

/**
 * A check that is null takes an inherited one away. Where no other block has one of that name, it is an unfinished check:
 * to pass it over would take away what its author believes to be there.
 */
function emptyChecks(file: string, document: ReadDocument): ConfigurationMistake[] {
  const blocks: Path[] = [['defaults'], ...keysAt(document, ['instances']).map((key) => ['instances', key])];
  const checks = blocks.flatMap((block) =>
    keysAt(document, [...block, 'checks']).map((name) => {
      const path = [...block, 'checks', name];
      return { name, path, isEmpty: valueAt(document.value, path) === null };
    }),
  );
  const defined = new Set(checks.filter(({ isEmpty }) => !isEmpty).map(({ name }) => name));
  return checks
    .filter(({ name, isEmpty }) => isEmpty && !defined.has(name))
    .map(({ name, path }) => ({
      file,
      location: document.locationOfKey(path),
      message: `Check "${neutralise(name, 80)}" is empty.`,
      advice: emptyCheckAdvice(name, [...defined]),
    }));
}

function keysAt(document: ReadDocument, path: Path): string[] {
  const value = valueAt(document.value, path);
  return isMapping(value) ? Object.keys(value) : [];
}

function emptyCheckAdvice(name: string, defined: readonly string[]): string {
  const near = nearest(name, defined);
  return near === null
    ? 'Add a kind, such as exec or http. (null removes an inherited check, and there is none of that name.)'
    : `Add a kind, such as exec or http. Or, to remove an inherited check: did you mean "${neutralise(near, 80)}"?`;
}
