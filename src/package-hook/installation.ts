import { dirname } from 'node:path';
import type { Clock } from '../clock.ts';
import type { PlatformFailure } from '../platform/failure.ts';
import { err, ok, type Result } from '../result.ts';
import { hookKey } from './hook-key.ts';
import { foldersMade, hookFileText, type HookFileSettings } from './hook-settings.ts';
import { makeFolders, readPart, removePath, writePart, type Inside } from './inside.ts';
import {
  client,
  knownManagers,
  settingsPath,
  type KnownManager,
  type Manager,
  type Part,
  type ReadHookPart,
} from './parts.ts';
import { pathBeside, findPaths } from './places.ts';

/** The state of one file in the instance. */
export interface PartState {
  readonly path: string;
  readonly mode: number;
  readonly state: 'written' | 'unchanged' | 'removed' | 'missing' | 'other';
}

/** The state of an installation. */
export interface Installation {
  readonly managers: readonly string[];
  readonly parts: readonly PartState[];
}

/** The result of a test request to the agent. */
export type PingResult =
  | { readonly kind: 'answers'; readonly ms: number }
  | { readonly kind: 'silent' }
  /** The instance is stopped, so the agent was not tested. */
  | { readonly kind: 'stopped' };

/** The supported package managers of the instance, and why others cannot be used. */
export async function findManagers(
  inside: Inside,
): Promise<Result<{ readonly managers: readonly Manager[]; readonly unable: readonly string[] }, PlatformFailure>> {
  const managers: Manager[] = [];
  const unable: string[] = [];
  for (const known of knownManagers) {
    const signs = await findAll(inside, known.signs);
    if (!signs.ok) return signs;
    if (signs.value.length > 0) managers.push({ name: known.name, parts: partsBeside(known, signs.value) });
    else if (known.unable !== undefined) {
      const there = await findPaths(inside, known.unable.sign);
      if (!there.ok) return there;
      if (there.value.length > 0) unable.push(known.unable.message);
    }
  }
  return ok({ managers, unable });
}

/**
 * Installs or updates the hook for these package managers. Works on a stopped instance and can be repeated
 * at any time. The client is installed before its callers, so no package manager calls a missing client.
 */
export async function installHook(
  inside: Inside,
  wanted: {
    readonly readHookPart: ReadHookPart;
    readonly managers: readonly Manager[];
    readonly conf: Omit<HookFileSettings, 'made'>;
  },
): Promise<Result<Installation, PlatformFailure>> {
  const names = wanted.managers.map(({ name }) => name);
  const marked = await inside.platform.patchInstance(inside.instance, {
    metadata: { [hookKey]: `1 ${names.join(',')}` },
  });
  if (!marked.ok) return marked;
  const parts = [client, ...wanted.managers.flatMap((manager) => manager.parts)];
  const before = await readPart(inside, settingsPath);
  if (!before.ok) return before;
  const made = new Set(foldersMade(before.value?.text ?? '', everyPath));
  for (const folder of new Set([settingsPath, ...parts.map(({ path }) => path)].map((path) => dirname(path)))) {
    const anew = await makeFolders(inside, folder);
    if (!anew.ok) return anew;
    for (const path of anew.value) made.add(path);
  }
  const states: PartState[] = [];
  const conf = { path: settingsPath, mode: 0o644, text: hookFileText({ ...wanted.conf, made: [...made].toSorted() }) };
  for (const part of [conf, ...(await textsOf(wanted.readHookPart, parts))]) {
    const state = await bringUpToDate(inside, part);
    if (!state.ok) return state;
    states.push(state.value);
  }
  return ok({ managers: names, parts: states });
}

/** Removes the hook, whichever version installed it: first the callers of the client, then the client. */
export async function removeHook(inside: Inside): Promise<Result<Installation, PlatformFailure>> {
  const placed = await placedParts(inside);
  if (!placed.ok) return placed;
  const parts: readonly Pick<Part, 'path' | 'mode'>[] = [
    ...placed.value.toReversed(),
    client,
    { path: settingsPath, mode: 0o644 },
  ];
  const before = await readPart(inside, settingsPath);
  if (!before.ok) return before;
  const states: PartState[] = [];
  for (const { path, mode } of parts) {
    const removed = await removePath(inside, path);
    if (!removed.ok) return removed;
    if (removed.value) states.push({ path, mode, state: 'removed' });
  }
  const leaves = await removeLeaves(inside);
  if (!leaves.ok) return leaves;
  const made = foldersMade(before.value?.text ?? '', everyPath);
  // The innermost first. Folders that are not empty stay.
  for (const folder of made.toSorted().toReversed()) await removePath(inside, folder);
  const unmarked = await inside.platform.patchInstance(inside.instance, { metadata: { [hookKey]: '' } });
  return unmarked.ok ? ok({ managers: [], parts: states }) : unmarked;
}

/** Compares the installed files with those of this guard. Null if nothing is installed. */
export async function findHook(
  inside: Inside,
  readHookPart: ReadHookPart,
): Promise<Result<Installation | null, PlatformFailure>> {
  const instance = await inside.platform.getInstance(inside.instance);
  if (!instance.ok) return instance;
  const found: string[] = [];
  const states: PartState[] = [];
  for (const manager of [null, ...knownManagers]) {
    const parts = manager === null ? ok([client]) : await partsInside(inside, manager);
    if (!parts.ok) return parts;
    for (const part of await textsOf(readHookPart, parts.value)) {
      const there = await readPart(inside, part.path);
      if (!there.ok) return there;
      if (there.value === null && !isNamed(instance.value.metadata[hookKey], manager)) continue;
      states.push({ path: part.path, mode: part.mode, state: stateOf(there.value, part) });
      if (manager !== null && !found.includes(manager.name)) found.push(manager.name);
    }
  }
  return ok(states.length === 0 ? null : { managers: found, parts: states });
}

/** Sends a test request through the client in the instance. `limitMs` allows for an agent that is just starting. */
export async function pingHook(
  inside: Inside,
  clock: Clock,
  limitMs: number,
): Promise<Result<PingResult, PlatformFailure>> {
  const instance = await inside.platform.getInstance(inside.instance);
  if (!instance.ok) return instance;
  if (instance.value.status !== 'Running') return ok({ kind: 'stopped' });
  const giveUpAt = clock.monotonic() + limitMs;
  for (;;) {
    const began = clock.monotonic();
    const answer = await inside.platform.query(inside.instance, {
      command: [client.path, 'ping'],
      limitMs: pingMs,
      maxBytes: 1000,
      user: 0,
      group: 0,
    });
    if (!answer.ok && answer.error.kind !== 'timed-out') return err(answer.error);
    if (answer.ok && answer.value.status === 0) return ok({ kind: 'answers', ms: clock.monotonic() - began });
    if (clock.monotonic() >= giveUpAt) return ok({ kind: 'silent' });
    await clock.sleep(pingPauseMs);
  }
}

/** The client gives up after two seconds by itself. */
const pingMs = 10_000;

const pingPauseMs = 200;

/** Every path that a part can have, as patterns. */
const everyPath = [settingsPath, client.path, ...knownManagers.flatMap(({ parts }) => parts.map(({ path }) => path))];

async function findAll(inside: Inside, patterns: readonly string[]): Promise<Result<string[], PlatformFailure>> {
  const found: string[] = [];
  for (const pattern of patterns) {
    const there = await findPaths(inside, pattern);
    if (!there.ok) return there;
    found.push(...there.value);
  }
  return ok(found);
}

/** The parts of a manager where these signs of it are. */
function partsBeside({ parts }: KnownManager, signs: readonly string[]): Part[] {
  return parts.flatMap((part) =>
    [...new Set(signs.map((sign) => pathBeside(part.path, sign)))].map((path) => ({ ...part, path })),
  );
}

/** The same, including parts whose manager was removed. */
async function partsInside(inside: Inside, known: KnownManager): Promise<Result<Part[], PlatformFailure>> {
  const signs = await findAll(inside, known.signs);
  if (!signs.ok) return signs;
  const all = new Map<string, Part>();
  for (const part of known.parts) {
    const there = part.path.includes('*') ? await findPaths(inside, part.path) : ok([part.path]);
    if (!there.ok) return there;
    for (const path of there.value) all.set(path, { ...part, path });
  }
  for (const part of partsBeside(known, signs.value)) all.set(part.path, part);
  return ok([...all.values()]);
}

async function placedParts(inside: Inside): Promise<Result<Part[], PlatformFailure>> {
  const placed: Part[] = [];
  for (const known of knownManagers) {
    const parts = await partsInside(inside, known);
    if (!parts.ok) return parts;
    placed.push(...parts.value);
  }
  return ok(placed);
}

async function removeLeaves(inside: Inside): Promise<Result<void, PlatformFailure>> {
  const leaves = await findAll(
    inside,
    knownManagers.flatMap((known) => known.leaves ?? []),
  );
  if (!leaves.ok) return leaves;
  for (const path of leaves.value) {
    const removed = await removePath(inside, path);
    if (!removed.ok) return removed;
    // Only where nothing else is in it.
    await removePath(inside, dirname(path));
  }
  return ok(undefined);
}

interface PartText {
  readonly path: string;
  readonly mode: number;
  readonly text: string;
}

function textsOf(readHookPart: ReadHookPart, parts: readonly Part[]): Promise<PartText[]> {
  return Promise.all(parts.map(async ({ source, path, mode }) => ({ path, mode, text: await readHookPart(source) })));
}

function stateOf(there: { readonly text: string; readonly mode: number } | null, part: PartText): PartState['state'] {
  if (there === null) return 'missing';
  return there.text === part.text && there.mode === part.mode ? 'unchanged' : 'other';
}

/** Whether the key includes this part. */
function isNamed(key: string | undefined, manager: KnownManager | null): boolean {
  if (key === undefined || key === '') return false;
  return manager === null || key.replace(/^\S+ /, '').split(',').includes(manager.name);
}

async function bringUpToDate(inside: Inside, part: PartText): Promise<Result<PartState, PlatformFailure>> {
  const { path, mode } = part;
  const there = await readPart(inside, path);
  if (!there.ok) return there;
  if (stateOf(there.value, part) === 'unchanged') return ok({ path, mode, state: 'unchanged' });
  const written = await writePart(inside, part, part.text);
  return written.ok ? ok({ path, mode, state: 'written' }) : written;
}
