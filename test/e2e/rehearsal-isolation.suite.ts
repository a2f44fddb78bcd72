import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { guardUnderTest, type GuardUnderTest } from './guard.ts';
import { incusCommand, launch, remove } from './incus-subject.ts';
import {
  addressOf,
  copies,
  inside,
  launchApp,
  listenOnHost,
  onServerNetwork,
  write,
  type Listeners,
} from './rehearsal-subject.ts';

export function isolationTests(): void {
  // Promise 6: nothing that a copy sends reaches anybody, also while it boots. Each listener is reached by the instance itself
  // first, so that a listener that cannot be reached at all proves nothing.

  const instance = 'gr-isolated';
  const neighbour = 'gr-neighbour';
  /** An address of the host that is on no bridge. */
  const outside = '198.51.100.77';
  const tcpPorts = { mail: 25, web: 80, https: 443, database: 5432, metrics: 9091, 'dns over tcp': 53 } as const;
  const udpPorts = { 'dynamic dns': 53, 'metrics by udp': 8125, syslog: 514 } as const;

  let guard: GuardUnderTest;
  let host: Listeners;
  let targets: string[];

  /** Sends something to everybody, and a dynamic update to the name servers that there are. Prints who could be connected to. */
  const beacon = `
use IO::Socket::INET;
open(my $list, '<', '/etc/beacon.conf') or die;
while (<$list>) {
  my ($proto, $host, $port, $what) = split;
  my $socket = IO::Socket::INET->new(PeerAddr => $host, PeerPort => $port, Proto => $proto, Timeout => 2) or next;
  # An UPDATE for the zone example.org: opcode 5.
  my $update = "\\x12\\x34\\x28\\x00\\x00\\x01\\x00\\x00\\x00\\x00\\x00\\x00\\x07example\\x03org\\x00\\x00\\x06\\x00\\x01";
  print $socket ($proto eq 'udp' ? $update : "EHLO copy\\r\\n");
  $socket->flush;
  print "$proto $host $port\\n" if $proto eq 'tcp';
}
`;

  /** Sends a datagram to each address that it is given, of whatever kind. */
  const cast = `
use IO::Socket::IP; use Socket;
for my $to (@ARGV) {
  my $socket = IO::Socket::IP->new(PeerHost => $to, PeerService => 9125, Type => SOCK_DGRAM, Broadcast => 1) or next;
  print "sent\\n" if defined $socket->send("x");
}
`;

  /** Writes down each connection to one of its ports. */
  const recorder = `
use IO::Socket::INET; use IO::Select;
my $all = IO::Select->new;
$all->add(IO::Socket::INET->new(LocalPort => $_, Listen => 50, ReuseAddr => 1) or die "$_: $!") for (25, 80, 443, 5432);
while (my @ready = $all->can_read) {
  for my $server (@ready) { my $client = $server->accept; open(my $log, '>>', '/root/came'); print $log $server->sockport, "\\n"; close $log; close $client; }
}
`;

  beforeAll(async () => {
    guard = await guardUnderTest();
    await launchApp(instance);
    await launch(neighbour);
    await inside(neighbour, 'until systemctl is-system-running | grep -qE "running|degraded"; do sleep 0.2; done');
    await write(neighbour, '/usr/local/bin/recorder.pl', recorder);
    await inside(neighbour, 'systemd-run --unit recorder perl /usr/local/bin/recorder.pl');
    const neighbourAddress = await addressOf(neighbour);
    await execa(...onServerNetwork('ip', 'address', 'replace', `${outside}/32`, 'dev', 'lo'));
    host = await listenOnHost(outside, tcpPorts, udpPorts);
    targets = [
      ...Object.values(tcpPorts).map((port) => `tcp ${outside} ${port}`),
      ...Object.values(udpPorts).map((port) => `udp ${outside} ${port}`),
      ...[25, 80, 443, 5432].map((port) => `tcp ${neighbourAddress} ${port}`),
    ];
    await write(instance, '/usr/local/bin/beacon.pl', beacon);
    await write(instance, '/etc/beacon.conf', `${targets.join('\n')}\n`);
  });

  afterAll(async () => {
    await host?.close();
    await execa(...onServerNetwork('ip', 'address', 'del', `${outside}/32`, 'dev', 'lo'), { reject: false });
    await remove(instance);
    await remove(neighbour);
    await remove(instance, 'guard-rehearsal');
    await guard.remove();
  });

  const cameToNeighbour = async (): Promise<string[]> =>
    (await inside(neighbour, 'cat /root/came 2>/dev/null; :')).split('\n').filter((line) => line !== '');

  test('the instance itself reaches every listener', async () => {
    const reached = (await inside(instance, 'perl /usr/local/bin/beacon.pl')).split('\n');
    expect(reached.toSorted()).toEqual(targets.filter((target) => target.startsWith('tcp')).toSorted());
    await expect.poll(() => new Set(host.came).size).toBe(9);
    await expect.poll(async () => (await cameToNeighbour()).toSorted()).toEqual(['25', '443', '5432', '80']);
  });

  describe('a copy', () => {
    const quickly = ['--soak', '0s', '--verify-timeout', '20s'];

    test('reaches nobody, by its command, at its boot, and at its second boot', async () => {
      host.came.length = 0;
      await inside(neighbour, 'rm -f /root/came');
      // From the first moment of each boot on, again and again, whatever the network is like.
      await write(
        instance,
        '/etc/systemd/system/beacon.service',
        '[Unit]\nDefaultDependencies=no\n[Service]\nExecStart=/bin/sh -c "while :; do perl /usr/local/bin/beacon.pl >>/root/reached; sleep 0.2; done"\n[Install]\nWantedBy=sysinit.target\n',
      );
      await inside(instance, 'systemctl daemon-reload && systemctl enable beacon.service && rm -f /root/reached');
      const command =
        'systemctl is-active beacon.service && perl /usr/local/bin/beacon.pl; echo reached: $(cat /root/reached); ip -6 address show scope global; ip route show default';
      const ended = await guard.run(['rehearse', ...quickly, instance, '--', 'sh', '-c', command]);
      expect(ended).toMatchObject({ status: 0 });
      // The beacon was at work, it has reached nobody, and there is no way by which it could.
      expect(ended.stdout).toBe('active\nreached:\n');
      expect(host.came).toEqual([]);
      expect(await cameToNeighbour()).toEqual([]);
    });

    test('reaches the host by no address of its own network, and no other copy', async () => {
      const gateway = 'gateway=$(sed -n "s/^nameserver //p" /etc/resolv.conf | head -1)';
      const ports = [22, 25, 80, 443, 5432, 8443, 9090].join(' ');
      const command = `${gateway}; for port in ${ports}; do timeout 3 bash -c "exec 3<>/dev/tcp/$gateway/$port" 2>/dev/null && echo "reached $port"; done; echo asked $gateway`;
      const listeners = await (async () => {
        // On every address of the host, the bridge's own as well.
        return listenOnHost('0.0.0.0', { 'any address': 9090 }, {});
      })();
      try {
        const ended = await guard.run(['rehearse', ...quickly, instance, '--', 'sh', '-c', command]);
        expect(ended).toMatchObject({ status: 0 });
        expect(ended.stdout).toMatch(/^asked \d+\.\d+\.\d+\.\d+\n$/);
        expect(listeners.came).toEqual([]);
      } finally {
        await listeners.close();
      }
    });

    test('reaches nobody by broadcast or multicast', async () => {
      const everybody = '255.255.255.255 224.0.0.1';
      const listeners = await listenOnHost('0.0.0.0', {}, { 'any datagram': 9125 });
      await write(instance, '/usr/local/bin/cast.pl', cast);
      try {
        await inside(instance, `perl /usr/local/bin/cast.pl ${everybody}`);
        await expect.poll(() => listeners.came.length).toBeGreaterThan(0);
        listeners.came.length = 0;
        const command = `ip route add default dev eth0; perl /usr/local/bin/cast.pl ${everybody}`;
        const ended = await guard.run(['rehearse', ...quickly, instance, '--', 'sh', '-c', command]);
        expect(ended).toMatchObject({ status: 0, stdout: 'sent\nsent\n' });
        expect(listeners.came).toEqual([]);
      } finally {
        await listeners.close();
      }
    });

    // The server's own rules admit port 53 of every address of the host, and no ACL is asked before them.
    test('reaches no more than port 53 of the host, even if a program inside adds a default route', async () => {
      host.came.length = 0;
      await inside(neighbour, 'rm -f /root/came');
      const command = 'ip route add default dev eth0; perl /usr/local/bin/beacon.pl';
      const ended = await guard.run(['rehearse', ...quickly, instance, '--', 'sh', '-c', command]);
      expect(ended).toMatchObject({ status: 0, stdout: `tcp ${outside} 53\n` });
      expect(new Set(host.came)).toEqual(new Set(['dns over tcp', 'dynamic dns']));
      expect(await cameToNeighbour()).toEqual([]);
    });

    test('has names that lead nowhere, and its name server passes no update on', async () => {
      host.came.length = 0;
      const update = `perl -e 'use IO::Socket::INET; my ($server) = map { /^nameserver (\\S+)/ ? $1 : () } qx(cat /etc/resolv.conf); my $s = IO::Socket::INET->new(PeerAddr => $server, PeerPort => 53, Proto => "udp"); $s->send("\\x12\\x34\\x28\\x00\\x00\\x01\\x00\\x00\\x00\\x00\\x00\\x00\\x07example\\x03org\\x00\\x00\\x06\\x00\\x01"); my $in = ""; vec($in, fileno($s), 1) = 1; if (select($in, undef, undef, 2)) { $s->recv(my $answer, 512); printf "%d\\n", ord(substr($answer, 3, 1)) & 15 } else { print "no answer\\n" }'; getent ahostsv4 upstream.example.org | sed -n "1s/ .*//p"`;
      const ended = await guard.run(['rehearse', ...quickly, instance, '--', 'sh', '-c', update]);
      // REFUSED by the bridge's own server, which asks nobody.
      expect(ended.stdout).toBe('5\n192.0.2.1\n');
      expect(host.came).toEqual([]);
    });

    test('a network, an ACL or a project that somebody opened is closed again before the next copy', async () => {
      const network = (await incusCommand('project', 'get', 'guard-rehearsal', 'user.guard.network')).trim();
      await incusCommand('network', 'set', network, 'ipv4.nat=true', 'ipv4.routing=true');
      await incusCommand('network', 'unset', network, 'security.acls.default.egress.action');
      await incusCommand('network', 'acl', 'rule', 'add', network, 'egress', 'action=allow');
      await incusCommand('project', 'set', 'guard-rehearsal', 'restricted=false');
      host.came.length = 0;
      const ended = await guard.run(['rehearse', ...quickly, instance, '--', 'perl', '/usr/local/bin/beacon.pl']);
      expect(ended).toMatchObject({ status: 0, stdout: '' });
      expect(host.came).toEqual([]);
      expect(await incusCommand('network', 'get', network, 'ipv4.nat')).toBe('false');
      expect(await incusCommand('project', 'get', 'guard-rehearsal', 'restricted')).toBe('true');
      expect(await copies()).toEqual([]);
    });
  });
}
