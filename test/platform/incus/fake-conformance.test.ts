import { systemClock } from '../../../src/clock.ts';
import { openIncusPlatform } from '../../../src/platform/incus/incus.ts';
import { describeConformance, type Subject } from '../conformance.ts';
import { startFakeIncus } from './fake-server.ts';

// The adapter over real HTTP and WebSockets, without a daemon: the same suite, in two seconds.
describeConformance('Incus over HTTP', () => subject(false), { volumesAndEvents: false });

describeConformance('Incus over HTTP, with the newer way to report failures,', () => subject(true), {
  volumesAndEvents: false,
});

async function subject(newerWait: boolean): Promise<Subject> {
  const fake = await startFakeIncus();
  fake.newerWait = newerWait;
  const { platform, close } = openIncusPlatform({ socket: fake.socket, project: 'default', clock: systemClock });
  return {
    platform,
    instance: 'c1',
    volume: { pool: 'default', name: '' },
    hasGenerations: true,
    close: async () => {
      close();
      await fake.close();
    },
  };
}
