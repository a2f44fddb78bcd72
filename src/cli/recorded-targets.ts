import { listRuns } from '../journal/run-index.ts';

/** An instance, as a person would name it. */
export interface RecordedTarget {
  readonly instance: string;
  readonly project: string;
}

/** Every instance that the records name, once. */
export async function recordedTargets(stateDirectory: string): Promise<RecordedTarget[]> {
  const runs = await listRuns(stateDirectory, { instance: null, limit: Infinity });
  const targets = new Map<string, RecordedTarget>();
  for (const { started } of runs) {
    if (started === null) continue;
    const instance = started.remote === null ? started.instance : `${started.remote}:${started.instance}`;
    targets.set(`${started.project} ${instance}`, { instance, project: started.project });
  }
  return [...targets.values()];
}
