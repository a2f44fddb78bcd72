import type { PackageProxy } from '../../src/rehearsal/package-proxy.ts';

/** A package proxy that nobody uses. */
export async function silentProxy(_run?: string, more: Partial<PackageProxy> = {}): Promise<PackageProxy> {
  return {
    socket: '/run/proxy.sock',
    open: () => {},
    shut: () => {},
    refused: () => [],
    unreachable: () => [],
    wasAsked: () => true,
    close: async () => {},
    ...more,
  };
}
