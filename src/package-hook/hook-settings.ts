import { isAbove } from './places.ts';

/** The content of `hook.conf` in the instance. */
export interface HookFileSettings {
  /** What the client does if no agent answers. */
  readonly absent: 'proceed' | 'abort';
  /** How long it waits for the answer, in seconds. */
  readonly limitSeconds: number;
  /** Folders that the installation created; they are removed with it. */
  readonly made: readonly string[];
}

/** The text of `hook.conf`. */
export function hookFileText({ absent, limitSeconds, made }: HookFileSettings): string {
  return [
    '# Written by `guard hook install` from guard.yaml on the host.',
    `absent=${absent}`,
    `limit=${limitSeconds}`,
    ...made.map((folder) => `made=${folder}`),
    '',
  ].join('\n');
}

/** The folders that an earlier installation created, from its `hook.conf`. Only folders that the hook can have created. */
export function foldersMade(text: string, possible: readonly string[]): string[] {
  return text.split('\n').flatMap((line) => {
    const folder = /^made=(\/.*)$/.exec(line)?.[1];
    return folder !== undefined && possible.some((path) => isAbove(folder, path)) ? [folder] : [];
  });
}
