import { describe, expect, it } from 'vitest';
import { canonicalAddress, confirmedAddresses, isGlobalAddress, isPublicAddress } from '../../src/platform/address.ts';

const known = {
  assigned: ['10.1.2.20', 'fd00:1::20'],
  networks: ['10.1.2.1/24', 'fd00:1::1/64', '203.0.113.8/32', 'none', '0.0.0.0/0', '::/0'],
  ofOthers: ['10.1.2.1', '10.1.2.30', 'fd00:1::1', 'FD00:1:0::30'],
};

describe('an address that the instance claims to have', () => {
  it.each([
    ['given by the server', '10.1.2.20'],
    ['of its network, which nobody else has', '10.1.2.99'],
    ['IPv6 given by the server', 'fd00:1::20'],
    ['IPv6 of its network', 'fd00:1::abcd'],
    ['routed to it', '203.0.113.8'],
  ])('is asked: %s', (_why, address) => {
    expect(confirmedAddresses([address], known)).toEqual([address]);
  });

  it('is the same address in every notation', () => {
    expect(confirmedAddresses(['FD00:0001:0::0020', 'fd00:1::20'], known)).toEqual(['fd00:1::20']);
  });

  it.each([
    ['of another network', '10.1.3.20'],
    ['of the internet', '192.0.2.7'],
    ['of the gateway', '10.1.2.1'],
    ['of another instance', '10.1.2.30'],
    ['of another instance, as IPv6 in another notation', 'fd00:1:0:0::30'],
    ['the network itself', '10.1.2.0'],
    ['its broadcast address', '10.1.2.255'],
    ['IPv6 of another network', 'fd00:2::20'],
    ['a name', 'localhost'],
    ['with leading zeros', '010.1.2.20'],
    ['with a zone', 'fd00:1::20%eth0'],
    ['IPv4 in IPv6', '::ffff:10.1.2.20'],
    ['IPv4 in IPv6, in hexadecimal', '::ffff:a01:214'],
    ['empty', ''],
  ])('is not asked: %s', (_why, address) => {
    expect(confirmedAddresses([address], known)).toEqual([]);
  });

  it.each([
    '127.0.0.1',
    '0.0.0.0',
    '169.254.169.254',
    '192.88.99.1',
    '224.0.0.1',
    '240.0.0.1',
    '255.255.255.255',
    '::1',
    '::',
    '::127.0.0.1',
    '::ffff:127.0.0.1',
    '64:ff9b::7f00:1',
    '64:ff9b:1::7f00:1',
    '2001:0:7f00:1::1',
    '2002:7f00:1::1',
    'fe80::1',
    'fec0::1',
    'ff02::1',
  ])('is not asked even where the server gave it: %s', (address) => {
    expect(isGlobalAddress(address)).toBe(false);
    const everywhere = { assigned: [address], networks: [`${address}/1`], ofOthers: [] };
    expect(confirmedAddresses([address], everywhere)).toEqual([]);
  });
});

describe('an address of the internet', () => {
  it.each(['192.0.2.7', '2001:db8::7', '172.15.0.1', '172.32.0.1'])('%s is one', (address) => {
    expect(isPublicAddress(address)).toBe(true);
  });

  it.each(['10.0.0.1', '100.64.0.1', '172.31.0.1', '192.168.1.1', 'fd00::1', '127.0.0.1'])('%s is none', (address) => {
    expect(isPublicAddress(address)).toBe(false);
  });

  it('has one usual form', () => {
    expect(canonicalAddress('2001:DB8:0::7')).toEqual(['2001:db8::7']);
  });
});
