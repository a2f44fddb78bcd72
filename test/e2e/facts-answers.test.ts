import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { execa } from 'execa';
import { systemClock } from '../../src/clock.ts';
import type { Facts } from '../../src/health/facts.ts';
import { gatherFacts } from '../../src/health/gather.ts';
import { openProber } from '../../src/health/prober.ts';
import { booted, inside, look, lookUntil, required, saidTo } from './instance-facts.ts';
import { launch, openTestIncus, remove } from './incus-subject.ts';

const { platform, close } = openTestIncus();
const instance = 'facts-answers';

afterAll(async () => {
  await remove(instance);
  close();
});

describe('a server that listens and answers nothing but errors (F36)', () => {
  let before: Facts;

  beforeAll(async () => {
    await launch(instance);
    await lookUntil(platform, instance, booted);
    await inside(
      instance,
      `export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -qq --no-install-recommends nginx-light bind9 >/dev/null
cat >/etc/bind/db.example.test <<'ZONE'
$TTL 60
@ IN SOA ns.example.test. admin.example.test. 1 60 60 60 60
@ IN NS ns.example.test.
ns IN A 192.0.2.1
ZONE
echo 'zone "example.test" { type primary; file "/etc/bind/db.example.test"; };' >>/etc/bind/named.conf.local
mkdir -p /srv/shop
echo open >/srv/shop/index.html
echo 'server { listen 80; server_name shop.example.test; root /srv/shop; }' >/etc/nginx/conf.d/shop.conf
systemctl restart named nginx`,
    );
    before = await lookUntil(
      platform,
      instance,
      (facts) =>
        saidTo(facts, '/') === '200' &&
        saidTo(facts, '//shop.example.test/') === '200' &&
        saidTo(facts, 'example.test') === 'NOERROR',
    );
  }, 300_000);

  test('is asked for its first page, and for its zones', () => {
    expect(saidTo(before, '/')).toBe('200');
    expect(saidTo(before, 'example.test')).toBe('NOERROR');
  });

  test('a web server whose pages are gone', async () => {
    await inside(instance, 'mv /var/www/html /var/www/away');
    const after = await look(platform, instance);
    expect(required(before, after)).toEqual([
      expect.stringMatching(/^nginx(\.service)? answered http at tcp\/80 with 200, now with 40[34]$/),
    ]);
    await inside(instance, 'mv /var/www/away /var/www/html');
    expect(required(before, await look(platform, instance))).toEqual([]);
  });

  test('a site by its name whose pages are gone, while the others are well', async () => {
    await inside(instance, 'mv /srv/shop /srv/away');
    expect(required(before, await look(platform, instance))).toEqual([
      expect.stringMatching(
        /^nginx(\.service)? answered http at tcp\/80 for \/\/shop\.example\.test\/ with 200, now with 40[34]$/,
      ),
    ]);
    await inside(instance, 'mv /srv/away /srv/shop');
    expect(required(before, await look(platform, instance))).toEqual([]);
  });

  test('a page beyond the first that clients requested, and that is gone', async () => {
    await inside(
      instance,
      `mkdir -p /var/www/html/api
echo well >/var/www/html/api/health
for i in 1 2; do printf 'GET /api/health HTTP/1.0\\r\\n\\r\\n' | bash -c 'exec 3<>/dev/tcp/127.0.0.1/80; cat >&3; cat <&3'; done`,
    );
    const used = await lookUntil(platform, instance, (facts) => saidTo(facts, '/api/health') === '200');
    await inside(instance, 'rm /var/www/html/api/health');
    const after = await gatherFacts({
      platform,
      instance,
      clock: systemClock,
      limitMs: 20_000,
      known: { facts: used, at: Date.now() },
    });
    expect(after.ok && required(used, after.value)).toEqual([
      expect.stringMatching(/^nginx(\.service)? answered http at tcp\/80 for \/api\/health with 200, now with 404$/),
    ]);
  });

  test('is not asked anything where the user does not want that', async () => {
    const requests = async (): Promise<string> =>
      (await execa('incus', ['exec', instance, '-T', '--', 'grep', '-c', 'guard', '/var/log/nginx/access.log'])).stdout;
    const context = { platform, instance, clock: systemClock };
    await openProber(context, { automatic: true }).look();
    const asked = await requests();
    const { facts } = await openProber(context, { automatic: true, askServers: false }).look();
    expect(facts?.sockets).not.toEqual([]);
    expect(facts?.answers).toBeNull();
    expect(Number(asked)).toBeGreaterThan(0);
    expect(await requests()).toBe(asked);
  });

  test('a name server that runs, and cannot load its zone', async () => {
    await inside(instance, 'echo broken >/etc/bind/db.example.test; systemctl restart named');
    const after = await lookUntil(platform, instance, (facts) => saidTo(facts, 'example.test') === 'SERVFAIL');
    expect(after.units?.['named.service']).toMatchObject({ active: 'active', sub: 'running' });
    expect(required(before, after)).toContainEqual(
      expect.stringMatching(/^named(\.service)? answered for the zone example\.test, now with SERVFAIL$/),
    );
    expect(required(before, after)).toContainEqual(expect.stringContaining('the configuration of named was valid'));
  });

  test('a name server that no configuration tells of the zone any more', async () => {
    await inside(instance, ': >/etc/bind/named.conf.local; systemctl restart named');
    const after = await lookUntil(platform, instance, (facts) => facts.units?.['named.service']?.sub === 'running');
    expect(required(before, after)).toEqual([
      expect.stringMatching(/answered for the zone example\.test, now no configuration names it$/),
    ]);
  });
});
