import { incusCommand } from './incus-subject.ts';

/** Stops a container by force, does something while it is stopped, and starts it. */
export const restartContainer = async (instance: string, whileStopped: () => Promise<void>): Promise<void> => {
  await incusCommand('stop', '--force', instance);
  await whileStopped();
  await incusCommand('start', instance);
};
