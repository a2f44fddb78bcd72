import type { Instance } from '../incus/instance.ts';

/** Whether the instance has a disk that its own snapshot does not cover: a custom volume or a folder of the host. */
export const hasOutsideDisks = (instance: Pick<Instance, 'expandedDevices'>): boolean =>
  Object.values(instance.expandedDevices).some((keys) => keys['type'] === 'disk' && keys['path'] !== '/');
