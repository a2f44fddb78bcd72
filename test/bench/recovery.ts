import { request } from 'node:http';
import { resolve } from 'node:path';
import { systemClock } from '../../src/clock.ts';
import { startInstance, stopInstance } from '../../src/incus/instance.ts';
import { createSnapshot, deleteSnapshot, restoreSnapshot } from '../../src/incus/snapshot.ts';
import { execa } from 'execa';
import { waitFor } from '../host/host.ts';
import { askOverRest, container, done, guard, inside, removeContainer, run, type Arena } from './arena.ts';
import { alternate, type Series } from './measure.ts';
import { limitRow, ratioRow, type Row } from './row.ts';

const limit = { limitMs: 120_000 };

/** A web server that is up as soon as the network is. */
const answering = String.raw`cat >/usr/local/bin/answering <<'PERL'
#!/usr/bin/perl
use IO::Socket::INET;
my $server = IO::Socket::INET->new(LocalPort => 8080, Listen => 50, ReuseAddr => 1) or die;
while (my $client = $server->accept) {
  sysread $client, my $question, 4096;
  print $client "HTTP/1.0 200 OK\r\n\r\nhere";
  close $client;
}
PERL
chmod 755 /usr/local/bin/answering
cat >/etc/systemd/system/answering.service <<'UNIT'
[Unit]
After=network.target
[Service]
Restart=always
ExecStart=/usr/local/bin/answering
[Install]
WantedBy=multi-user.target
UNIT
systemctl enable --now answering.service`;

/** (c) From the failing check to the instance that answers again, seen by a client that asks a hundred times a second. */
export const measureRecovery = async (arena: Arena): Promise<Row[]> => {
  const instance = await container(arena, 'bench-recovery');
  await inside(arena, instance, answering);
  const address = await addressOf(arena, instance);
  await waitFor(() => answers(address));
  const downtime: Record<'ours' | 'script' | 'rest', number[]> = { ours: [], script: [], rest: [] };
  const seen = async (side: keyof typeof downtime, work: () => Promise<number>): Promise<number> => {
    const watch = watchAnswers(address);
    const failedAt = await work();
    const { downMs, backAt } = await watch.back();
    downtime[side].push(downMs);
    return backAt - failedAt;
  };
  const { ours, script, rest } = await alternate(arena.rounds, {
    ours: () => seen('ours', () => guardFailing(arena, instance)),
    script: () => seen('script', () => scriptFailing(arena, instance)),
    rest: () => seen('rest', () => restFailing(arena, instance)),
  });
  await removeContainer(arena, instance);
  return [
    ratioRow(
      { what: '(c) from the failing check to an answer', ours, theirs: script, against: 'the script' },
      {
        says: 'at most 0.9 × the script',
        holds: (ratio) => ratio <= 0.9,
      },
    ),
    ratioRow(
      { what: '(c) the same', ours, theirs: rest, against: 'bare REST' },
      {
        says: 'at most 1.1 × bare REST',
        holds: (ratio) => ratio <= 1.1,
      },
    ),
    ...Object.entries(downtime).map(([side, series]: [string, Series]) =>
      limitRow(`(c) downtime, ${side === 'ours' ? 'guard' : side}`, series, 'ms', null),
    ),
  ];
};

const check = 'test ! -e /root/broken';

const guardFailing = async (arena: Arena, instance: string): Promise<number> => {
  const options = '--json --retry --soak 0s --verify-timeout 1s --check-retries 1 --check-interval 100ms'.split(' ');
  const { stdout, status } = await guard(arena, ...options, '--check', check, instance, '--', 'touch', '/root/broken');
  if (status !== 11) throw new Error(`guard ended with ${status}`);
  for (const line of stdout.split('\n')) if (line.includes('"decided"')) return (JSON.parse(line) as { at: number }).at;
  throw new Error('guard decided nothing');
};

const scriptFailing = async (arena: Arena, instance: string): Promise<number> => {
  const { stdout, status } = await run(arena, ['sh', resolve('test/bench/scripts/recovery.sh'), instance]);
  if (status !== 0) throw new Error(`the script ended with ${status}`);
  return Number(stdout.trim());
};

const restFailing = async (arena: Arena, instance: string): Promise<number> => {
  const { rest } = arena;
  await done(createSnapshot(rest, instance, { name: 'before-change', expiresAt: null }, limit));
  await askOverRest(arena, instance, 'touch', '/root/broken');
  const failedAt = systemClock.now();
  await done(stopInstance(rest, instance, { force: true, ...limit }));
  await done(restoreSnapshot(rest, instance, 'before-change', limit));
  await done(startInstance(rest, instance, limit));
  await done(deleteSnapshot(rest, instance, 'before-change', limit));
  return failedAt;
};

/** Asks every ten milliseconds until it was away and is back. */
const watchAnswers = (address: string) => {
  const began = performance.now();
  let downAt: number | null = null;
  const back = (async (): Promise<{ downMs: number; backAt: number }> => {
    for (;;) {
      const here = await answers(address);
      const now = performance.now();
      if (!here) downAt ??= now;
      else if (downAt !== null) return { downMs: now - downAt, backAt: systemClock.now() };
      if (now - began > 120_000) throw new Error('it was never away, or never back');
      await systemClock.sleep(10);
    }
  })();
  return { back: () => back };
};

const answers = (address: string): Promise<boolean> =>
  new Promise((resolve) => {
    const asked = request({ host: address, port: 8080, timeout: 200, agent: false }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    asked.on('timeout', () => asked.destroy());
    asked.on('error', () => resolve(false));
    asked.end();
  });

const addressOf = async ({ host }: Arena, instance: string): Promise<string> => {
  const { stdout } = await execa('incus', ['list', instance, '--format', 'csv', '--columns', '4'], {
    env: host.env,
    stdin: 'ignore',
  });
  return /[\d.]+/.exec(stdout)?.[0] ?? '';
};
