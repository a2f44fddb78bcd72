import { afterEach, expect, test } from 'vitest';
import { withFarInstance, type FarInstance } from './far-instance.ts';
import { guardUnderTest } from './guard.ts';

const instance = 'e2e-link';
let far: FarInstance;
withFarInstance(instance, (up) => {
  far = up;
});

afterEach(() => far.remote.link.mend());

test.each([
  ['verify', 'touch /root/changed', 'guard keeps trying for'],
  ['restore', 'touch /root/changed; exit 3', '"phase":"restore"'],
])(
  'the link breaks in %s and stays down: never kept, said, and recovered from a host without the record (F7, F14)',
  async (phase, script, message) => {
    const begun = `"type":"phase-started","phase":"${phase}"`;
    const { guard, seen } = await far.started(script, begun, '--soak', '15s', '--verify-timeout', '20s');
    await far.remote.link.cut();
    const { exitCode } = await guard;
    expect({ exitCode, seen: seen() }).toMatchObject({ exitCode: 21 });
    expect(seen()).toContain('"outcome":"rollback-failed"');
    expect(seen()).toContain(message);
    await far.remote.link.mend();
    const elsewhere = await guardUnderTest();
    const recovered = await elsewhere.run(['recover', '--take-over', `far:${instance}`], { env: far.remote.env });
    expect(recovered).toMatchObject({ status: 0 });
    await elsewhere.remove();
    await far.inside('test ! -e /root/changed');
    expect(await far.snapshots()).not.toContain('guard-in-flight');
  },
);
