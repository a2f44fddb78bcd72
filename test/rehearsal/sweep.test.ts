import { describe, expect, test } from 'vitest';
import type { Outcome } from '../../src/event.ts';
import type { Fault, MemoryRequest } from '../../src/platform/memory/requests.ts';
import { projectOf } from '../../src/platform/memory/server.ts';
import { recoverCopy } from '../../src/rehearsal/recover-copy.ts';
import { rehearse } from '../../src/rehearsal/rehearse.ts';
import { mishapsAt, type Mishap } from '../run/engine/sweep.ts';
import {
  createWorld,
  planOf,
  recordOf,
  recorderOf,
  rehearsalProject,
  startGuard,
  type CommandKind,
  type World,
} from '../run/engine/world.ts';
import { silentProxy } from './silent-proxy.ts';

/** One kind of rehearsal that is swept. */
interface RehearsalKind {
  readonly name: string;
  readonly command: CommandKind;
  readonly world?: Parameters<typeof createWorld>[0];
  /** The server is another machine: no package proxy. */
  readonly remote?: string;
}

const kinds: readonly RehearsalKind[] = [
  { name: 'a command that fails', command: 'fails' },
  { name: 'a change that breaks the service at the next boot', command: 'breaks-at-boot' },
  { name: 'a change that the copy survives, with a volume', command: 'good', world: { hasVolume: true } },
  { name: 'a stopped instance', command: 'good', world: { isRunning: false } },
  { name: 'a remote server', command: 'good', remote: 'far' },
];

const run = '20270101-000000-aaaa';

/** Does one rehearsal with its mishap, recovers, and checks that the copy is gone and the instance untouched. */
async function sweepOne(kind: RehearsalKind, mishap: Mishap | null) {
  const world = createWorld(kind.world);
  const before = describeInstance(world);
  const seen: string[] = [];
  const guard = startGuard(world, { run, faultOf: faultsOf(mishap, seen) });
  const plan = planOf(kind.command, run, { remote: kind.remote ?? null });
  const tools = { ...guard.tools, openProxy: silentProxy };
  const ended = await world.time.run(guard.process, () =>
    rehearse({ plan, before: null, keepCopy: false, mayCopyFiles: false }, tools),
  );
  const outcome = ended.end === 'done' ? ended.value.outcome : null;
  const violations = [
    ...(ended.end === 'stuck' ? ['the rehearsal never ends'] : []),
    ...(outcome === null ? [] : checkOutcome(kind, outcome, isStartRefused(mishap, seen))),
  ];
  if (ended.end !== 'done') guard.process.kill();
  world.dead.add(guard.tools.holder.pid);
  await world.time.pass(30_000);
  await recoverFully(world, plan.limits);
  const { instances, volumes } = projectOf(world.server, rehearsalProject);
  if (instances.size > 0) violations.push('the copy is left');
  if (volumes.size > 0) violations.push(`volumes are left: ${[...volumes.keys()].join(', ')}`);
  if (describeInstance(world) !== before) violations.push(`the instance became ${describeInstance(world)}`);
  return { requests: seen, outcome, violations };
}

function faultsOf(mishap: Mishap | null, seen: string[]) {
  return ({ index, name }: MemoryRequest): Fault | null => {
    seen[index] = name;
    if (mishap === null || index < mishap.at || (index > mishap.at && !mishap.forEver)) return null;
    return mishap.fault;
  };
}

/** Everything of the instance and its volume that a run would change. */
function describeInstance({ instance, volume }: World): string {
  const { status, description, metadata, configuration, generation, lastStartedAt, snapshots, files } = instance;
  const contents = [...files].map(([path, file]) => [path, file.kind === 'file' ? file.content.toString() : file.kind]);
  const parts = [status, description, metadata, configuration, generation, lastStartedAt, snapshots, contents, volume];
  return JSON.stringify(parts);
}

/** The server does not start the copy again: nobody can tell that from a change that prevents the start. */
function isStartRefused(mishap: Mishap | null, seen: readonly string[]): boolean {
  if (mishap === null || seen[mishap.at] !== 'startInstance') return false;
  return mishap.fault === 'refused' || mishap.fault === 'hangs';
}

/** A rehearsal says no more than the copy could show, and accuses no change that is good. */
function checkOutcome({ command }: RehearsalKind, { outcome }: Outcome, isStartRefused: boolean): string[] {
  if (isStartRefused) return [];
  if (outcome === 'rehearsal-passed' && command !== 'good') return ['"passed" is said of a change that breaks it'];
  if (outcome === 'rehearsal-failed' && command === 'good') return ['"failed" is said of a good change'];
  return [];
}

/** `guard recover` until nothing is left, as a person or a timer would: at most a few times. */
async function recoverFully(world: World, limits: ReturnType<typeof planOf>['limits']): Promise<void> {
  for (let tries = 0; tries < 3; tries += 1) {
    const record = recordOf(world, run);
    const copy = record?.started?.rehearsal?.copy;
    if (copy === undefined || (record?.ended && record.copyRemoved)) return;
    const guard = startGuard(world, { run });
    const recorder = recorderOf(world, run, guard.process);
    await world.time.run(guard.process, async () => {
      await recorder.resume();
      const outcome = record?.ended?.outcome ?? null;
      return recoverCopy({ ...guard.tools, recorder }, { run, copy, outcome, limits });
    });
  }
}

describe('whatever happens to any request, the copy is removed and the instance untouched', () => {
  test.each(kinds)('$name', { timeout: 600_000 }, async (kind) => {
    const undisturbed = await sweepOne(kind, null);
    expect(undisturbed.violations).toEqual([]);
    expect(undisturbed.outcome).toMatchObject({
      outcome: kind.command === 'good' ? 'rehearsal-passed' : 'rehearsal-failed',
    });
    expect(undisturbed.requests.length).toBeGreaterThan(10);
    const found: string[] = [];
    for (const [at, name] of undisturbed.requests.entries())
      for (const mishap of new Map(mishapsAt(at).map(([one]) => [JSON.stringify(one), one])).values()) {
        const { violations } = await sweepOne(kind, mishap);
        const what = `${mishap.fault}${mishap.forEver ? ' for ever' : ''} at request ${at} (${name})`;
        found.push(...violations.map((violation) => `${what}: ${violation}`));
      }
    expect(found).toEqual([]);
  });
});
