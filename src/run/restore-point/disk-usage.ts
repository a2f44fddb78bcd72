import type { Platform } from '../../platform/platform.ts';
import type { Disks } from './disks.ts';

/** The disk usage of a running instance, in bytes; null or absent if it could not be determined in time. */
export interface DiskUsage {
  readonly root: number | null;
  /** By device. */
  readonly volumes: Readonly<Record<string, number>>;
}

/** Reading every folder of a large instance takes seconds; it is read anyway a moment later, when it is copied. Milliseconds. */
const limitMs = 15_000;

/** Measures inside the instance, if the pool does not report the usage. An estimate, bounded in time. */
export async function measureDisks(
  platform: Platform,
  instance: string,
  { own, uncovered }: Disks,
): Promise<DiskUsage> {
  // One file system holds them all on some drivers: du counts what is under a folder that it has seen only once, so the root comes last.
  const paths = [...uncovered.map(({ path }) => path), ...own.map(({ path }) => path)].filter((path) =>
    path.startsWith('/'),
  );
  const command = ['du', '-skx', '--', ...paths, '/'];
  const answer = await platform.query(instance, { command, limitMs, maxBytes: 64 * 1024, readOnly: true });
  const sizes = new Map(answer.ok && !answer.value.truncated ? sizesIn(answer.value.stdout) : []);
  return {
    root: sizes.get('/') ?? null,
    volumes: Object.fromEntries(own.map(({ device, path }) => [device, sizes.get(path) ?? 0])),
  };
}

/** Lines such as `236172\t/`, in KiB. Files that go away meanwhile make du fail and do not matter. */
function sizesIn(text: string): [string, number][] {
  return text.split('\n').flatMap((line) => {
    const [, size, path] = /^(\d{1,13})\s+(.*)$/.exec(line) ?? [];
    return size === undefined || path === undefined ? [] : [[path, Number(size) * 1024]];
  });
}
