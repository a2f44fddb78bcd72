import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { changesBetween } from '../../src/health/changes.ts';
import { compareFacts, detectRestarts, type FactFinding } from '../../src/health/compare.ts';
import type { Facts } from '../../src/health/facts.ts';
import { gatherFacts } from '../../src/health/gather.ts';
import { booted, inside, look, lookUntil } from './instance-facts.ts';
import { incusCommand, launch, openTestIncus, remove } from './incus-subject.ts';

const { platform, close } = openTestIncus();
afterAll(close);

const deciding = (findings: readonly FactFinding[]): string[] =>
  findings.filter(({ severity }) => severity === 'required').map(({ message }) => message);

describe('a Debian container with systemd', () => {
  const name = 'facts-systemd';
  let before: Facts;

  beforeAll(async () => {
    await launch(name);
    await lookUntil(platform, name, booted);
    await inside(
      name,
      `cat >/etc/systemd/system/worker.service <<'UNIT'
[Service]
ExecStart=/bin/sleep infinity
Restart=always
RestartSec=300ms
StartLimitIntervalSec=0
[Install]
WantedBy=multi-user.target
UNIT
cat >/etc/systemd/system/door.socket <<'UNIT'
[Socket]
ListenStream=0.0.0.0:7001
ListenStream=/run/door.sock
[Install]
WantedBy=sockets.target
UNIT
printf '[Service]\\nExecStart=/bin/sleep infinity\\n' >/etc/systemd/system/door.service
systemctl daemon-reload
systemctl enable --now worker.service door.socket`,
    );
    before = await look(platform, name);
  });
  afterAll(() => remove(name));

  test('everything can be read, and two looks are alike', async () => {
    for (const section of [
      'init',
      'units',
      'sockets',
      'unixSockets',
      'network',
      'packages',
      'disk',
      'processes',
      'configuration',
    ] as const)
      expect([section, before[section]]).not.toEqual([section, null]);
    expect(before.units?.['worker.service']).toMatchObject({
      active: 'active',
      sub: 'running',
      type: 'simple',
      fileState: 'enabled',
    });
    expect(before.sockets).toContainEqual(expect.objectContaining({ protocol: 'tcp', address: '0.0.0.0', port: 7001 }));
    expect(before.unixSockets?.map(({ path }) => path)).toContain('/run/door.sock');
    expect(before.packages?.installed).toHaveProperty('apt');
    const again = await look(platform, name);
    expect(compareFacts(before, again)).toEqual([]);
    expect(detectRestarts(before, before, again)).toEqual([]);
    expect(changesBetween(before, again)).toEqual({
      packages: [],
      units: { appeared: [], gone: [] },
      sockets: { appeared: [], gone: [] },
    });
  });

  test('the processes of a look, and of any other exec, are not in it', () => {
    expect(before.processes?.map((process) => process.name)).toContain('sleep');
    for (const own of ['sh', 'grep', 'ls', 'find', 'systemctl'])
      expect(before.processes?.map((process) => process.name)).not.toContain(own);
  });

  test('F31: a restart loop, in the words of the report', async () => {
    await inside(
      name,
      `sed -i 's|^ExecStart=.*|ExecStart=/bin/sh -c "exit 3"|' /etc/systemd/system/worker.service
systemctl daemon-reload
systemctl restart worker.service`,
    );
    const after = await lookUntil(
      platform,
      name,
      (facts) =>
        facts.units?.['worker.service']?.sub === 'auto-restart' && (facts.units['worker.service'].restarts ?? 0) > 1,
    );
    const [finding] = compareFacts(before, after);
    expect(finding).toMatchObject({ subject: 'unit:worker.service', severity: 'required' });
    expect(finding?.message).toMatch(/^worker\.service was running, is now restarting: exit status 3, \d+ restarts$/);
  });

  test('a loop that is up whenever somebody looks is found between two looks', async () => {
    await inside(
      name,
      `sed -i 's|^ExecStart=.*|ExecStart=/bin/sh -c "sleep 1; exit 3"|' /etc/systemd/system/worker.service
systemctl daemon-reload
systemctl restart worker.service`,
    );
    const up = (facts: Facts): boolean => facts.units?.['worker.service']?.sub === 'running';
    const first = await lookUntil(platform, name, up);
    const second = await lookUntil(
      platform,
      name,
      (facts) =>
        up(facts) &&
        (facts.units?.['worker.service']?.restarts ?? 0) > (first.units?.['worker.service']?.restarts ?? 0),
    );
    expect(deciding(compareFacts(before, first))).toEqual([]);
    expect(deciding(detectRestarts(before, first, second))[0]).toMatch(
      /^worker\.service restarted by itself (once|\d+ times) while guard watched/,
    );
    await inside(
      name,
      `sed -i 's|^ExecStart=.*|ExecStart=/bin/sleep infinity|' /etc/systemd/system/worker.service
systemctl daemon-reload
systemctl restart worker.service`,
    );
  });

  test('a socket narrowed to loopback, and a unix socket that is gone', async () => {
    await inside(
      name,
      `sed -i 's|0\\.0\\.0\\.0:7001|127.0.0.1:7001|; /door.sock/d' /etc/systemd/system/door.socket
systemctl daemon-reload
systemctl restart door.socket`,
    );
    const message = deciding(compareFacts(before, await look(platform, name)));
    expect(message).toContainEqual(
      expect.stringContaining('listens on port 7001 tcp only at 127.0.0.1 now, before at every address'),
    );
    expect(message).toContainEqual(expect.stringContaining('socket /run/door.sock is gone'));
  });

  test('a unit that is gone with its file, of the administrator', async () => {
    await inside(
      name,
      `systemctl disable --now worker.service
rm /etc/systemd/system/worker.service
systemctl daemon-reload`,
    );
    expect(deciding(compareFacts(before, await look(platform, name)))).toContain('worker.service was running, is gone');
  });

  test('lost addresses', async () => {
    await inside(name, 'ip addr flush dev eth0');
    expect(deciding(compareFacts(before, await look(platform, name)))).toContainEqual(
      expect.stringMatching(/^eth0 lost its IPv4 address /),
    );
  });
});

describe('a container with BusyBox init and no package manager', () => {
  const name = 'facts-busybox';
  beforeAll(async () => {
    await execa('sh', [join(import.meta.dirname, 'busybox-image.sh')]);
    await remove(name);
    await incusCommand('launch', 'guard-busybox', name);
  });
  afterAll(() => remove(name));

  test('the same facts, and a web server that init starts in vain', async () => {
    const before = await lookUntil(
      platform,
      name,
      (facts) => facts.sockets?.some(({ port }) => port === 8080) ?? false,
    );
    expect(before).toMatchObject({
      manager: { kind: 'none' },
      units: null,
      packages: { manager: 'none', installed: {}, broken: {}, interrupted: false },
      init: { name: 'init' },
      disk: { writable: true },
      reboot: { required: false, packages: [] },
      network: { defaultRoutes: [], nameservers: [] },
      configuration: { signatures: { '/etc/web': expect.any(String) } },
    });
    expect(before.disk?.availableBytes).toBeGreaterThan(0);
    expect(before.unixSockets).not.toBeNull();
    expect(before.processes?.map((process) => process.name)).toEqual(
      expect.arrayContaining(['httpd', 'crond', 'syslogd']),
    );
    expect(before.sockets).toMatchObject([{ protocol: 'tcp', port: 8080, owner: { process: 'httpd' } }]);
    expect(compareFacts(before, await look(platform, name))).toEqual([]);
    await inside(
      name,
      `printf '#!/bin/sh\\nexit 1\\n' >/etc/web
killall httpd`,
    );
    const after = await lookUntil(platform, name, (facts) => facts.sockets?.length === 0);
    expect(deciding(compareFacts(before, after))).toEqual([
      'httpd does not listen on port 8080 tcp any more',
      'process httpd was running, is gone',
    ]);
  });
});

describe('a Debian container with OpenRC', () => {
  const name = 'facts-openrc';
  beforeAll(async () => {
    await launch(name);
    await lookUntil(platform, name, booted);
    await inside(
      name,
      `export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -y -qq --no-install-recommends --allow-remove-essential openrc sysvinit-core initscripts cron systemd-sysv- >/dev/null 2>&1
cat >/etc/init.d/worker <<'SERVICE'
#!/sbin/openrc-run
command=/usr/local/bin/worker-main
command_args=infinity
command_background=true
pidfile=/run/worker.pid
SERVICE
cp /bin/sleep /usr/local/bin/worker-main
chmod +x /etc/init.d/worker
rc-update add worker default >/dev/null`,
    );
    await incusCommand('restart', '--force', name);
  }, 300_000);
  afterAll(() => remove(name));

  test('a service that is stopped, one whose process died, and an init script of old', async () => {
    const before = await lookUntil(
      platform,
      name,
      (facts) =>
        facts.units?.['worker']?.active === 'active' &&
        ['worker-main', 'cron'].every((wanted) =>
          facts.processes?.some((process) => process.name === wanted && process.ageMs > 1000),
        ),
    );
    expect(before).toMatchObject({
      manager: { kind: 'openrc', runlevel: 'default' },
      init: { name: 'init' },
      units: { cron: { active: 'active' }, worker: { active: 'active', sub: 'started' } },
      packages: { manager: 'dpkg', installed: { openrc: expect.any(String) }, broken: {}, interrupted: false },
      disk: { writable: true },
      reboot: { required: false },
      network: { addresses: [{ family: 4, interface: 'eth0' }], defaultRoutes: [{ family: 4, interface: 'eth0' }] },
      configuration: { signatures: { '/etc/init.d/worker': expect.any(String) } },
    });
    expect(before.sockets).not.toBeNull();
    expect(before.unixSockets).not.toBeNull();
    expect(compareFacts(before, await look(platform, name))).toEqual([]);
    // Debian's start-stop-daemon does not tell OpenRC of its daemons: that one crashed shows in the processes alone.
    await inside(name, 'kill -9 "$(cat /run/worker.pid)"');
    const gone = (process: string) => (facts: Facts) => !facts.processes?.some((one) => one.name === process);
    const died = await lookUntil(platform, name, gone('worker-main'));
    expect(deciding(compareFacts(before, died))).toEqual(['process worker-main was running, is gone']);
    await inside(name, 'rc-service worker zap >/dev/null; rc-service cron stop >/dev/null');
    const stopped = await lookUntil(platform, name, gone('cron'));
    expect(deciding(compareFacts(before, stopped))).toEqual(
      expect.arrayContaining(['worker was running, is now stopped', 'process cron was running, is gone']),
    );
  });
});

test('an instance without a shell is an answer, not an exception', async () => {
  const facts = await gatherFacts({ platform, instance: 'facts-no-such-instance', clock: systemClock, limitMs: 5000 });
  expect(facts).toMatchObject({ ok: false, error: { kind: 'not-found' } });
});
