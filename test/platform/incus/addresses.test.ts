import type { ServerResponse } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/clock.ts';
import { closeIncus, openIncus, type Incus } from '../../../src/platform/incus/http/client.ts';
import { confirmAddresses } from '../../../src/platform/incus/instances/addresses.ts';
import { failure, value } from '../conformance.ts';
import { startFakeIncus, type FakeIncus } from './fake-server.ts';

// The kinds of network devices that Incus has, as it describes them; test/e2e/asked-addresses.test.ts tries a bridge for real.

let fake: FakeIncus;
let incus: Incus;

/** Answers by path; a null is refused with 403, what is not there with 404. */
let answers: Record<string, unknown> = {};
/** Of the default routes of this machine. */
let gateways: readonly string[] = [];
/** The network devices of the instance. */
let devices: Record<string, Record<string, string>> = {};

beforeEach(async () => {
  fake = await startFakeIncus();
  incus = openIncus({ socket: fake.socket, project: 'default', clock: systemClock });
  fake.fault(({ pathname, query }, response) => {
    if (pathname === '/1.0/instances/c1') return send(response, instance());
    if (pathname === '/1.0/instances' && query.get('recursion') === '2') {
      if (query.get('all-projects') !== 'true' || query.has('project')) return refuse(response, 400);
      return answers['others'] === null ? refuse(response, 403) : send(response, answers['others'] ?? []);
    }
    if (!pathname.startsWith('/1.0/networks/')) return false;
    const answer = answers[pathname.slice('/1.0/networks/'.length)];
    if (answer === undefined) return refuse(response, 404);
    return answer === null ? refuse(response, 403) : send(response, answer);
  });
});

afterEach(async () => {
  closeIncus(incus);
  await fake.close();
  answers = {};
  gateways = [];
});

const instance = () => ({
  name: 'c1',
  status: 'Running',
  config: { 'volatile.eth0.hwaddr': '10:66:6a:00:00:01' },
  expanded_devices: devices,
});

const send = (response: ServerResponse, metadata: unknown): boolean => {
  response.writeHead(200, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ type: 'sync', status: 'Success', status_code: 200, metadata }));
  return true;
};

const refuse = (response: ServerResponse, code: number): boolean => {
  response.writeHead(code, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ type: 'error', error: 'no', error_code: code }));
  return true;
};

const stateOf = (...addresses: readonly [string, string, string?][]) => ({
  addresses: addresses.map(([address, netmask, scope = 'global']) => ({ address, netmask, scope, family: 'inet' })),
});

const withState = (name: string, project: string | undefined, ...addresses: string[]) => ({
  name,
  project,
  state: { network: { eth0: { addresses: addresses.map((address) => ({ address })) } } },
});

const claimed = [
  '127.0.0.1',
  '10.1.0.1',
  '10.1.0.5',
  '10.1.0.6',
  '10.1.0.7',
  '10.2.0.5',
  '203.0.113.5',
  'fd01::5',
  'fd02::5',
  'fe80::5',
];

const confirmed = async () => value(await confirmAddresses(incus, 'c1', claimed, async () => gateways));

const managed = {
  managed: true,
  config: { 'ipv4.address': '10.1.0.1/24', 'ipv6.address': 'fd01::1/64' },
};

describe('a managed bridge or an OVN network', () => {
  beforeEach(() => {
    devices = { eth0: { type: 'nic', network: 'net' } };
    answers = {
      net: managed,
      'net/state': stateOf(['10.1.0.1', '24']),
      'net/leases': [
        { address: '10.1.0.1', type: 'gateway', hwaddr: '' },
        { address: '10.1.0.5', type: 'dynamic', hwaddr: '10:66:6A:00:00:01' },
        { address: '10.1.0.6', type: 'static', hwaddr: '10:66:6a:00:00:02' },
      ],
      others: [withState('c1', 'default', '10.1.0.5', '10.1.0.7'), withState('c2', 'default', '10.1.0.6')],
    };
  });

  it('confirms what it leased, and what lies in it, and not what another instance leased', async () => {
    expect(await confirmed()).toEqual(['10.1.0.5', '10.1.0.7', 'fd01::5']);
  });

  it('does not confirm what another instance has by itself, of whatever project', async () => {
    answers['others'] = [withState('c1', 'other', '10.1.0.7'), withState('c3', 'default', 'FD01:0::5')];
    expect(await confirmed()).toEqual(['10.1.0.5']);
  });

  it("does not confirm the gateway that the bridge's DHCP names, nor one of an uplink", async () => {
    answers['net'] = { ...managed, config: { ...managed.config, 'ipv4.dhcp.gateway': '10.1.0.7' } };
    expect(await confirmed()).toEqual(['10.1.0.5', 'fd01::5']);
    answers['net'] = { ...managed, config: { ...managed.config, 'ipv6.gateway': 'fd01::5/64' } };
    expect(await confirmed()).toEqual(['10.1.0.5', '10.1.0.7']);
  });

  it('confirms what the server gave it, even if this machine has it for its gateway', async () => {
    gateways = ['10.1.0.5', 'fd01:0:0:0:0:0:0:5'];
    expect(await confirmed()).toEqual(['10.1.0.5', '10.1.0.7']);
  });

  it('confirms only what it leased where the other instances cannot be seen', async () => {
    answers['others'] = null;
    expect(await confirmed()).toEqual(['10.1.0.5']);
  });

  it('asks for no other instances where the server gave all addresses', async () => {
    expect(value(await confirmAddresses(incus, 'c1', ['10.1.0.5', '1.2.3.4']))).toEqual(['10.1.0.5']);
    expect(fake.requests.map(({ pathname }) => pathname)).not.toContain('/1.0/instances');
  });

  it('confirms what the device is configured with', async () => {
    devices = { eth0: { type: 'nic', network: 'net', 'ipv4.address': '10.1.0.6', 'ipv6.address': 'fd01::5' } };
    answers['net/leases'] = [];
    answers['others'] = null;
    expect(await confirmed()).toEqual(['10.1.0.6', 'fd01::5']);
  });

  it('confirms what is routed to the device', async () => {
    devices = { eth0: { type: 'nic', network: 'net', 'ipv4.routes': '10.2.0.0/24, 203.0.113.5/32' } };
    expect(await confirmed()).toEqual(['10.1.0.5', '10.1.0.7', '10.2.0.5', '203.0.113.5', 'fd01::5']);
  });

  it('confirms nothing that lies in a network which this user may not see', async () => {
    answers = { net: null, others: [] };
    expect(await confirmed()).toEqual([]);
  });

  it('counts every device', async () => {
    devices = { eth0: { type: 'nic', network: 'net' }, eth1: { type: 'nic', nictype: 'bridged', parent: 'br1' } };
    answers['br1'] = { managed: false };
    answers['br1/state'] = stateOf(['10.2.0.1', '24']);
    expect(await confirmed()).toEqual(['10.1.0.5', '10.1.0.7', '10.2.0.5', 'fd01::5']);
  });
});

describe('a device on an interface of the server', () => {
  beforeEach(() => {
    answers = {
      uplink: { managed: false },
      'uplink/state': stateOf(['10.1.0.1', '24'], ['127.0.0.1', '8', 'local'], ['fe80::1', '64', 'link']),
      'uplink.7/state': stateOf(['10.2.0.1', '24']),
      others: [],
    };
  });

  it.each(['bridged', 'macvlan', 'ipvlan', 'sriov'])('%s: confirms what lies in its network', async (nictype) => {
    devices = { eth0: { type: 'nic', nictype, parent: 'uplink' } };
    expect(await confirmed()).toEqual(['10.1.0.5', '10.1.0.6', '10.1.0.7']);
  });

  it.each(['bridged', 'macvlan', 'ipvlan', 'sriov'])('%s: does not confirm the gateway', async (nictype) => {
    devices = { eth0: { type: 'nic', nictype, parent: 'uplink' } };
    gateways = ['10.1.0.6'];
    expect(await confirmed()).toEqual(['10.1.0.5', '10.1.0.7']);
  });

  it('physical: confirms nothing, because the interface is inside', async () => {
    devices = { eth0: { type: 'nic', nictype: 'physical', parent: 'gone' } };
    expect(await confirmed()).toEqual([]);
  });

  it('in a VLAN: confirms what lies in the network of that', async () => {
    devices = { eth0: { type: 'nic', nictype: 'macvlan', parent: 'uplink', vlan: '7' } };
    expect(await confirmed()).toEqual(['10.2.0.5']);
  });

  it('bridged in a VLAN: does not take the network of the bridge for its own', async () => {
    devices = { eth0: { type: 'nic', nictype: 'bridged', parent: 'uplink', vlan: '7' } };
    expect(await confirmed()).toEqual([]);
  });

  it('managed macvlan: goes by its parent', async () => {
    devices = { eth0: { type: 'nic', network: 'net' } };
    answers['net'] = { managed: true, config: { parent: 'uplink' } };
    answers['net/leases'] = null;
    expect(await confirmed()).toEqual(['10.1.0.5', '10.1.0.6', '10.1.0.7']);
  });

  it.each(['routed', 'p2p'])('%s: confirms only what it is configured with', async (nictype) => {
    devices = {
      eth0: { type: 'nic', nictype, parent: 'uplink', 'ipv4.address': '203.0.113.5, 10.1.0.6', 'ipv6.address': 'none' },
    };
    expect(await confirmed()).toEqual(['10.1.0.6', '203.0.113.5']);
  });

  it('confirms nothing without a device', async () => {
    devices = { root: { type: 'disk', path: '/' } };
    expect(await confirmed()).toEqual([]);
  });
});

it('is a failure where the server does not answer', async () => {
  devices = { eth0: { type: 'nic', network: 'net' } };
  await fake.close();
  expect(failure(await confirmAddresses(incus, 'c1', claimed)).kind).toBe('unreachable');
});
