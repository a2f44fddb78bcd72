import type { Facts } from './facts.ts';

/** What a comparison of two observations rests on, in words for a person. */
export interface Coverage {
  /** `12 units`, `3 sockets`, `addresses`. */
  readonly compared: readonly string[];
  /** `no service manager`, `no package manager`, `the packages could not be read`. */
  readonly missing: readonly string[];
}

/** What can be compared with these facts: a healthy verdict is worth no more than that. Pure. */
export function coverageOf(facts: Facts | null): Coverage {
  if (facts === null) return { compared: [], missing: ['the state inside could not be read'] };
  const parts = [
    unitsOf(facts),
    packagesOf(facts),
    counted(facts.processes, 'process', 'the processes'),
    counted(facts.sockets, 'socket', 'the listening sockets'),
    addressesOf(facts),
    configurationOf(facts),
    answersOf(facts),
  ].flat();
  return {
    compared: parts.flatMap((part) => ('compared' in part ? [part.compared] : [])),
    missing: parts.flatMap((part) => ('missing' in part ? [part.missing] : [])),
  };
}

/** Whether nothing at all could be compared, so that no change could be noticed. */
export function comparesNothing(facts: Facts | null): boolean {
  return coverageOf(facts).compared.length === 0;
}

/** `no service manager, no package manager; compared: 2 processes, 1 socket, addresses`. */
export function coverageText({ compared, missing }: Coverage): string {
  const seen = `compared: ${compared.length === 0 ? 'nothing' : compared.join(', ')}`;
  return missing.length === 0 ? seen : `${missing.join(', ')}; ${seen}`;
}

type Part = { readonly compared: string } | { readonly missing: string };

const managers = { systemd: 'systemd', openrc: 'OpenRC', none: null, unknown: null } as const;

function unitsOf({ manager, units }: Facts): Part[] {
  if (manager.kind === 'none') return [{ missing: 'no service manager' }];
  if (units === null)
    return [
      {
        missing: manager.kind === 'unknown' ? 'no known service manager' : `${managers[manager.kind]} does not answer`,
      },
    ];
  const active = Object.values(units).filter((unit) => unit.active === 'active').length;
  return active === 0 ? [] : [{ compared: plural(active, 'unit') }];
}

function packagesOf({ packages }: Facts): Part[] {
  if (packages === null) return [{ missing: 'the packages could not be read' }];
  if (packages.manager === 'none') return [{ missing: 'no package manager' }];
  return [{ compared: `${plural(Object.keys(packages.installed).length, 'package')} (${packages.manager})` }];
}

function counted(items: readonly unknown[] | null, name: string, all: string): Part[] {
  if (items === null) return [{ missing: `${all} could not be read` }];
  return items.length === 0 ? [] : [{ compared: plural(items.length, name) }];
}

function addressesOf({ network }: Facts): Part[] {
  if (network === null) return [{ missing: 'the addresses could not be read' }];
  return network.addresses.length === 0 ? [] : [{ compared: 'addresses' }];
}

function configurationOf({ configuration }: Facts): Part[] {
  if (configuration === null) return [{ missing: 'the files below /etc could not be read' }];
  const files = Object.keys(configuration.signatures).length;
  return files === 0 ? [] : [{ compared: `${plural(files, 'file')} below /etc` }];
}

/** Servers that are not asked are not missing: most instances have none that guard knows how to ask. */
function answersOf({ answers }: Facts): Part[] {
  const given = (answers ?? []).filter(({ said }) => said !== null && said !== 'unreachable');
  return given.length === 0 ? [] : [{ compared: plural(given.length, 'service reply', 'service replies') }];
}

function plural(count: number, one: string, many = one.endsWith('s') ? `${one}es` : `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}
