import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Facts } from '../../src/health/facts.ts';
import { booted, inside, lookUntil, required, saidTo } from './instance-facts.ts';
import { launch, openTestIncus, remove } from './incus-subject.ts';

const { platform, close } = openTestIncus();
const instance = 'facts-callers';

afterAll(async () => {
  await remove(instance);
  close();
});

/** All but `broken` goes on as before. */
const running = { ftp: '220', smtp: '220', postmaster: '250', 'office.test': 'NOERROR', 'http://127.0.0.1/': '500' };

describe('servers that go on listening, and do nothing for their callers any more (F36)', () => {
  let before: Facts;

  beforeAll(async () => {
    await launch(instance);
    await lookUntil(platform, instance, booted);
    await inside(
      instance,
      `export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -qq --no-install-recommends vsftpd postfix dnsmasq tinyproxy >/dev/null
echo 'address=/office.test/192.0.2.7' >/etc/dnsmasq.d/office.conf
sed -i 's/^Allow .*//' /etc/tinyproxy/tinyproxy.conf
echo 'office@example.test root' >/etc/postfix/virtual
postmap /etc/postfix/virtual
postconf -e virtual_alias_maps=hash:/etc/postfix/virtual
postfix reload
systemctl restart dnsmasq tinyproxy`,
    );
    before = await lookUntil(platform, instance, (facts) =>
      Object.entries(running).every(([question, said]) => saidTo(facts, question) === said),
    );
  }, 300_000);

  test('are called, each in its own tongue', () => {
    expect(Object.fromEntries((before.answers ?? []).map(({ question, said }) => [question, said]))).toMatchObject(
      running,
    );
    expect(required(before, before)).toEqual([]);
  });

  test('a mail server that greets, and has lost a table of recipients', async () => {
    await inside(instance, 'mv /etc/postfix/virtual.db /root/; postfix reload');
    const after = await lookUntil(platform, instance, (facts) => saidTo(facts, 'postmaster') === '451');
    expect(saidTo(after, 'smtp')).toBe('220');
    expect(required(before, after)).toEqual([
      expect.stringMatching(
        / at tcp\/25 would have accepted a message for its postmaster \("250"\), now it says "451"$/,
      ),
    ]);
    await inside(instance, 'mv /root/virtual.db /etc/postfix/; postfix reload');
    expect(
      required(before, await lookUntil(platform, instance, (facts) => saidTo(facts, 'postmaster') === '250')),
    ).toEqual([]);
  });

  test('a file server that hangs up with an error', async () => {
    await inside(instance, "echo 'secure_chroot_dir=/nowhere' >>/etc/vsftpd.conf; systemctl restart vsftpd");
    const after = await lookUntil(platform, instance, (facts) => saidTo(facts, 'ftp') === '500');
    expect(after.units?.['vsftpd.service']).toMatchObject({ active: 'active', sub: 'running' });
    expect(required(before, after)).toEqual([
      expect.stringMatching(/^vsftpd(\.service)? greeted clients at tcp\/21 with "220", now with "500"$/),
    ]);
    await inside(instance, "sed -i '/secure_chroot_dir=.nowhere/d' /etc/vsftpd.conf; systemctl restart vsftpd");
    await lookUntil(platform, instance, (facts) => saidTo(facts, 'ftp') === '220');
  });

  test('a resolver without the names of its office', async () => {
    await inside(instance, 'mv /etc/dnsmasq.d/office.conf /root/; systemctl restart dnsmasq');
    const after = await lookUntil(platform, instance, (facts) => facts.units?.['dnsmasq.service']?.sub === 'running');
    expect(required(before, after)).toEqual([
      expect.stringMatching(/^dnsmasq(\.service)? answered for office\.test, now no configuration names it$/),
    ]);
    await inside(instance, 'mv /root/office.conf /etc/dnsmasq.d/; systemctl restart dnsmasq');
    await lookUntil(platform, instance, (facts) => saidTo(facts, 'office.test') === 'NOERROR');
  });

  test('a proxy that lets nobody in', async () => {
    await inside(instance, "echo 'Allow 192.0.2.1' >>/etc/tinyproxy/tinyproxy.conf; systemctl restart tinyproxy");
    const after = await lookUntil(platform, instance, (facts) => saidTo(facts, 'http://127.0.0.1/') === '403');
    expect(required(before, after)).toEqual([
      expect.stringMatching(/^tinyproxy(\.service)? at tcp\/8888 answered a request for .+ with \d+, now with 403$/),
      expect.stringMatching(/^tinyproxy(\.service)? at tcp\/8888 answered a request for .+ with \d+, now with 403$/),
    ]);
  });
});
