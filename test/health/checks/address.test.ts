import { describe, expect, it } from 'vitest';
import { fillAddress } from '../../../src/health/checks/address.ts';
import { failureOf } from '../../../src/platform/incus/http/failure.ts';
import { err, ok } from '../../../src/result.ts';

const addresses = {
  docker0: ['172.17.0.1', 'fe80::42:1'],
  eth0: ['fe80::216:3eff:fe00:1', 'fd00::7', '10.1.2.3'],
  eth1: ['169.254.3.4', '2001:db8::5'],
};

const fill = (text: string, url = false) => fillAddress(text, () => Promise.resolve(ok(addresses)), { url });

describe('the place of an address', () => {
  it.each([
    ['{address}', '10.1.2.3'],
    ['{address4}', '10.1.2.3'],
    ['{address6}', 'fd00::7'],
    ['{address:eth1}', '2001:db8::5'],
    ['{address:docker0}', '172.17.0.1'],
    ['http://{address}:8080/{address6}', 'http://10.1.2.3:8080/fd00::7'],
    ['{adress}', '{adress}'],
  ])('%s is %s', async (text, filled) => {
    expect(await fill(text)).toEqual(ok(filled));
  });

  it('has brackets around IPv6 in a URL', async () => {
    expect(await fill('https://{address6}/x', true)).toEqual(ok('https://[fd00::7]/x'));
    expect(await fill('https://{address}/x', true)).toEqual(ok('https://10.1.2.3/x'));
  });

  it.each([
    '127.0.0.1',
    '0.0.0.0',
    '169.254.1.2',
    '224.0.0.1',
    '255.255.255.255',
    '::1',
    '::',
    '::ffff:127.0.0.1',
    'fe80::1',
    'ff02::1',
    '192.0.2.7',
    'FD00::7',
  ])('is never %s, which root inside may have put first on eth0', async (address) => {
    const ask = () => Promise.resolve(ok({ eth0: [address] }));
    const ofThisHost = new Set(['192.0.2.7', 'fd00::7']);
    expect(await fillAddress('http://{address}/', ask, { ofThisHost })).toMatchObject({ error: { answer: 'failed' } });
  });

  it('fails the check where the instance has no such address', async () => {
    for (const [text, message] of [
      ['{address:eth9}', 'on eth9'],
      ['{address4:eth1}', 'IPv4'],
    ] as const)
      expect(await fill(text)).toMatchObject({
        error: { answer: 'failed', message: expect.stringContaining(message) as string },
      });
  });

  it('cannot be known when Incus does not tell, and is not asked for without need', async () => {
    const failure = failureOf('unreachable', { purpose: 'read the state of c1', project: 'default' }, 'no daemon');
    const ask = () => Promise.resolve(err(failure));
    expect(await fillAddress('{address}', ask)).toMatchObject({ error: { answer: 'unknown' } });
    expect(await fillAddress('192.0.2.1', ask)).toEqual(ok('192.0.2.1'));
  });
});
