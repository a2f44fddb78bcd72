import type { RecordedIdentity } from '../journal/instance-identity.ts';
import { lastRunOfEach } from '../journal/run-index.ts';

/** Every instance that the records name, once, as its last run knew it. */
export async function recordedTargets(stateDirectory: string): Promise<RecordedIdentity[]> {
  const targets = new Map<string, RecordedIdentity>();
  // Records of an older guard name no uuid. The records of the same instance that do come last.
  const runs = (await lastRunOfEach(stateDirectory)).toSorted((a, b) => Number(hasUuid(a)) - Number(hasUuid(b)));
  for (const { started } of runs) {
    if (started === null) continue;
    const { instance, project, remote, uuid } = started;
    const names = JSON.stringify([instance, project, remote]);
    if (uuid !== undefined) targets.delete(names);
    targets.set(uuid ?? names, started);
  }
  return [...targets.values()];
}

function hasUuid({ started }: { readonly started: RecordedIdentity | null }): boolean {
  return started?.uuid !== undefined;
}
