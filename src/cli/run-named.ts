import { findRunId } from '../journal/run-id.ts';
import { listRunIds } from '../journal/runs.ts';
import { UsageMistake } from './usage.ts';

/** The run that a person means by an id, the beginning of one, its last four characters, or `last`. */
export async function runNamed(state: string, wanted: string): Promise<string> {
  const found = findRunId(await listRunIds(state), wanted);
  if (found.ok) return found.value;
  switch (found.error.kind) {
    case 'unknown':
      throw new UsageMistake(`There is no run "${wanted}".`, 'See `guard runs`.');
    case 'ambiguous':
      throw new UsageMistake(
        `More than one run is meant by "${wanted}": ${found.error.candidates.join(', ')}.`,
        'Write more of the id.',
      );
  }
}
