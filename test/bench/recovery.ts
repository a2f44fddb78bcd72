import { request } from 'node:http';
import { join, resolve } from 'node:path';
import { systemClock } from '../../src/clock.ts';
import { execa } from 'execa';
import { waitFor } from '../host/host.ts';
import { askOverRest, container, done, guard, inside, removeContainer, run, type Arena } from './arena.ts';
import { alternate, timed, type Series } from './measure.ts';
import { readTrace, type Profile } from './profile.ts';
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
  const seen = async (work: () => Promise<Failed>): Promise<Seen> => {
    const watch = watchAnswers(address);
    const { failedAt, steps } = await work();
    const { downMs, backAt } = await watch.back();
    const ms = backAt - failedAt;
    return { ms, downMs, steps: steps && { ...steps, answer: ms - sumOf(steps) } };
  };
  const all = await alternate(arena.rounds, {
    guard: () => seen(() => guardFailing(arena, instance)),
    script: () => seen(() => scriptFailing(arena, instance)),
    rest: () => seen(() => restFailing(arena, instance)),
  });
  await removeContainer(arena, instance);
  arena.note(profileOf(all.guard, all.rest));
  const times = (side: readonly Seen[]): Series => side.map(({ ms }) => ms);
  const ours = times(all.guard);
  return [
    ratioRow(
      { what: '(c) from the failing check to an answer', ours, theirs: times(all.script), against: 'the script' },
      {
        message: 'at most 0.9 × the script',
        holds: (ratio) => ratio <= 0.9,
      },
    ),
    ratioRow(
      { what: '(c) the same', ours, theirs: times(all.rest), against: 'bare REST' },
      {
        message: 'at most 1.1 × bare REST',
        holds: (ratio) => ratio <= 1.1,
      },
    ),
    ...Object.entries(all).map(([side, seenBySide]) =>
      limitRow(
        `(c) downtime, ${side}`,
        seenBySide.map(({ downMs }) => downMs),
        'ms',
        null,
      ),
    ),
  ];
};

const check = 'test ! -e /root/broken';

/** Milliseconds of the steps after the failing check, one after the other. */
interface Steps {
  readonly before: number;
  readonly stop: number;
  readonly between: number;
  readonly restore: number;
  readonly start: number;
}

/** When the check was known to have failed, in ms since 1970, and the steps since then. */
interface Failed {
  readonly failedAt: number;
  readonly steps: Steps | null;
}

const sumOf = (steps: Steps): number => Object.values(steps).reduce((sum: number, ms: number) => sum + ms, 0);

type AllSteps = Steps & { readonly answer: number };

/** What a client saw of one recovery, in milliseconds; `steps` where they are known. */
interface Seen {
  readonly ms: number;
  readonly downMs: number;
  readonly steps: AllSteps | null;
}

const names: Readonly<Record<keyof AllSteps, string>> = {
  before: 'evidence, beside the question whether the way back is there',
  stop: 'stop',
  between: 'whether the run is still this guard’s',
  restore: 'restore',
  start: 'start',
  answer: 'until it answers',
};

const profileOf = (guards: readonly Seen[], rest: readonly Seen[]): Profile => ({
  title: 'From the failing check to an answer',
  parts: (Object.keys(names) as (keyof AllSteps)[]).map((name) => {
    const of = (side: readonly Seen[]): Series => side.flatMap(({ steps }) => (steps ? [steps[name]] : []));
    return { what: names[name], guard: of(guards), rest: of(rest) };
  }),
});

const guardFailing = async (arena: Arena, instance: string): Promise<Failed> => {
  const file = join(arena.stateDirectory, 'recovery.json');
  const options = '--json --retry --soak 0s --verify-timeout 1s --check-retries 1 --check-interval 100ms --trace'.split(
    ' ',
  );
  const { stdout, status } = await guard(
    arena,
    ...options,
    file,
    '--check',
    check,
    instance,
    '--',
    'touch',
    '/root/broken',
  );
  if (status !== 11) throw new Error(`guard ended with ${status}`);
  const decided = stdout.split('\n').find((line) => line.includes('"decided"'));
  if (decided === undefined) throw new Error('guard decided nothing');
  const times = await readTrace(file);
  return {
    failedAt: (JSON.parse(decided) as { at: number }).at,
    steps: {
      before: times.begin('stop') - times.begin('evidence'),
      stop: times.end('stop') - times.begin('stop'),
      between: times.begin('restore') - times.end('stop'),
      restore: times.end('restore') - times.begin('restore'),
      start: times.firstWait('start') - times.end('restore'),
    },
  };
};

const scriptFailing = async (arena: Arena, instance: string): Promise<Failed> => {
  const { stdout, status } = await run(arena, ['sh', resolve('test/bench/scripts/recovery.sh'), instance]);
  if (status !== 0) throw new Error(`the script ended with ${status}`);
  return { failedAt: Number(stdout.trim()), steps: null };
};

const restFailing = async (arena: Arena, instance: string): Promise<Failed> => {
  const { rest } = arena;
  await done(rest.createSnapshot(instance, { name: 'before-change', expiresAt: null }, limit));
  await askOverRest(arena, instance, 'touch', '/root/broken');
  const failedAt = systemClock.now();
  const stop = await timed(() => done(rest.stopInstance(instance, { force: true, ...limit })));
  const restore = await timed(() => done(rest.restoreSnapshot(instance, 'before-change', limit)));
  const start = await timed(() => done(rest.startInstance(instance, limit)));
  await done(rest.deleteSnapshot(instance, 'before-change', limit));
  return { failedAt, steps: { before: 0, stop, between: 0, restore, start } };
};

interface Back {
  readonly downMs: number;
  /** In ms since 1970. */
  readonly backAt: number;
}

/** Asks every ten milliseconds, whether the question before was answered or not, until it was away and is back. */
const watchAnswers = (address: string): { readonly back: () => Promise<Back> } => {
  const began = performance.now();
  let downAt: number | null = null;
  let back: Back | null = null;
  const ask = async (): Promise<void> => {
    const askedAt = performance.now();
    const here = await answers(address);
    if (!here) downAt = Math.min(downAt ?? askedAt, askedAt);
    else if (downAt !== null && askedAt > downAt)
      back ??= { downMs: performance.now() - downAt, backAt: systemClock.now() };
  };
  const watching = (async (): Promise<Back> => {
    for (;;) {
      void ask();
      await systemClock.sleep(10);
      if (back !== null) return back;
      if (performance.now() - began > 120_000) throw new Error('it was never away, or never back');
    }
  })();
  return { back: () => watching };
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
