import type { PackageProxy } from '../../src/rehearsal/package-proxy.ts';

/** A package proxy that nobody uses. */
export async function silentProxy(): Promise<PackageProxy> {
  return {
    socket: '/run/proxy.sock',
    open: () => {},
    shut: () => {},
    refused: () => [],
    admitted: () => 0,
    close: async () => {},
  };
}
