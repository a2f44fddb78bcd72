import { createSocket } from 'node:dgram';
import dnsPacket from 'dns-packet';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { guardUnderTest, snapshotNames, type GuardUnderTest } from './guard.ts';
import { incusCommand, launch, remove } from './incus-subject.ts';
import { addressOf, answers, askRepeatedly, copies, inside } from './rehearsal-subject.ts';

// Real upgrades from one Debian release to the next, with clients that ask a hundred times a second.

const instance = 'gr-upgrades';
let guard: GuardUnderTest;
let address: string;

/** PowerDNS with a setting that the next release refuses, and a program in an environment that was made for its Python. */
const prepare = `
export DEBIAN_FRONTEND=noninteractive
apt-get -q update && apt-get -q -y --no-install-recommends install pdns-server pdns-backend-bind python3-venv
mkdir -p /etc/powerdns/zones
cat >/etc/powerdns/zones/example.test <<'END'
$TTL 300
@ SOA ns.example.test. admin.example.test. 1 3600 600 86400 300
@ NS ns.example.test.
@ A 192.0.2.7
ns A 192.0.2.1
END
echo 'zone "example.test" { type master; file "/etc/powerdns/zones/example.test"; };' >/etc/powerdns/named.conf
rm -f /etc/powerdns/pdns.d/bind.conf /etc/powerdns/bindbackend.conf
printf 'launch=bind\\nbind-config=/etc/powerdns/named.conf\\nmaster=yes\\n' >/etc/powerdns/pdns.d/zones.conf
python3 -m venv /srv/shop
mkdir /srv/shop/lib/python3.11/site-packages/shop && touch /srv/shop/lib/python3.11/site-packages/shop/__init__.py
echo 'import shop, http.server; http.server.test(http.server.SimpleHTTPRequestHandler, port=8080)' >/srv/shop/serve.py
cat >/etc/systemd/system/shop.service <<'END'
[Service]
ExecStart=/srv/shop/bin/python /srv/shop/serve.py
WorkingDirectory=/srv/shop/include
StandardError=null
[Install]
WantedBy=multi-user.target
END
systemctl enable --now shop
systemctl restart pdns`;

const nextRelease = `set -e; sed -i 's/bookworm/trixie/g' $(grep -rl bookworm /etc/apt/sources.list.d); apt-get -q update`;
const install = 'apt-get -q -y -o Dpkg::Options::=--force-confold';

beforeAll(async () => {
  guard = await guardUnderTest();
  await launch(instance);
  address = await addressOf(instance);
  await inside(instance, 'until systemctl is-system-running | grep -qE "running|degraded"; do sleep 0.2; done');
  await inside(instance, prepare);
}, 1_200_000);

afterAll(async () => {
  await remove(instance);
  await remove(instance, 'guard-rehearsal');
  await guard.remove();
});

const resolvesName = (): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = createSocket('udp4');
    const over = (isAnswered: boolean): void => {
      clearTimeout(limit);
      socket.close();
      resolve(isAnswered);
    };
    const limit = setTimeout(() => over(false), 5000);
    socket.on('error', () => over(false));
    socket.on('message', (reply) => {
      const { answers = [] } = dnsPacket.decode(reply);
      over(answers.some((answer) => answer.type === 'A' && answer.data === '192.0.2.7'));
    });
    const question = { type: 'A', name: 'example.test' } as const;
    socket.send(dnsPacket.encode({ type: 'query', id: 7, questions: [question] }), 53, address);
  });

/** What a change would leave: packages, files of the configuration, snapshots, keys of guard, the boot. */
const traces = async (): Promise<string> => {
  const { config } = JSON.parse(await incusCommand('query', `/1.0/instances/${instance}`)) as { config: object };
  const files = `dpkg-query -W; cat /etc/apt/sources.list.d/* /proc/sys/kernel/random/boot_id; find /etc /root /var/lib/dpkg -newer /root/before -type f; ls /tmp`;
  return JSON.stringify([config, await snapshotNames(instance), await inside(instance, files)]);
};

/** Runs guard while a client asks; neither the client nor the instance may notice. */
const breaksOnlyTheCopy = async (asks: () => Promise<boolean>, packages: string) => {
  await inside(instance, 'touch /root/before');
  expect(await asks()).toBe(true);
  const before = await traces();
  const client = askRepeatedly(asks);
  const command = `${nextRelease}; ${install} install ${packages}`;
  const ended = await guard.run(['--rehearse', '--soak', '5s', instance, '--', 'sh', '-c', command]);
  const seen = await client.stop();
  expect(ended).toMatchObject({ status: 33 });
  expect(seen.asked).toBeGreaterThan(500);
  expect(seen.failed).toBe(0);
  expect(await traces()).toBe(before);
  expect(await copies()).toEqual([]);
  return ended;
};

test('PowerDNS, a setting of which the next release refuses: 33, no failed query, no trace', async () => {
  const ended = await breaksOnlyTheCopy(resolvesName, 'pdns-server pdns-backend-bind');
  expect(ended.stderr).toContain('pdns.service');
}, 1_800_000);

test('a program that the next Python breaks at the next boot only: 33, no failed request, no trace', async () => {
  const ended = await breaksOnlyTheCopy(() => answers(address), 'python3');
  expect(ended.stderr).toContain('was healthy after the change, and not after a restart');
  expect(ended.stderr).toContain('shop.service');
}, 1_800_000);

test('the whole release passes its rehearsal and then the run, once the instance is ready for it', async () => {
  const ready = `sed -i 's/^master=/primary=/' /etc/powerdns/pdns.d/zones.conf; systemctl restart pdns`;
  await inside(instance, `${ready}; systemctl disable --now shop; rm -r /srv/shop /etc/systemd/system/shop.service`);
  const command = `export DEBIAN_FRONTEND=noninteractive; ${nextRelease}; ${install} full-upgrade`;
  const ended = await guard.run(['--rehearse', '--restart', instance, '--', 'sh', '-c', command]);
  expect(ended).toMatchObject({ status: 0 });
  expect(ended.stderr).toMatch(/rehearsal passed[^]*kept:/);
  expect(await inside(instance, '. /etc/os-release; echo $VERSION_CODENAME')).toBe('trixie');
  expect(await resolvesName()).toBe(true);
  expect(await copies()).toEqual([]);
}, 3_600_000);
