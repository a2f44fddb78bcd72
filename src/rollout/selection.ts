import { fitsGlob } from '../config/glob.ts';
import type { InstanceAddress } from '../instance-address.ts';
import { err, ok, type Result } from '../result.ts';
import { nearest } from '../text.ts';
import { filterKeys, parseFilter, unknownFilterKey, type Filterable } from './filter.ts';
import { isPattern, type Wish } from './wish.ts';

/** An instance on its server. */
export interface Candidate extends Filterable {
  readonly remote: string | null;
}

/** The text by which an instance is told from all others of a rollout. */
export function memberId({ remote, project, name }: InstanceAddress): string {
  return `${remote ?? ''}:${project}/${name}`;
}

/** The name that is shown for the instance: with its remote, and with its project if the instances are in several. */
export function labelOf(address: InstanceAddress, all: readonly InstanceAddress[]): string {
  const { remote, project, name } = address;
  const inProject = all.some((other) => other.project !== project) ? `${project}/${name}` : name;
  return remote === null ? inProject : `${remote}:${inProject}`;
}

/** The command that a person types to manage the server, by remote. */
export type ClientsByRemote = ReadonlyMap<string | null, string>;

/**
 * The instances that names, globs and filters mean, in the order in which they were named, each once. A name or glob that means
 * none is a mistake, and so is a selection without any instance. The error is one sentence, and what to do.
 */
export function selectInstances(
  wishes: readonly Wish[],
  filters: readonly string[],
  candidates: readonly Candidate[],
  clients: ClientsByRemote,
): Result<readonly Candidate[], { readonly message: string; readonly advice: string }> {
  const parsed = filters.map(parseFilter);
  const wrong = parsed.find((filter) => !filter.ok);
  const clientOf = (wish: Wish | undefined): string => clients.get(wish?.remote ?? null) ?? 'incus';
  const client = clientOf(wishes[0]);
  if (wrong?.ok === false)
    return err({ message: wrong.error, advice: `See \`${client} list --help\` for the filters.` });
  const chosen = new Map<string, Candidate>();
  for (const wish of wishes) {
    const meant = candidates.filter(
      (candidate) => candidate.remote === wish.remote && fits(wish.pattern, candidate.name),
    );
    if (meant.length === 0) return err(nothingMeant(wish, candidates, clientOf(wish)));
    for (const candidate of meant) chosen.set(memberId(candidate), candidate);
  }
  const left = [...chosen.values()].filter((candidate) =>
    parsed.every((filter) => !filter.ok || filter.value(candidate)),
  );
  if (left.length > 0) return ok(left);
  const unknown = filters.flatMap((filter) => unknownFilterKey(filter, [...chosen.values()]) ?? []);
  return err({
    message: `No instance matches ${filters.map((filter) => `--filter ${filter}`).join(' ')}.${unknown.map(describeUnknownKey).join('')}`,
    advice: `See \`${client} list\` with the same filters.`,
  });
}

function describeUnknownKey(key: string): string {
  const near = nearest(key, filterKeys);
  return ` None has a configuration key "${key}".${near === null ? '' : ` Did you mean "${near}"?`}`;
}

function fits(pattern: string, name: string): boolean {
  return isPattern(pattern) ? fitsGlob([pattern], name) : pattern === name;
}

function nothingMeant({ remote, pattern }: Wish, candidates: readonly Candidate[], client: string) {
  const there = candidates.filter((candidate) => candidate.remote === remote).map(({ name }) => name);
  const where = remote === null ? '' : ` on the remote "${remote}"`;
  if (there.length === 0)
    return {
      message: `There is no instance${where} in this project.`,
      advice: `See \`${client} list --all-projects\`.`,
    };
  const near = isPattern(pattern) ? null : nearest(pattern, there);
  const message = isPattern(pattern)
    ? `No instance matches "${pattern}"${where}.`
    : `There is no instance "${pattern}"${where}.`;
  const list = `${client} list${remote === null ? '' : ` ${remote}:`}`;
  return { message: near === null ? message : `${message} Did you mean "${near}"?`, advice: `See \`${list}\`.` };
}
