import type { CommandEnd } from '../../event.ts';
import { neutralise } from '../../text.ts';
import type { PushPlan } from '../plan.ts';

/** Why a push is incomplete. It counts as a failed command. */
export function pushFailed(push: PushPlan, why: string): CommandEnd {
  return {
    kind: 'push-failed',
    message: neutralise(`"${push.local}" could not be pushed to ${push.inside}: ${why.trim()}`, 1000),
  };
}

/** `3 files, 1.2 MiB to /opt/app`. */
export function describePushes(pushes: readonly PushPlan[]): string {
  return pushes.map(describePush).join('; ');
}

function describePush({ files, bytes, inside }: PushPlan): string {
  return `${files} ${files === 1 ? 'file' : 'files'}, ${formatBytes(bytes)} to ${neutralise(inside)}`;
}

function formatBytes(bytes: number): string {
  if (bytes < 1024) return `${bytes} bytes`;
  const kibibytes = bytes / 1024;
  return kibibytes < 1024 ? `${kibibytes.toFixed(1)} KiB` : `${(kibibytes / 1024).toFixed(1)} MiB`;
}
