import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { expect, test } from 'vitest';
import { serviceManager } from '../../src/agent/service-manager.ts';
import { systemClock } from '../../src/clock.ts';
import { waitFor } from '../host/host.ts';

const notify = await execa('systemd-notify', ['--version'], { reject: false });

/** Binds a datagram socket as systemd does, and writes each message to a file, one a line. */
const listener = `
  use Socket;
  my ($socket, $file) = @ARGV;
  socket(my $s, PF_UNIX, SOCK_DGRAM, 0) or die $!;
  bind($s, sockaddr_un($socket)) or die $!;
  open(my $out, '>', $file) or die $!;
  $out->autoflush(1);
  while (defined(recv($s, my $text, 4096, 0))) { $text =~ s/\\n/ /g; print $out "$text\\n"; }`;

test.skipIf(notify.exitCode !== 0)('systemd hears that the agent is ready, lives, and ends', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'guard-notify-'));
  const [socket, file] = [join(folder, 'socket'), join(folder, 'said')];
  const listening = execa('perl', ['-MIO::Handle', '-e', listener, socket, file], { reject: false });
  const said = (): Promise<string> => readFile(file, 'utf8').catch(() => '');
  const over = new AbortController();
  try {
    await waitFor(async () => (await execa('test', ['-S', socket], { reject: false })).exitCode === 0);
    process.env['NOTIFY_SOCKET'] = socket;
    const service = serviceManager({ NOTIFY_SOCKET: socket, WATCHDOG_USEC: '300000' }, systemClock);
    await service.ready();
    const alive = service.keepAlive(over.signal);
    await waitFor(async () => ((await said()).match(/WATCHDOG=1/g) ?? []).length >= 3);
    over.abort();
    await alive;
    await service.stopping();
    await waitFor(async () => (await said()).includes('STOPPING=1'));
    expect(await said()).toMatch(new RegExp(`READY=1[^]*MAINPID=${process.pid}|MAINPID=${process.pid}[^]*READY=1`));
  } finally {
    delete process.env['NOTIFY_SOCKET'];
    over.abort();
    listening.kill();
    await rm(folder, { recursive: true });
  }
});

test('without systemd nothing is said, and nothing waited for', async () => {
  const service = serviceManager({}, systemClock);
  await service.ready();
  await service.keepAlive(new AbortController().signal);
  expect(await service.stopping()).toBeUndefined();
});
