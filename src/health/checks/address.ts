import { isIPv6 } from 'node:net';
import { networkInterfaces } from 'node:os';
import { type PlatformFailure, describeFailure } from '../../platform/failure.ts';
import { canonicalAddress, isGlobalAddress } from '../../platform/address.ts';
import type { InstanceState, Platform } from '../../platform/platform.ts';
import { err, ok, type Result } from '../../result.ts';
import { failed, notAsked, type KindAnswer } from './answer.ts';

/** Addresses by interface name that are the instance's own at this moment, as far as the server knows. */
export type AskAddresses = () => Promise<Result<InstanceState['addresses'], PlatformFailure>>;

/** Asks the server, once: which addresses the instance has, and which of them are its own. */
export function askAddressesOf(platform: Platform, instance: string): AskAddresses {
  async function ask(): ReturnType<AskAddresses> {
    const state = await platform.getInstanceState(instance);
    if (!state.ok) return state;
    const claimed = state.value.addresses;
    const own = await confirmedHere(platform, instance, Object.values(claimed).flat());
    if (!own.ok) return own;
    const entries = Object.entries(claimed).map(([name, addresses]) => [name, addresses.filter(own.value)] as const);
    return ok(Object.fromEntries(entries));
  }
  let asked: ReturnType<AskAddresses> | null = null;
  return () => (asked ??= ask());
}

/** Tells which of the claimed addresses may be asked: those that are the instance's own, and not of this machine. */
export async function confirmedHere(
  platform: Platform,
  instance: string,
  claimed: readonly string[],
): Promise<Result<(address: string) => boolean, PlatformFailure>> {
  const ofThisHost = addressesOfThisHost();
  const elsewhere = claimed.filter((address) => isGlobalAddress(address) && !ofThisHost.has(address.toLowerCase()));
  if (elsewhere.length === 0) return ok(() => false);
  const confirmed = await platform.confirmAddresses(instance, elsewhere);
  if (!confirmed.ok) return confirmed;
  const own = new Set(confirmed.value);
  return ok((address) => canonicalAddress(address).some((one) => own.has(one)));
}

/**
 * Puts the instance's addresses in the place of `{address}` (IPv4, else IPv6), `{address4}`, `{address6}`, and
 * `{address:eth1}` for one interface. With `url`, an IPv6 address gets its brackets. Text without a placeholder needs no request.
 */
export async function fillAddress(
  text: string,
  askAddresses: AskAddresses,
  options: { readonly url?: boolean; readonly ofThisHost?: ReadonlySet<string> } = {},
): Promise<Result<string, KindAnswer>> {
  if (!text.includes('{address')) return ok(text);
  const addresses = await askAddresses();
  if (!addresses.ok) return err(notAsked(describeFailure(addresses.error)));
  // Root inside chooses the addresses that Incus tells: none may lead a question to a service of this host.
  const ofThisHost = options.ofThisHost ?? addressesOfThisHost();
  let missing: string | null = null;
  const filled = text.replaceAll(placeholder, (_all, family: string, device: string | undefined) => {
    const address = pick(addresses.value, ofThisHost, family, device ?? null);
    if (address === null) missing ??= sayMissing(family, device ?? null);
    return options.url && address !== null && isIPv6(address) ? `[${address}]` : (address ?? '');
  });
  // An instance without its address is an answer: whoever wants to reach it cannot either.
  return missing === null ? ok(filled) : err(failed(missing));
}

const placeholder = /\{address([46]?)(?::([^{}\s]+))?\}/g;

/** Whether an answer is that the instance has no address which is known to be its own. */
export function isMissingAddress(message: string): boolean {
  return /\bthe instance has no .*that is known to be its own\b/.test(message);
}

function sayMissing(family: string, device: string | null): string {
  return `the instance has no ${family === '' ? 'address' : `IPv${family} address`}${device === null ? '' : ` on ${device}`} that is known to be its own`;
}

/** The address that `{address…}` stands for, or null. `family` is `4`, `6` or empty for any, IPv4 first. */
function pick(
  addresses: InstanceState['addresses'],
  ofThisHost: ReadonlySet<string>,
  family: string,
  device: string | null,
): string | null {
  const global = Object.keys(addresses)
    .filter((name) => device === null || name === device)
    .toSorted((a, b) => rank(a) - rank(b) || a.localeCompare(b))
    .flatMap((name) => addresses[name] ?? [])
    .filter((address) => isGlobalAddress(address) && !ofThisHost.has(address.toLowerCase()));
  const ofFamily = (six: boolean): string | null => global.find((address) => isIPv6(address) === six) ?? null;
  if (family === '4') return ofFamily(false);
  if (family === '6') return ofFamily(true);
  return ofFamily(false) ?? ofFamily(true);
}

/** Bridges that the instance made for its own guests (Docker, libvirt, Incus) come last: they are not reachable from outside. */
function rank(name: string): number {
  return /^(docker|br-|virbr|lxc|lxdbr|incusbr|cni|podman|veth|tap|tun|wg)/.test(name) ? 1 : 0;
}

/** Addresses of the machine that runs guard. */
export function addressesOfThisHost(): ReadonlySet<string> {
  const all = Object.values(networkInterfaces()).flatMap((one) => one ?? []);
  return new Set(all.map(({ address }) => address.toLowerCase()));
}
