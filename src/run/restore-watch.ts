import type { Platform } from '../platform/platform.ts';

/** Notices restores of an instance from the events of the server, where the instance itself does not show them. */
export interface RestoreWatch {
  /** What was seen since the watch began. `unknown`: none, but the events were not available all the time. */
  readonly seen: () => Promise<'none' | 'restored' | 'unknown'>;
  readonly close: () => void;
}

/** Begins at once. Whether the server sends events is known when `seen` answers. */
export function watchRestores({ followInstances }: Pick<Platform, 'followInstances'>, instance: string): RestoreWatch {
  let state: 'none' | 'restored' | 'unknown' = 'none';
  const lose = (): void => {
    if (state === 'none') state = 'unknown';
  };
  const opening = followInstances((event) => {
    if (event.isRestore && event.instance === instance) state = 'restored';
  });
  void opening.then((stream) => (stream.ok ? stream.value.ended.then(lose) : lose()));
  return {
    seen: async () => {
      const stream = await opening;
      if (!stream.ok || !(await stream.value.isComplete())) lose();
      return state;
    },
    close: () => void opening.then((stream) => stream.ok && stream.value.close()),
  };
}
