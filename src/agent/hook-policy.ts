import { createHash } from 'node:crypto';
import { fitsGlob } from '../config/glob.ts';
import type { PackageHookSettings } from '../config/settings.ts';
import type { Announcement } from './message-assembler.ts';
import type { Reply } from './protocol.ts';

/** Whether the settings include this transaction. What the manager does not report counts as included. */
export function isWanted(
  { packages, commands }: Pick<PackageHookSettings, 'packages' | 'commands'>,
  announcement: Pick<Announcement, 'command' | 'packages' | 'more'>,
): boolean {
  return wantedCommand(commands, announcement.command) && wantedPackages(packages, announcement);
}

function wantedCommand(globs: readonly string[] | null, command: string): boolean {
  return globs === null || command === '' || fitsGlob(globs, command);
}

function wantedPackages(
  globs: readonly string[] | null,
  { packages, more }: Pick<Announcement, 'packages' | 'more'>,
): boolean {
  if (globs === null || packages.length === 0 || more > 0) return true;
  return packages.some(({ name }) => fitsGlob(globs, name));
}

/** The answer to the package manager if no restore point can be taken. */
export function withoutRestorePoint(
  { onNoRestorePoint }: Pick<PackageHookSettings, 'onNoRestorePoint'>,
  reason: string,
): Reply {
  return onNoRestorePoint === 'abort' ? { kind: 'no', reason } : { kind: 'go-unguarded', reason };
}

/** Whether to refuse a transaction that was rolled back before. */
export function obeysQuarantine({ quarantine }: Pick<PackageHookSettings, 'quarantine'>, attended: boolean): boolean {
  switch (quarantine) {
    case 'always':
      return true;
    case 'never':
      return false;
    case 'unattended':
      return !attended;
  }
}

/** Identifies what a transaction would do; null if the manager does not report it. */
export function fingerprintOf({ manager, packages, more }: Announcement): string | null {
  if (packages.length === 0) return null;
  const changes = packages.map(({ name, from, to }) => `${name} ${from ?? ''} ${to ?? ''}`).toSorted();
  return createHash('sha256')
    .update(JSON.stringify([manager, changes, more]))
    .digest('hex')
    .slice(0, 32);
}
