import { systemClock } from '../../../src/clock.ts';
import { connectMemory } from '../../../src/platform/memory/memory.ts';
import { addInstance, addVolume, createMemoryServer } from '../../../src/platform/memory/server.ts';
import { describeConformance } from '../conformance.ts';
import { spawnHere } from '../spawn.ts';

const quick = { read: 0, change: 1, snapshot: 5, restore: 5, start: 1, stop: 1, gracefulStop: 1, restart: 10 };

describeConformance('the memory platform', async () => {
  const server = createMemoryServer({ clock: systemClock, exec: spawnHere, takes: quick });
  addVolume(server, 'default', 'data', '');
  addInstance(server, 'c1', {
    disks: [{ device: 'data', path: '/data', kind: 'volume', pool: 'default', volume: 'data' }],
  });
  const process = { clock: systemClock, kill: () => {}, isDead: () => false, onKill: () => {} };
  const platform = connectMemory(server, { process });
  return {
    platform,
    instance: 'c1',
    volume: { pool: 'default', name: 'data' },
    hasGenerations: true,
    close: async () => {},
  };
});
