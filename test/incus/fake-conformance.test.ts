import { describeConformance } from './conformance.ts';
import { startFakeIncus } from './fake-server.ts';

describeConformance('the fake Incus', async () => {
  const fake = await startFakeIncus();
  return { socket: fake.socket, instance: 'c1', close: fake.close };
});

describeConformance('the fake Incus, with the newer way to tell failures,', async () => {
  const fake = await startFakeIncus();
  fake.newerWait = true;
  return { socket: fake.socket, instance: 'c1', close: fake.close };
});
