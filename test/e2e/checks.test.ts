import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkDefaults, dnsDefaults, httpDefaults, shellCommand, systemdDefaults } from '../../src/check-default.ts';
import type {
  CheckCommon,
  CheckDefinition,
  DirectoryCheck,
  ExecCheck,
  SingleCheck,
  Words,
} from '../../src/check-definition.ts';
import { systemClock } from '../../src/clock.ts';
import type { CheckResult } from '../../src/event.ts';
import { openProber } from '../../src/health/prober.ts';
import { takeBaseline } from '../../src/health/baseline.ts';
import { askCheck } from '../../src/health/checks/check.ts';
import type { AskContext } from '../../src/health/observation.ts';
import { waitUntilReachable, waitUntilIdle } from '../../src/health/ready.ts';
import { judgeAlone } from '../../src/health/verdict.ts';
import { watch } from '../../src/health/watch/watch.ts';
import { restartContainer } from './restart.ts';
import { launch, openTestIncus, remove } from './incus-subject.ts';

const instance = 'checks-e2e';
const { platform, close } = openTestIncus();
const context: AskContext = { platform, instance, clock: systemClock };
const common: CheckCommon = { ...checkDefaults, name: 'it' };

/** Runs a script inside that prepares a test, and gives what it wrote. */
const inside = async (script: string): Promise<string> => {
  const answer = await platform.query(instance, {
    command: ['sh', '-euc', script],
    limitMs: 30_000,
    maxBytes: 65_536,
  });
  if (!answer.ok || answer.value.status !== 0) throw new Error(`inside: ${JSON.stringify(answer)}`);
  return answer.value.stdout;
};

const exec = (command: Words, more: Partial<ExecCheck> = {}): ExecCheck => ({
  ...common,
  kind: 'exec',
  command,
  environment: {},
  user: 0,
  cwd: '/',
  ...more,
});

const systemd = (unit: string, name = unit): SingleCheck => ({
  ...common,
  name,
  kind: 'systemd',
  unit,
  ...systemdDefaults,
});

const askOne = (check: SingleCheck): Promise<CheckResult> => askCheck(check, context);

/** A service that says something to whoever connects, without anything that Debian's smallest image does not have. */
const makeTalker = (name: string, port: number, message: string): Promise<string> =>
  inside(`
cat >/usr/local/bin/${name} <<'END'
#!/bin/sh
while read -r line; do case $line in '' | ?) break ;; esac; done
printf '${message}'
END
chmod 755 /usr/local/bin/${name}
printf '[Socket]\\nListenStream=${port}\\nAccept=yes\\n[Install]\\nWantedBy=sockets.target\\n' >/etc/systemd/system/${name}.socket
printf '[Service]\\nExecStart=/usr/local/bin/${name}\\nStandardInput=socket\\n' >/etc/systemd/system/${name}@.service
systemctl daemon-reload; systemctl enable --now ${name}.socket`);

const makeService = (name: string, start: string, more = 'Restart=no', now = '--now'): Promise<string> =>
  inside(`
cat >/etc/systemd/system/${name}.service <<'END'
[Unit]
StartLimitIntervalSec=0
[Service]
${more}
ExecStart=${start}
[Install]
WantedBy=multi-user.target
END
systemctl daemon-reload; systemctl enable ${now} ${name}.service`);

beforeAll(async () => {
  await launch(instance);
  const ready = await waitUntilReachable(context, { limitMs: 60_000, families: [4] });
  if (!ready.ok) throw new Error(ready.error.message);
});

afterAll(async () => {
  await remove(instance);
  close();
});

describe('exec', () => {
  it('passes and fails by the status, with the last line', async () => {
    expect(await askOne(exec(['true']))).toMatchObject({ status: 'passed', message: 'exit status 0' });
    const failed = await askOne(exec(shellCommand('echo starting; echo "no backend" >&2; exit 7')));
    expect(failed).toMatchObject({ status: 'failed', message: 'exit status 7: no backend' });
  });

  it('passes no argument through a shell', async () => {
    const words: Words = ['printf', '%s|', 'two words', '$HOME', "it's", '"', '', '--', 'ü'];
    expect((await askOne(exec(words))).message).toContain(`two words|$HOME|it's|"||--|ü|`);
  });

  it('has its own user, folder and environment', async () => {
    const check = exec(shellCommand('echo "$(id -u) $PWD $COLOUR"'), {
      user: 1,
      cwd: '/var',
      environment: { COLOUR: 'red' },
    });
    expect((await askOne(check)).message).toBe('exit status 0: 1 /var red');
  });

  it('cannot be asked when the command is not there', async () => {
    expect((await askOne(exec(['/nonexistent/check']))).status).toBe('unknown');
    expect((await askOne(exec(shellCommand('nonexistent-check')))).status).toBe('unknown');
    expect((await askOne(exec(['/etc/hostname']))).status).toBe('unknown');
  });

  it('is killed at its timeout (F35)', async () => {
    const result = await askOne(exec(['sleep', '4242'], { timeoutMs: 700 }));
    expect(result).toMatchObject({ status: 'failed', message: 'no answer within 700 ms' });
    const count =
      'for p in /proc/[0-9]*; do tr "\\0" " " <$p/cmdline 2>/dev/null; echo; done | grep -c "^sleep 4242" || true';
    await expect.poll(() => inside(count)).toBe('0\n');
  });

  it('cannot write control sequences into a report', async () => {
    const result = await askOne(exec(shellCommand("printf '\\033]0;owned\\007'; exit 1")));
    expect(result.message).toContain(String.raw`\x1b]0;owned`);
  });
});

describe('systemd', () => {
  it('passes for a unit that is active, and fails for one that is not there', async () => {
    expect(await askOne(systemd('systemd-journald'))).toMatchObject({
      status: 'passed',
      message: 'systemd-journald.service is active (running)',
    });
    expect(await askOne(systemd('nonexistent'))).toMatchObject({
      status: 'failed',
      message: 'there is no unit nonexistent.service',
    });
  });

  it('fails for a restart loop that nothing else calls failed (F31)', async () => {
    await makeService('looping', '/bin/sh -c "exit 3"', 'Restart=always\nRestartSec=1');
    try {
      const result = await askOne(systemd('looping.service'));
      expect(result.status).toBe('failed');
      expect(result.message).toMatch(/^looping\.service is activating \(auto-restart\): exit-code/);
    } finally {
      await inside('systemctl disable --now looping.service; rm /etc/systemd/system/looping.service');
    }
  });
});

describe('a plugin inside', () => {
  it.each([
    [0, 'passed'],
    [1, 'passed'],
    [2, 'failed'],
    [3, 'unknown'],
  ] as const)('with status %i is %s', async (status, answer) => {
    const command = shellCommand(`echo "LOAD - 0.3 | load1=0.3"; exit ${status}`);
    const result = await askOne({ ...common, kind: 'plugin', where: 'inside', command, warning: 'passed' });
    expect(result).toMatchObject({ status: answer, message: expect.stringMatching(/: LOAD - 0\.3$/) as string });
  });
});

describe('a folder of scripts in the layout of greenboot', () => {
  const folder: DirectoryCheck = { ...common, kind: 'directory', name: 'green', path: '/etc/greenboot/check/' };
  const askFolder = (more: Partial<DirectoryCheck> = {}) =>
    openProber(context, { automatic: false }).check({ ...folder, ...more });

  it('cannot be asked when it is not there', async () => {
    expect(await askFolder()).toMatchObject([{ name: 'green', status: 'unknown' }]);
  });

  it('asks each script, whatever its name', async () => {
    await inside(String.raw`
d=/etc/greenboot/check; mkdir -p $d/required.d $d/wanted.d
printf '#!/bin/sh\nexit 0\n' >$d/required.d/10-good.sh; chmod 755 $d/required.d/10-good.sh
printf 'echo "disk is full"\nexit 1\n' >$d/required.d/20-not-executable.sh
printf '#!/bin/sh\nexit 0\n' >"$d/required.d/30 with
newline; \$(touch oops).sh"; chmod 755 "$d/required.d/30 with
newline; \$(touch oops).sh"
printf '#!/bin/sh\nexit 1\n' >$d/wanted.d/nice; chmod 755 $d/wanted.d/nice
echo 'not a script' >$d/required.d/README; mkdir $d/required.d/folder.sh`);
    const results = await askFolder();
    expect(results.map(({ name, severity, status: answer }) => [name, severity, answer])).toEqual([
      ['green/required.d/10-good.sh', 'required', 'passed'],
      ['green/required.d/20-not-executable.sh', 'required', 'failed'],
      [String.raw`green/required.d/30 with\x0anewline; $(touch oops).sh`, 'required', 'passed'],
      ['green/wanted.d/nice', 'advisory', 'failed'],
    ]);
    expect(results[1]?.message).toBe('exit status 1: disk is full');
  });
});

describe('what is asked from outside', () => {
  it('reaches the address of the instance: tcp, http, dns, host', async () => {
    await makeTalker('greeter', 2525, '220 mail ESMTP');
    await makeTalker('web', 8080, String.raw`HTTP/1.0 200 OK\r\nX-Colour: green\r\n\r\nall is well`);
    const greeting = { kind: 'regex', pattern: '^220 ' } as const;
    const tcp = { ...common, kind: 'tcp', address: '{address}', port: 2525, send: 'EHLO\r\n\r\n' } as const;
    expect(await askOne({ ...tcp, expect: greeting })).toMatchObject({ status: 'passed' });
    expect((await askOne({ ...tcp, address: '{address:eth7}', expect: null })).message).toContain('on eth7');
    expect((await askOne({ ...tcp, port: 2526, expect: null })).message).toContain('connection refused');
    const expectBody = { kind: 'text', text: 'all is well' } as const;
    const web = { ...common, kind: 'http', ...httpDefaults, url: 'http://{address:eth0}:8080/' } as const;
    expect(await askOne({ ...web, expectBody })).toMatchObject({ status: 'passed' });
    expect(await askOne({ ...common, kind: 'dns', ...dnsDefaults, query: 'example.org' })).toMatchObject({
      status: 'failed',
      message: expect.stringContaining('connection refused') as string,
    });
    const host = { ...common, kind: 'host', environment: {} } as const;
    const reach: Words = ['bash', '-c', 'exec 3<>"/dev/tcp/$0/2525" && echo >&3 && head -n 1 <&3', '{address}'];
    expect(await askOne({ ...host, command: reach })).toMatchObject({ status: 'passed' });
  });
});

describe('the baseline and the watch', () => {
  const definitions: CheckDefinition[] = [systemd('steady', 'steady runs'), exec(['true'], { name: 'yes' })];
  const settings = { limitMs: 15_000, soakMs: 5000 };

  beforeAll(() => makeService('steady', '/bin/sleep infinity'));

  it('keep an instance in which nothing happens', async () => {
    const baseline = await takeBaseline(context, { definitions, automatic: true });
    expect(judgeAlone(baseline)).toMatchObject({ verdict: 'healthy', reasons: [] });
    const { verdict, look } = await watch(context, baseline, settings, () => {});
    expect(verdict).toMatchObject({ verdict: 'healthy', reasons: [] });
    expect(look.facts?.units?.['steady.service']?.active).toBe('active');
  });

  it('wait for a service that is started late', async () => {
    const baseline = await takeBaseline(context, { definitions, automatic: true });
    await inside('systemctl stop steady; systemd-run --quiet --on-active=4 systemctl start steady');
    const waits: string[] = [];
    const { verdict } = await watch(context, baseline, settings, (waitingFor) =>
      waits.push(...waitingFor.map(({ subject }) => subject)),
    );
    expect(waits).toContain('unit:steady.service');
    expect(waits).toContain('check:steady runs');
    expect(verdict).toMatchObject({ verdict: 'healthy' });
  });

  it('catch a service that dies in the soak, although it is started again', async () => {
    await makeService('phoenix', '/bin/sleep 600', 'Restart=always\nRestartSec=0');
    const baseline = await takeBaseline(context, { definitions, automatic: true });
    await inside('systemd-run --quiet --on-active=2 systemctl kill -s KILL phoenix');
    const { verdict } = await watch(context, baseline, settings, () => {});
    expect(verdict).toMatchObject({ verdict: 'unhealthy' });
    expect(verdict.reasons.map(({ subject }) => subject)).toContain('unit:phoenix.service');
  });

  it('end in unhealthy when a service stays away', async () => {
    const baseline = await takeBaseline(context, { definitions, automatic: true });
    await inside('systemctl stop steady');
    const { verdict } = await watch(context, baseline, { limitMs: 3000, soakMs: 1000 }, () => {});
    await inside('systemctl start steady');
    expect(verdict).toMatchObject({ verdict: 'unhealthy' });
    expect(verdict.reasons.map(({ subject }) => subject)).toEqual(
      expect.arrayContaining(['unit:steady.service', 'check:steady runs']) as string[],
    );
  });

  it('can be interrupted', async () => {
    const baseline = await takeBaseline(context, { definitions, automatic: true });
    const controller = new AbortController();
    const watched = watch(
      { ...context, signal: controller.signal },
      baseline,
      { limitMs: 60_000, soakMs: 60_000 },
      () => controller.abort(),
    );
    expect((await watched).verdict.verdict).toBe('inconclusive');
  });
});

describe('an instance that begins', () => {
  it('is not quiet while a package manager is at work (F28)', async () => {
    await inside(String.raw`
cat >/root/hold <<'END'
use Fcntl ":DEFAULT", "SEEK_SET";
open(F, ">>", "/var/lib/dpkg/lock-frontend") or die;
my $lock = pack("s s x4 q q i x4", F_WRLCK, SEEK_SET, 0, 0, 0);
fcntl(F, F_SETLK, $lock) or die;
open(R, ">", "/root/held"); close(R);
sleep 4;
END
systemd-run --quiet perl /root/hold
until [ -e /root/held ]; do sleep 0.05; done`);
    const busy = await waitUntilIdle(context, { limitMs: 300 });
    expect(busy).toMatchObject({ idle: false });
    expect(busy.activities.join()).toMatch(/^perl \(process \d+\) holds \/var\/lib\/dpkg\/lock-frontend$/);
    expect(await waitUntilIdle(context, { limitMs: 30_000 })).toMatchObject({ idle: true, activities: [] });
  });

  it('is not reachable when it is stopped, and is again after a start, booted and with its address (F38)', async () => {
    await restartContainer(instance, async () => {
      const stopped = await openProber(context, { automatic: true }).look();
      expect(stopped.state.kind).toBe('not-running');
      expect((await askOne(exec(['true']))).status).toBe('unknown');
      expect(await waitUntilReachable(context, { limitMs: 500 })).toMatchObject({ ok: false });
    });
    const ready = await waitUntilReachable(context, { limitMs: 60_000, families: [4] });
    expect(ready).toMatchObject({ ok: true, value: { settled: true, pending: [] } });
    const state = await inside('systemctl is-system-running || true');
    expect(['running\n', 'degraded\n']).toContain(state);
    const reached = await askOne({
      ...common,
      kind: 'tcp',
      address: '{address}',
      port: 2525,
      send: null,
      expect: null,
    });
    expect(reached.status).toBe('passed');
  });

  it('says what the boot waits for, when that takes longer than the limit', async () => {
    await makeService('slow', '/bin/sleep 600', 'Type=oneshot\nTimeoutStartSec=infinity', '--no-block');
    await restartContainer(instance, async () => {});
    const ready = await waitUntilReachable(context, { limitMs: 4000 });
    expect(ready).toMatchObject({ ok: true, value: { settled: false } });
    expect(ready.ok && ready.value.pending.join()).toContain('slow.service');
    await inside('systemctl disable slow; systemctl stop slow');
  });
});
