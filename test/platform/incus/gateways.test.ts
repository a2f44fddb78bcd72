import { expect, it } from 'vitest';
import { defaultGateways } from '../../../src/platform/incus/instances/gateways.ts';

const route = `Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
eth0\t00000000\t0100A8C0\t0003\t0\t0\t100\t00000000\t0\t0\t0
wg0\t00000000\t00000000\t0001\t0\t0\t200\t00000000\t0\t0\t0
eth0\t0000A8C0\t00000000\t0001\t0\t0\t100\t00FFFFFF\t0\t0\t0
eth0\t0000010A\t0200A8C0\t0003\t0\t0\t100\t00FFFFFF\t0\t0\t0
`;
const zeros = '0'.repeat(32);
const ipv6Route = `20010db8000000000000000000000000 40 ${zeros} 00 ${zeros} 00000100 00000001 00000000 00000001 eth0
${zeros} 00 ${zeros} 00 20010db8000000000000000000000001 00000400 00000001 00000000 00000003 eth0
${zeros} 00 ${zeros} 00 ${zeros} ffffffff 00000001 00000000 00200200 lo
`;

it('reads the next hops of the default routes alone', () => {
  expect(defaultGateways(route, ipv6Route, 'LE')).toEqual(['192.168.0.1', '2001:0db8:0000:0000:0000:0000:0000:0001']);
  expect(defaultGateways(route.replaceAll('0100A8C0', 'C0A80001'), '', 'BE')).toEqual(['192.168.0.1']);
  expect(defaultGateways('', '', 'LE')).toEqual([]);
});
