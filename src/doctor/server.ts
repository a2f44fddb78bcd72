import { inspectHolder } from '../journal/holder.ts';
import { hookKey } from '../package-hook/hook-key.ts';
import { findHook, pingHook } from '../package-hook/installation.ts';
import type { ReadHookPart } from '../package-hook/parts.ts';
import type { Instance, Platform } from '../platform/platform.ts';
import type { PlatformFailure } from '../platform/failure.ts';
import { ok, type Result } from '../result.ts';
import { inFlightName } from '../run/lock/in-flight.ts';
import { readMarker } from '../run/lock/marker.ts';
import { readQuiesceMarker } from '../run/lock/quiesce-marker.ts';
import type { HookFacts, InFlight, PoolFacts, ServerFacts } from './facts.ts';

/** What the server can tell. Changes nothing. */
export async function serverFacts(
  platform: Platform,
  remote: string | null,
  readHookPart: ReadHookPart,
): Promise<Result<ServerFacts, PlatformFailure>> {
  const described = await platform.describeServer();
  if (!described.ok) return described;
  const instances = await platform.listInstances();
  if (!instances.ok) return instances;
  const { product, version, testedVersions, allowsSnapshots, pools } = described.value;
  return ok({
    product,
    version,
    testedVersions,
    client: platform.commands.client,
    remote,
    project: platform.project,
    allowsSnapshots,
    pools: pools === null ? null : await Promise.all(pools.map((pool) => withSpace(platform, pool))),
    instances: instances.value.length,
    hooks: await hookFacts(platform, instances.value, readHookPart),
    restorePointsInFlight: await inFlight(platform, instances.value),
  });
}

async function withSpace(platform: Platform, pool: Omit<PoolFacts, 'space'>): Promise<PoolFacts> {
  const space = await platform.getPoolSpace(pool.name);
  return { ...pool, space: space.ok ? space.value : null };
}

/** Of the instances that have the hook, one after another. One that cannot be asked is told as one without an agent. */
async function hookFacts(
  platform: Platform,
  instances: readonly Instance[],
  readHookPart: ReadHookPart,
): Promise<readonly HookFacts[]> {
  const facts: HookFacts[] = [];
  for (const { name, metadata } of instances) {
    if (!metadata[hookKey]) continue;
    const inside = { platform, instance: name };
    const [found, answer] = [await findHook(inside, readHookPart), await pingHook(inside, platform.clock, 0)];
    const isCurrent = found.ok && found.value !== null && found.value.parts.every(({ state }) => state === 'unchanged');
    const kind = answer.ok ? answer.value.kind : 'silent';
    facts.push({ instance: name, isCurrent, agent: kind === 'stopped' ? 'instance stopped' : kind });
  }
  return facts;
}

async function inFlight(platform: Platform, instances: readonly Instance[]): Promise<readonly InFlight[]> {
  const found: InFlight[] = [];
  for (const instance of instances) {
    const snapshots = await platform.listSnapshots(instance.name);
    if (!snapshots.ok || !snapshots.value.some(({ name }) => name === inFlightName)) continue;
    const holder = (readMarker(instance) ?? readQuiesceMarker(instance))?.holder ?? null;
    const state = holder === null ? 'elsewhere' : inspectHolder(holder);
    found.push({
      instance: instance.name,
      host: holder?.host ?? null,
      isAlive: state === 'elsewhere' ? null : state === 'alive',
    });
  }
  return found;
}
