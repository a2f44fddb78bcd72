import type { Platform } from '../platform/platform.ts';
import type { RehearsalPlace } from '../platform/rehearsals.ts';
import { describeFailure } from '../platform/failure.ts';
import type { Baseline } from '../health/baseline.ts';
import type { Recorder } from '../run/recorder.ts';
import { askPackageProxy, usePackageProxy } from './inside-copy.ts';
import type { PackageProxy } from './package-proxy.ts';

/** What a copy could not reach of what its command may have needed. */
export interface PackagesMissed {
  /** Hosts that were asked for and refused. */
  readonly refused: readonly string[];
  /** Hosts of its package sources that this machine could not connect to. */
  readonly unreachable: readonly string[];
  /** Why there was no way at all; null where there was one. */
  readonly obstacle: string | null;
}

/** The way of one copy to its package sources, open while the command runs. */
export interface PackageAccess {
  /** Variables for the command, which the package managers read. */
  readonly environment: Readonly<Record<string, string>>;
  /** Connects the running copy. Where that fails the command runs without packages from outside, and `missed` says so. */
  readonly connect: () => Promise<void>;
  /** Admits the hosts of the copy's own sources from now on. */
  readonly open: () => void;
  /** Takes the way away for good: what the copy does by itself afterwards reaches nothing at all. */
  readonly disconnect: () => Promise<void>;
  /** What the copy could not reach by it. */
  readonly missed: () => PackagesMissed;
  readonly close: () => Promise<void>;
}

/** guard in a container, or with a temporary folder of its own, has sockets that the server's machine has not. */
const otherMachine =
  'The package proxy of guard cannot be reached by the server: guard runs in a container, or has a temporary folder of its own.';

const local = 'localhost,127.0.0.1,::1';

/** How long the server may take to change the copy's devices, in milliseconds. */
const limitMs = 30_000;

/** Leads a copy to a package proxy on this machine, which has to be the server's own. */
export function createPackageAccess(
  proxy: PackageProxy,
  platform: Platform,
  place: RehearsalPlace,
  instance: string,
): PackageAccess {
  const { rehearsals } = platform;
  const url = `http://127.0.0.1:${rehearsals.proxyPort}`;
  let hosts: ReadonlySet<string> = new Set();
  let connected = false;
  let obstacle: string | null = null;
  async function disconnect(): Promise<void> {
    proxy.shut();
    if (connected) await rehearsals.disconnectPackageProxy(place, instance, { limitMs });
    connected = false;
  }
  return {
    environment: {
      http_proxy: url,
      https_proxy: url,
      HTTP_PROXY: url,
      HTTPS_PROXY: url,
      no_proxy: local,
      NO_PROXY: local,
    },
    connect: async () => {
      const inside = { platform: platform.inProject(place.project) };
      const [device, found] = await Promise.all([
        rehearsals.connectPackageProxy(place, instance, proxy.socket, { limitMs }),
        usePackageProxy(inside, instance, url),
      ]);
      hosts = found;
      connected = device.ok;
      if (!device.ok) obstacle = describeFailure(device.error);
      else if ((await askPackageProxy(inside, instance, rehearsals.proxyPort)) && !proxy.wasAsked())
        obstacle = otherMachine;
    },
    open: () => proxy.open(hosts),
    disconnect,
    missed: () => ({ refused: proxy.refused(), unreachable: proxy.unreachable(), obstacle }),
    close: proxy.close,
  };
}

/** What the copy had before, without the port of the package proxy, which is taken away before anything is compared. */
export function withoutPackagePort(baseline: Baseline, proxyPort: number): Baseline {
  if (baseline.facts?.sockets == null) return baseline;
  const sockets = baseline.facts.sockets.filter(({ address, port }) => address !== '127.0.0.1' || port !== proxyPort);
  return { ...baseline, facts: { ...baseline.facts, sockets } };
}

/** A recorder that takes the way away at the command's end, before anything is judged. */
export function disconnectAfterCommand(recorder: Recorder, access: PackageAccess): Recorder {
  return {
    ...recorder,
    record: async (event) => {
      if (event.type === 'command-ended') await access.disconnect();
      await recorder.record(event);
    },
  };
}
