import { describe, expect, test } from 'vitest';
import { copyKey, planCopy } from '../../src/platform/incus/rehearsal/copy-plan.ts';

const request = {
  uuid: '6fa04c7c-2b36-4e3d-9b2f-0a7b7e3f1c11',
  run: '20261129-120000-abcd',
  network: 'guardreh0',
  ownVolumes: [],
  memoryBytes: null,
};

const original = (
  devices: Readonly<Record<string, Readonly<Record<string, string>>>>,
  config: Readonly<Record<string, string>> = {},
  inherited: Readonly<Record<string, string>> = {},
) => ({ location: null, config, expandedConfig: { ...inherited, ...config }, expandedDevices: devices });

const root = { type: 'disk', path: '/', pool: 'default', size: '10GiB' };

describe('the memory of a copy', () => {
  const soft = original({ root }, { 'limits.memory': '1GiB', 'limits.memory.enforce': 'soft' });

  test.each([
    ['its own limit', null, '1GiB'],
    ['what guard grants', 512, '512B'],
  ])('is limited for good where the original has a soft limit: %s', (_what, memoryBytes, limit) => {
    const { config } = planCopy(soft, { ...request, memoryBytes });
    expect(config).toMatchObject({ 'limits.memory': limit, 'limits.memory.enforce': 'hard' });
  });

  test('has no limit where there is none', () => {
    expect(planCopy(original({ root }), request).config).not.toHaveProperty(['limits.memory.enforce']);
  });
});

describe('the devices of a copy', () => {
  test('the root disk stays, with its limit', () => {
    expect(planCopy(original({ root }), request).devices).toEqual({ root });
  });

  test.each([
    ['a bridged one', { type: 'nic', network: 'incusbr0', name: 'eth0', 'ipv4.address': '10.0.0.5' }],
    ['one on a bridge of the host', { type: 'nic', nictype: 'bridged', parent: 'br0', name: 'eth0' }],
    ['macvlan', { type: 'nic', nictype: 'macvlan', parent: 'enp1s0', name: 'eth0' }],
    ['a physical one', { type: 'nic', nictype: 'physical', parent: 'enp2s0', name: 'eth0' }],
    ['routed', { type: 'nic', nictype: 'routed', name: 'eth0', 'ipv4.address': '192.0.2.1' }],
    ['one with VLANs and ACLs', { type: 'nic', network: 'incusbr0', name: 'eth0', vlan: '7', 'security.acls': 'web' }],
  ])('a network interface, %s, ends on the isolated bridge under its name', (_what, nic) => {
    const { devices, removed } = planCopy(
      original({ root, eth0: nic }, { 'volatile.eth0.hwaddr': '10:66:6a:00:00:01' }),
      request,
    );
    expect(devices['eth0']).toEqual({
      type: 'nic',
      network: 'guardreh0',
      name: 'eth0',
      hwaddr: '10:66:6a:00:00:01',
      'security.port_isolation': 'true',
      'security.mac_filtering': 'true',
      'security.ipv4_filtering': 'true',
      'security.ipv6_filtering': 'true',
    });
    expect(removed).toEqual([]);
  });

  test.each([
    ['proxy', { type: 'proxy', listen: 'tcp:0.0.0.0:80', connect: 'tcp:127.0.0.1:80' }],
    ['folder of the host', { type: 'disk', path: '/srv', source: '/srv/data' }],
    ['shared volume', { type: 'disk', path: '/data', pool: 'default', source: 'shared' }],
    ['drive of cloud-init', { type: 'disk', source: 'cloud-init:config' }],
    ['gpu', { type: 'gpu' }],
    ['usb', { type: 'usb', vendorid: '0403' }],
    ['unix-char', { type: 'unix-char', source: '/dev/ttyS0' }],
    ['unix-block', { type: 'unix-block', source: '/dev/sdb' }],
    ['unix-hotplug', { type: 'unix-hotplug', vendorid: '0403' }],
    ['pci', { type: 'pci', address: '0000:01:00.0' }],
    ['tpm', { type: 'tpm', path: '/dev/tpm0' }],
    ['infiniband', { type: 'infiniband', nictype: 'physical', parent: 'ib0' }],
    ['of a later Incus', { type: 'quantum' }],
  ])('the %s is removed, and told', (_what, keys) => {
    const { devices, removed } = planCopy(original({ root, it: keys }), request);
    expect(devices['it']).toEqual({ type: 'none' });
    expect(removed.map(({ device }) => device)).toEqual(['it']);
  });

  test.each([
    [{ type: 'unix-char', source: '/dev/net/tun' }, ['/dev/net/tun']],
    [{ type: 'unix-char', source: '/dev/ttyUSB3', path: '/dev/modem' }, ['/dev/modem']],
    [{ type: 'gpu' }, ['/dev/dri', '/dev/kfd', '/dev/nvidia']],
    [{ type: 'usb', vendorid: '0403' }, ['/dev/bus/usb']],
    [{ type: 'tpm', path: '/dev/tpm1' }, ['/dev/tpm1']],
    [{ type: 'disk', path: '/srv', source: '/srv/data' }, ['/srv']],
    [{ type: 'proxy', bind: 'instance', listen: 'tcp:0.0.0.0:3306', connect: 'tcp:10.0.0.1:3306' }, ['127.0.0.1:3306']],
    [{ type: 'proxy', listen: 'tcp:0.0.0.0:80', connect: 'tcp:127.0.0.1:80' }, []],
  ])('what inside leads to a removed device is known: %j', (keys, paths) => {
    expect(planCopy(original({ root, it: keys }), request).removed).toMatchObject([{ device: 'it', paths }]);
  });

  test('a volume of its own is copied, with the folder that is mounted', () => {
    const ownVolumes = [{ device: 'data', pool: 'fast', volume: 'pg' }];
    const { devices, volumes } = planCopy(
      original({ root, data: { type: 'disk', path: '/var/lib/pg', pool: 'fast', source: 'pg/main' } }),
      { ...request, ownVolumes },
    );
    expect(volumes).toEqual([{ device: 'data', pool: 'fast', volume: 'pg', copy: `guard-${request.uuid}-0` }]);
    expect(devices['data']).toEqual({
      type: 'disk',
      path: '/var/lib/pg',
      pool: 'fast',
      source: `guard-${request.uuid}-0/main`,
    });
  });
});

describe('the configuration of a copy', () => {
  const keysOf = (config: Readonly<Record<string, string>>, inherited: Readonly<Record<string, string>> = {}) =>
    planCopy(original({ root }, config, inherited), request).config;

  test('limits and environment stay, those of profiles too', () => {
    expect(
      keysOf({ 'limits.cpu': '2', 'environment.LANG': 'C' }, { 'limits.processes': '500', 'security.nesting': 'true' }),
    ).toMatchObject({
      'limits.cpu': '2',
      'environment.LANG': 'C',
      'limits.processes': '500',
      'security.nesting': 'true',
    });
  });

  test.each([
    ['boot.autostart.priority', '5'],
    ['boot.host_shutdown_timeout', '5'],
    ['snapshots.schedule', '@daily'],
    ['cloud-init.user-data', '#cloud-config'],
    ['user.user-data', '#cloud-config'],
    ['user.network-config', 'version: 2'],
    ['user.guard.run', '{}'],
    ['user.guard.quiet', '{}'],
    ['security.protection.delete', 'true'],
    ['cluster.evacuate', 'live-migrate'],
    ['nvidia.runtime', 'true'],
    ['ubuntu_pro.guest_attach', 'on'],
  ])('%s of the original is cleared', (key, value) => {
    expect(keysOf({ [key]: value })[key]).toBe('');
    expect(keysOf({}, { [key]: value })[key]).toBeUndefined();
  });

  test('a copy never starts by itself, and carries its run and the chosen uuid', () => {
    expect(keysOf({ 'boot.autostart': 'true' })).toMatchObject({
      'boot.autostart': 'false',
      'volatile.uuid': request.uuid,
      [copyKey]: request.run,
    });
  });

  test('nothing volatile is carried over but the id by which cloud-init knows its instance', () => {
    const keys = keysOf({ 'volatile.cloud-init.instance-id': 'a', 'volatile.idmap.base': '0', 'volatile.uuid': 'b' });
    expect(Object.keys(keys).filter((key) => key.startsWith('volatile.'))).toEqual([
      'volatile.cloud-init.instance-id',
      'volatile.uuid',
    ]);
    expect(keys['volatile.uuid']).toBe(request.uuid);
  });

  test('memory is limited to what was granted', () => {
    const { config } = planCopy(original({ root }, { 'limits.memory': '8GiB' }), {
      ...request,
      memoryBytes: 1_000_000,
    });
    expect(config['limits.memory']).toBe('1000000B');
  });
});

describe('the raw LXC configuration of a copy', () => {
  const planned = (raw: string) => planCopy(original({ root }, { 'raw.lxc': raw }), request);

  test.each([
    'lxc.apparmor.profile = unconfined',
    'lxc.apparmor.raw=mount,',
    'lxc.cap.drop =',
    'lxc.prlimit.nofile = 65536',
    'lxc.sysctl.net.core.somaxconn = 1024',
    'lxc.cgroup2.cpu.weight = 50',
    'lxc.cgroup2.devices.deny = a',
    'lxc.seccomp.profile = /usr/share/lxc/config/common.seccomp',
    'lxc.init.cmd = /sbin/init --debug',
    'lxc.environment = LANG=C',
    'lxc.signal.halt = SIGRTMIN+4',
    'lxc.idmap = u 0 100000 65536',
  ])('%s stays', (line) => {
    const { config, removedSettings } = planned(line);
    expect(config['raw.lxc']).toBe(line);
    expect(removedSettings).toEqual([]);
  });

  test.each([
    'lxc.mount.entry = /srv/data srv/data none bind 0 0',
    'lxc.mount.fstab = /etc/fstab.c1',
    'lxc.mount.auto = proc:rw sys:rw',
    'lxc.mount = /etc/fstab.c1',
    'lxc.hook.pre-start = /usr/local/bin/announce',
    'lxc.net.1.type = phys',
    'lxc.include = /etc/lxc/more.conf',
    'lxc.rootfs.path = dir:/srv/other',
    'lxc.rootfs.mount = /srv',
    'lxc.autodev = 0',
    'lxc.cgroup.devices.allow = a',
    'lxc.cgroup2.devices.allow = c 10:200 rwm',
    'lxc.cgroup.dir = lxc.payload.c1',
    'lxc.cgroup2.memory.max = 64G',
    'lxc.namespace.share.net = c2',
    'lxc.seccomp.notify.proxy = unix:/run/proxy',
    'lxc.console.logfile = /var/log/c1',
    'lxc.log.file = /var/log/c1',
    'lxc.start.auto = 1',
    'lxc.quantum = 1',
    'LXC.CAP.DROP = sys_admin',
    'lxc.capx = 1',
    'lxc.environmental = 1',
    'mount',
  ])('%s is removed, and told', (line) => {
    const { config, removedSettings } = planned(`  ${line}\nlxc.cap.drop = sys_admin\r\n# comment\n`);
    expect(config['raw.lxc']).toBe('lxc.cap.drop = sys_admin');
    expect(removedSettings.map(({ setting }) => setting)).toEqual([`raw.lxc: ${line.split('=')[0]?.trim()}`]);
  });

  test('is cleared where nothing of it stays, and is not set for what a profile alone has', () => {
    const raw = 'lxc.mount.entry = /srv/data /srv/data none bind 0 0';
    expect(planned(raw).config['raw.lxc']).toBe('');
    const ofProfile = planCopy(original({ root }, {}, { 'raw.lxc': raw }), request);
    expect(ofProfile.config['raw.lxc']).toBeUndefined();
    expect(ofProfile.removedSettings).toHaveLength(1);
  });

  test('tells a line without its control characters', () => {
    expect(planned('lxc.\x1b[2J = 1').removedSettings[0]?.setting).toBe('raw.lxc: lxc.\\x1b[2J');
  });

  test('tells each mount with its path inside', () => {
    const raw = ['srv/data', '/srv/mail', 'srv/data'].map((at) => `lxc.mount.entry=/x ${at} none bind 0 0`).join('\n');
    expect(planned(raw).removedSettings.map(({ path }) => path)).toEqual(['/srv/data', '/srv/mail']);
  });

  test.each(['raw.idmap', 'raw.apparmor', 'raw.seccomp', 'linux.kernel_modules', 'security.privileged'])(
    '%s acts inside only, and stays',
    (key) => expect(planCopy(original({ root }, { [key]: 'x' }), request).config[key]).toBe('x'),
  );
});

test.each([
  [
    'a dependent volume',
    { type: 'disk', path: '/data', pool: 'fast', source: 'data', dependent: 'true' },
    /is a part of the instance/,
  ],
  ['a disk in memory', { type: 'disk', path: '/cache', source: 'tmpfs:' }, /a disk in memory/],
])('%s is missing for its own reason', (_what, device, because) => {
  expect(planCopy(original({ root, extra: device }), request).removed).toMatchObject([
    { device: 'extra', because: expect.stringMatching(because) as string },
  ]);
});
