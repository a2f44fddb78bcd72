import type { Outcome } from '../event.ts';
import type { PlatformFailure } from '../platform/failure.ts';
import type { Fleet } from '../platform/fleet.ts';
import type { Platform, Pool } from '../platform/platform.ts';
import type { InstanceConnection } from '../platform/incus/remote/reach.ts';
import { err, ok, type Result } from '../result.ts';
import { refused, refusedBecause } from '../run/refusal.ts';
import { rolloutNote, type SharedStore, type StoreFailure } from '../rollout/shared-record.ts';
import { selectInstances, type Candidate } from '../rollout/selection.ts';
import { parseWish, type Wish } from '../rollout/wish.ts';
import type { Context } from './context.ts';
import { UsageMistake, usage } from './usage.ts';

/** One project of one server, open: all its instances share the connection. */
export interface OpenProject {
  readonly connection: InstanceConnection;
  readonly fleet: Fleet;
  readonly store: SharedStore;
}

/** The servers of one rollout. Close them at its end. */
export interface Servers {
  /** Opens a project of a remote once; another name of a server that is open already gives that one. */
  readonly open: (remote: string | null, project: string | null) => Promise<Result<OpenProject, Outcome>>;
  /** The project of an instance, which has been opened. */
  readonly of: (member: { readonly remote: string | null; readonly project: string }) => OpenProject;
  readonly close: () => Promise<void>;
}

/** Opens servers as the `incus` command would. */
export function createServers(context: Context): Servers {
  const byName = new Map<string, OpenProject>();
  const all: OpenProject[] = [];
  const open = async (remote: string | null, project: string | null): Promise<Result<OpenProject, Outcome>> => {
    const name = JSON.stringify([remote, project]);
    const known = byName.get(name);
    if (known !== undefined) return ok(known);
    // The name of an instance belongs to an address; none is asked for.
    const reached = await context.reach(`${remote === null ? '' : `${remote}:`}all`, project, context.trace);
    if (!reached.ok) return err({ outcome: 'refused', refusal: reached.error });
    const connection = { ...reached.value, platform: withPoolsRemembered(reached.value.platform) };
    const { fleet } = connection;
    const server = (await connection.platform.serverId()) ?? connection.remote ?? '';
    const id = JSON.stringify([server, connection.project]);
    const same = all.find(({ store }) => store.id === id);
    if (same === undefined) all.push({ connection, fleet, store: storeOf(id, connection, fleet) });
    else await connection.close();
    const opened = same ?? all[all.length - 1];
    if (opened === undefined) throw new Error('no project was opened');
    byName.set(name, opened);
    byName.set(JSON.stringify([opened.connection.remote, opened.connection.project]), opened);
    return ok(opened);
  };
  return {
    open,
    of: ({ remote, project }) => byName.get(JSON.stringify([remote, project])) as OpenProject,
    close: async () => {
      await Promise.all(all.map(({ connection }) => connection.close()));
    },
  };
}

/** Reads what a pool can do once: with a pool the server lists everything that uses it. */
function withPoolsRemembered(platform: Platform): Platform {
  const known = new Map<string, Pool>();
  return {
    ...platform,
    getPool: async (name) => {
      const before = known.get(name);
      if (before !== undefined) return ok(before);
      const read = await platform.getPool(name);
      if (read.ok) known.set(name, read.value);
      return read;
    },
  };
}

function storeOf(id: string, { remote, project, platform }: InstanceConnection, fleet: Fleet): SharedStore {
  return {
    id,
    remote,
    project,
    editCommand: platform.commands.editProject({ remote, project }),
    read: async () => {
      const read = await fleet.readProjectNote(rolloutNote);
      return read.ok ? read : err(storeFailure(read.error));
    },
    write: async (text, revision) => {
      const written = await fleet.writeProjectNote(rolloutNote, text, revision);
      return written.ok ? written : err(storeFailure(written.error));
    },
  };
}

function storeFailure(failure: PlatformFailure): StoreFailure {
  const message = `Could not ${failure.purpose}: ${failure.detail}`;
  if (failure.kind === 'changed' || failure.kind === 'forbidden') return { kind: failure.kind, message };
  // A restricted certificate sees its projects and may not write them; an old one does not even see them.
  return { kind: failure.kind === 'restricted' || failure.kind === 'not-found' ? 'forbidden' : 'other', message };
}

/** What the command line asks for. */
export interface ChoiceRequest {
  readonly words: readonly string[];
  readonly groups: Readonly<Record<string, readonly string[]>>;
  readonly project: string | null;
  readonly all: boolean;
  readonly allProjects: boolean;
  readonly filters: readonly string[];
}

/** Finds the instances that a command line means, on all its servers. */
export async function chooseInstances(
  servers: Servers,
  request: ChoiceRequest,
): Promise<Result<readonly Candidate[], Outcome>> {
  const expanded = wishesOf(request);
  if (!expanded.ok) return expanded;
  const candidates = new Map<string, Candidate>();
  const listed = new Set<OpenProject>();
  const clients = new Map<string | null, string>();
  const wishes: Wish[] = [];
  for (const wish of expanded.value) {
    const first = await servers.open(wish.remote, request.project);
    if (!first.ok) return first;
    const { remote, platform } = first.value.connection;
    clients.set(remote, platform.commands.client);
    const projects = await projectsOf(servers, wish.remote, first.value, request);
    if (!projects.ok) return projects;
    for (const open of projects.value.filter((one) => !listed.has(one))) {
      listed.add(open);
      const found = await open.fleet.listInstances();
      if (!found.ok) return err(refusedBecause(found.error));
      const { project } = open.connection;
      if (found.value.length === 0 && !request.allProjects) return err(emptyProject(open.connection));
      for (const facts of found.value)
        candidates.set(JSON.stringify([remote, project, facts.name]), { ...facts, project, remote });
    }
    wishes.push({ ...wish, remote });
  }
  const selected = selectInstances(wishes, request.filters, [...candidates.values()], clients);
  return selected.ok ? selected : err(refused(selected.error.message, selected.error.advice));
}

/** Of a project that does not exist the server says the same as of one without instances. */
function emptyProject({ platform, remote, project }: InstanceConnection): Outcome {
  const on = remote === null ? '' : ` on the remote "${remote}"`;
  return refused(
    `There is no instance in project "${project}"${on}, which is empty or does not exist.`,
    `See \`${platform.commands.listProjects({ remote })}\`.`,
  );
}

function wishesOf({ words, groups, all, filters }: ChoiceRequest): Result<readonly Wish[], Outcome> {
  const isGroup = (word: string): boolean => word.startsWith('@');
  const group = words.find((word) => isGroup(word) && !Object.hasOwn(groups, word.slice(1)));
  if (group !== undefined) {
    const known = Object.keys(groups).map((name) => `@${name}`);
    const advice =
      known.length === 0 ? 'Groups are written under "groups" in guard.yaml.' : `There are: ${known.join(', ')}.`;
    return err(refused(`There is no group "${group}" in guard.yaml.`, advice));
  }
  const one = all ? words.find((word) => isGroup(word) || parseWish(word).pattern !== '') : undefined;
  if (one !== undefined)
    return err(
      usage(new UsageMistake(`--all chooses all instances, but "${one}" names some.`, `Leave out --all, or "${one}".`)),
    );
  const isEverything = all || filters.length > 0;
  const named = words.flatMap((word) => (isGroup(word) ? (groups[word.slice(1)] ?? []) : [word]));
  const texts = named.length === 0 && isEverything ? ['*'] : named;
  // `prod:` alone is all of a remote, where all are asked for.
  return ok(
    texts.map(parseWish).map((wish) => (wish.pattern === '' && isEverything ? { ...wish, pattern: '*' } : wish)),
  );
}

async function projectsOf(
  servers: Servers,
  remote: string | null,
  first: OpenProject,
  { allProjects }: ChoiceRequest,
): Promise<Result<readonly OpenProject[], Outcome>> {
  if (!allProjects) return ok([first]);
  const names = await first.fleet.listProjects();
  if (!names.ok) return err(refusedBecause(names.error));
  const opened: OpenProject[] = [];
  for (const name of names.value) {
    const one = await servers.open(remote, name);
    if (!one.ok) return one;
    opened.push(one.value);
  }
  return ok(opened);
}
