import type { ServerIdentity } from './platform.ts';

/** Whether the tests of guard run on this version of the server. */
export function isTestedVersion({
  version,
  testedVersions,
}: Pick<ServerIdentity, 'version' | 'testedVersions'>): boolean {
  return testedVersions.some((tested) => version === tested || version.startsWith(`${tested}.`));
}

/** `Incus 6.0 and 7.0`. */
export function describeTested({
  product,
  testedVersions,
}: Pick<ServerIdentity, 'product' | 'testedVersions'>): string {
  return `${product} ${testedVersions.join(' and ')}`;
}
