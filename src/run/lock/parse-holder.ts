import type { Holder } from '../../event.ts';

/** Whether a parsed value names a process. Anybody who may configure the instance can write anything into a marker. */
export function isHolder(value: unknown): value is Holder {
  return (
    isObject(value) &&
    typeof value['host'] === 'string' &&
    typeof value['bootId'] === 'string' &&
    typeof value['pid'] === 'number' &&
    typeof value['network'] === 'string' &&
    typeof value['id'] === 'string'
  );
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}
