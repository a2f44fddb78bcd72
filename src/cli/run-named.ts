import { findRunId } from '../journal/run-id.ts';
import { hasRecord, listRunIds } from '../journal/runs.ts';
import { nearest, neutralise } from '../text.ts';
import { recordedTargets } from './recorded-targets.ts';
import { UsageMistake } from './usage.ts';

/** The run that a person means by an id, the beginning of one, its last four characters, or `last`. */
export async function runNamed(state: string, wanted: string): Promise<string> {
  // A whole id needs no list of all.
  if (hasRecord(state, wanted)) return wanted;
  const ids = await listRunIds(state);
  const found = findRunId(ids, wanted);
  if (found.ok) return found.value;
  switch (found.error.kind) {
    case 'unknown':
      throw new UsageMistake(`There is no run "${neutralise(wanted)}".`, await meant(state, ids, wanted));
    case 'ambiguous':
      throw new UsageMistake(
        `"${wanted}" matches more than one run: ${found.error.candidates.join(', ')}.`,
        'Write more characters of the id.',
      );
  }
}

/** The nearest id, or the runs of the instance whose name was typed instead. */
async function meant(state: string, ids: readonly string[], wanted: string): Promise<string> {
  const id = nearest(wanted, ids);
  if (id !== null) return `Did you mean ${id}? See \`guard runs\`.`;
  const instance = nearest(
    wanted,
    (await recordedTargets(state)).map((target) => target.instance),
  );
  return instance === null ? 'See `guard runs`.' : `The runs of an instance: guard runs ${neutralise(instance)}`;
}
