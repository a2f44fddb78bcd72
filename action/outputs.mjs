// What guard did not write itself: of several instances it writes one report, and no outputs.
import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';

/** The outputs of the run that decides about the step, by guard's JSON report: the first that was not kept, else the last. */
export const outputsOf = (report) => {
  const runs = report?.runs ?? [];
  const run = runs.find(({ outcome }) => outcome !== null && outcome.outcome !== 'kept') ?? runs.at(-1);
  if (run?.outcome === undefined || run.outcome === null) return {};
  const [evidence] = run.evidence?.files ?? [];
  return {
    outcome: run.outcome.outcome,
    cause: run.outcome.cause ?? '',
    run: run.run ?? '',
    instance: run.instance,
    'restore-point': run.restorePoint ?? '',
    evidence: evidence === undefined ? '' : dirname(evidence),
  };
};

/** Null where there is none, or where guard was killed while it wrote. */
export const readReport = (path) => {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return null;
  }
};
