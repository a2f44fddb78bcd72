import type { InstanceIdentity } from './instance-identity.ts';
import { keptRestorePoints, mostRuns, type KeptRestorePoint } from './kept-restore-points.ts';
import { listRunsOf } from './run-index.ts';
import type { RunSummary } from './run-summary.ts';

/** A run that left a restore point of the time before it, as far as its record tells. */
export interface PastRun {
  readonly run: string;
  /** The run whose restore point `guard rollback` went back to; null for every other run. */
  readonly rolledBackTo: string | null;
  readonly point: KeptRestorePoint;
}

/** Where `guard rollback` can go from here. Each list begins with the next step. */
export interface UndoSteps {
  /** Further and further back. */
  readonly back: readonly KeptRestorePoint[];
  /** What rollbacks took back, so that `--redo` brings it again. */
  readonly forward: readonly KeptRestorePoint[];
}

/** Where `guard rollback` can go on this instance, by its records. */
export async function undoStepsOf(stateDirectory: string, identity: InstanceIdentity): Promise<UndoSteps> {
  const runs = await listRunsOf(stateDirectory, identity, mostRuns);
  const points = await keptRestorePoints(stateDirectory, identity);
  return undoSteps(pastRuns(runs, points));
}

/**
 * The steps back and forward after these runs, which are in the order of time. As in an editor: a rollback moves the present
 * to the other list, a new change ends the list of what could be brought back. Pure.
 */
export function undoSteps(past: readonly PastRun[]): UndoSteps {
  let back: KeptRestorePoint[] = [];
  let forward: KeptRestorePoint[] = [];
  for (const { rolledBackTo, point } of past) {
    const target = rolledBackTo;
    if (target !== null && back.some(({ run }) => run === target)) {
      back = before(back, target);
      forward = [...forward, point];
    } else if (target !== null && forward.some(({ run }) => run === target)) {
      forward = before(forward, target);
      back = [...back, point];
    } else {
      back = [...back, point];
      forward = [];
    }
  }
  return { back: back.toReversed(), forward: forward.toReversed() };
}

function before(points: readonly KeptRestorePoint[], run: string): KeptRestorePoint[] {
  return points.slice(
    0,
    points.findIndex((point) => point.run === run),
  );
}

/** The runs of an instance that left a restore point and were kept, oldest first. Pure. */
export function pastRuns(runs: readonly RunSummary[], points: readonly KeptRestorePoint[]): PastRun[] {
  return runs
    .flatMap(({ run, started, ended }) => {
      const point = points.find((one) => one.run === run);
      const wasKept = ended !== null && keptOutcomes.includes(ended.outcome.outcome);
      return point !== undefined && wasKept ? [{ run, rolledBackTo: started?.rolledBackTo ?? null, point }] : [];
    })
    .toSorted((a, b) => Date.parse(a.point.createdAt) - Date.parse(b.point.createdAt));
}

/** After every other end the instance is as its restore point, if it is still there: nothing would be gone back. */
const keptOutcomes: readonly string[] = ['kept', 'kept-unhealthy', 'kept-unchanged'];
