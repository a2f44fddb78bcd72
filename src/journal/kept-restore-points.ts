import type { VolumePoint } from '../event.ts';
import type { InstanceIdentity } from './instance-identity.ts';
import { listRunsOf } from './run-index.ts';
import type { RunSummary } from './run-summary.ts';

/** A restore point that a run left on the server under its final name. */
export interface KeptRestorePoint {
  readonly run: string;
  readonly name: string;
  readonly createdAt: string;
  /** The volumes whose snapshots of the same name belong to it. */
  readonly volumes: readonly VolumePoint[];
  /** The user chose the name. */
  readonly named: boolean;
}

/** How many records are searched: no instance has more restore points. */
export const mostRuns = 1000;

/** Which kept restore points are wanted. */
export interface WantedPoints {
  /** Only those of these names. Left out: all of them. */
  readonly names?: ReadonlySet<string>;
  /** How many are enough. */
  readonly most?: number;
}

/** The restore points that recorded runs left on an instance, newest first. Whether they still exist the server knows. */
export async function keptRestorePoints(
  stateDirectory: string,
  identity: InstanceIdentity,
  { names, most = Infinity }: WantedPoints = {},
): Promise<KeptRestorePoint[]> {
  const quoted = names && new Set([...names].map((name) => JSON.stringify(name)));
  const mayFit = (line: string): boolean => {
    // The line is older than the end of the run: only the record tells whether its restore point was kept.
    if (line.includes('"released":null')) return true;
    const name = quotedName.exec(line)?.[1];
    return name !== undefined && (quoted?.has(name) ?? true);
  };
  const fits = (summary: RunSummary): boolean => keptBy(summary).some(({ name }) => names?.has(name) ?? true);
  const runs = await listRunsOf(stateDirectory, identity, mostRuns, { mayFit, fits, most });
  return runs.flatMap(keptBy).toSorted(newestFirst);
}

/** The name in the event `released`, if the restore point has one. */
const quotedName = /"restorePoint":("(?:[^"\\]|\\.)+")/;

/** By the server's time: two runs of one second have ids in no order, and the hosts of two runs have two clocks. */
export function newestFirst(a: KeptRestorePoint, b: KeptRestorePoint): number {
  return Date.parse(b.createdAt) - Date.parse(a.createdAt) || b.run.localeCompare(a.run);
}

/** The restore point that a run left; empty if it left none. */
export function keptBy({ run, started, restorePoint, released }: RunSummary): KeptRestorePoint[] {
  const name = released?.restorePoint ?? null;
  if (name === null || restorePoint === null) return [];
  const { createdAt, volumes } = restorePoint;
  return [
    {
      run,
      name,
      createdAt,
      volumes: volumes.map((point) => ({ ...point, snapshot: name })),
      named: started?.named ?? true,
    },
  ];
}
