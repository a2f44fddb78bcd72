import type { Coverage } from '../health/coverage.ts';
import type { Facts, Socket } from '../health/facts.ts';
import { neutralise } from '../text.ts';
import { bounded } from './format.ts';

/** What guard sees of an instance, as `guard check --json` writes it. Everything comes from inside and is not trusted. */
export interface Seen {
  /** Active services. */
  readonly units: readonly string[];
  /** `tcp 0.0.0.0:80 (nginx)`. */
  readonly sockets: readonly string[];
  /** `tcp/80 http /: 200`. */
  readonly replies: readonly string[];
  readonly addresses: readonly string[];
  readonly packages: number | null;
  readonly processes: number | null;
}

export function seenOf(facts: Facts): Seen {
  const services = Object.values(facts.units ?? {}).filter(
    ({ id, active }) => active === 'active' && (id.endsWith('.service') || !id.includes('.')),
  );
  return {
    units: services.map(({ id }) => neutralise(id, 100)).toSorted(),
    sockets: (facts.sockets ?? []).map(sayListener),
    replies: (facts.answers ?? []).map(({ protocol, port, question, said }) =>
      neutralise(`${port} ${protocol}${question === '' ? '' : ` ${question}`}: ${said ?? 'no answer'}`, 200),
    ),
    addresses: (facts.network?.addresses ?? []).map(({ address }) => neutralise(address, 60)),
    packages: facts.packages === null ? null : Object.keys(facts.packages.installed).length,
    processes: facts.processes?.length ?? null,
  };
}

function sayListener({ protocol, address, port, owner }: Socket): string {
  const host = address.includes(':') ? `[${address}]` : address;
  return neutralise(`${protocol} ${host}:${port}${owner === null ? '' : ` (${owner.process})`}`, 120);
}

const mostNamed = 12;

/** What `guard check` and `guard plan` show below the verdict: what a change would be judged by. */
export function observationLines(facts: Facts | null, { compared, missing }: Coverage): string[] {
  const seen = facts === null ? null : seenOf(facts);
  const rows: readonly (readonly [string, readonly string[]])[] =
    seen === null
      ? []
      : [
          ['services', seen.units],
          ['listening', seen.sockets],
          ['answers', seen.replies],
          ['addresses', seen.addresses],
        ];
  return [
    `  compared before and after a change: ${compared.length === 0 ? 'nothing' : compared.join(', ')}`,
    ...rows
      .filter(([, names]) => names.length > 0)
      .map(([title, names]) => `    ${title}: ${bounded(names, mostNamed)}`),
    ...(missing.length === 0 ? [] : [`  cannot be compared: ${missing.join(', ')}`]),
  ];
}
