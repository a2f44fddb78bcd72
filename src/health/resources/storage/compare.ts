import { advisory, required, type FactFinding } from '../../finding.ts';
import type { Disk, Facts, Reboot } from '../../facts.ts';
import type { Difference } from '../../rules.ts';
import type { Comparison } from '../comparison.ts';

/** A root file system that filled up, or can no longer be written to. */
export function compareDisk(before: Facts, after: Facts): FactFinding[] {
  if (before.disk === null || after.disk === null) return [];
  const [was, is] = [before.disk, after.disk];
  if (was.writable && !is.writable) return [required('disk', 'the root file system can no longer be written to')];
  if (fullness(is) > fullness(was)) {
    const left = `the root file system has ${formatBytes(is.availableBytes)} of ${formatBytes(is.totalBytes)} left, before it was ${formatBytes(was.availableBytes)}`;
    return [fullness(is) === 2 ? required('disk', left) : advisory('disk', left)];
  }
  if (outOfInodes(is) && !outOfInodes(was))
    return [
      required(
        'disk',
        `the root file system has ${is.availableInodes} inodes left, before it was ${was.availableInodes}`,
      ),
    ];
  return [];
}

/** Folders in which a file could be written and can no longer be: a quota, a full volume, a file system that went read-only. */
export function compareWrites({ before, after }: Comparison): Difference[] {
  return Object.entries(after.canWrite ?? {})
    .filter(([folder, works]) => !works && before.canWrite?.[folder] === true)
    .map(([folder]) => ({
      resource: 'storage',
      change: 'unwritable',
      name: folder,
      subject: `storage:${folder}`,
      message: `files could be written in ${folder}, and no longer can be (quota, full or read-only)`,
      transient: false,
      traits: [],
    }));
}

/** 2: no service can be expected to work; 1: soon; 0: fine. Small containers have small disks, so both counts have to agree. */
function fullness({ availableBytes, totalBytes }: Disk): 0 | 1 | 2 {
  const share = availableBytes / totalBytes;
  if (availableBytes < 8 * mebibyte || (share < 0.01 && availableBytes < 200 * mebibyte)) return 2;
  return share < 0.05 && availableBytes < 1024 * mebibyte ? 1 : 0;
}

const mebibyte = 1024 * 1024;

function outOfInodes({ totalInodes, availableInodes }: Disk): boolean {
  return totalInodes > 0 && availableInodes < 500 && availableInodes / totalInodes < 0.01;
}

/** `3.4 GiB`, `512 MiB`. */
function formatBytes(bytes: number): string {
  const units = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
  const step = Math.min(units.length - 1, bytes < 1 ? 0 : Math.floor(Math.log2(bytes) / 10));
  const value = bytes / 1024 ** step;
  return `${value < 10 && step > 0 ? value.toFixed(1).replace(/\.0$/, '') : Math.round(value)} ${units[step]}`;
}

/** The instance asks for a restart, and did not before. */
export function compareReboot(before: Facts, after: Facts): FactFinding[] {
  if (before.reboot === null || after.reboot === null || before.reboot.required || !after.reboot.required) return [];
  return [advisory('reboot', `the instance requires a restart${forThe(after.reboot)}`)];
}

function forThe({ packages }: Reboot): string {
  return packages.length === 0
    ? ''
    : ` for ${packages.slice(0, 5).join(', ')}${packages.length > 5 ? ' and others' : ''}`;
}
