import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Facts } from '../../src/health/facts.ts';
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
