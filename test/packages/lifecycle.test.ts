import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fileExists, snapshotNames } from '../e2e/guard.ts';
import { incusCommand, launch, remove } from '../e2e/incus-subject.ts';
import { waitFor } from '../host/host.ts';
import { install, packageHost } from './package-host.ts';

// Install, use, upgrade from the previous build, remove and purge, in containers that have nothing but Debian. The previous
// build is of the same sources with another commit, so that its files are others.

const restPeriod = '--soak 0s';

/** A command that ends as soon as the file /root/end is there. */
const untilEnd = "sh -c 'touch /root/begun; while ! test -e /root/end; do sleep 0.2; done'";

describe.each([
  ['guard-static', 'bookworm', /^Node 24\.[\d.]+, in the program$/m],
  ['guard', 'trixie', /^Node 20\.19\.[\d.]+$/m],
  ['guard-static', 'sid', /^Node 24\.[\d.]+, in the program$/m],
  ['guard', 'sid', /^Node 2\d\.[\d.]+$/m],
])('%s on %s', (name, release, node) => {
  const host = packageHost(`pk-${name}-${release}`, release);
  const { run, must } = host;
  const target = `pk-target-${name}-${release}`;
  const agent = async (property: string) =>
    (await run(`systemctl show --property=${property} --value guard-agent.service`)).stdout;
  beforeAll(async () => {
    await launch(target);
    await host.begin();
  });
  afterAll(async () => {
    await host.remove();
    await remove(target);
  });

  test('one command installs it, and one is a guarded run', async () => {
    expect((await run('command -v node nodejs')).status).not.toBe(0);
    if (name === 'guard') await must('apt-get update --quiet -o Acquire::Check-Valid-Until=false');
    const said = await must(`${install} /root/old/${name}_*.deb`);
    expect(said).toContain('systemctl enable guard-recover.service');
    expect(said).not.toMatch(/warning|error/i);
    expect(await must('guard version')).toMatch(node);
    const doctor = await run('guard doctor');
    expect(doctor.stdout).toMatch(/^ok {7}server: Incus \d/m);
    expect(doctor.stdout).not.toMatch(/^problem/m);
    const kept = await run(`guard ${restPeriod} ${target} -- true`);
    expect(kept).toMatchObject({ status: 0, stderr: expect.stringContaining('guard: kept') });
    const bad = await run(`guard ${restPeriod} ${target} -- false`);
    expect(bad).toMatchObject({ status: 10, stderr: expect.stringContaining('is back and healthy') });
  });

  test('what is installed is where Debian wants it, and nothing is enabled', async () => {
    expect(await must('stat --format=%a:%U /var/lib/guard')).toBe('700:root');
    expect(await must(`dpkg-query --show --showformat='\${Conffiles}' ${name}`)).toContain('/etc/guard/guard.yaml');
    expect(
      (await run('systemctl is-enabled guard-agent.service guard-recover.service guard-forecast.timer')).stdout,
    ).toBe('disabled\ndisabled\ndisabled');
    const verified = await run(
      'systemd-analyze verify --man=no guard-agent.service guard-recover.service guard-forecast.timer',
    );
    expect(verified).toEqual({ status: 0, stdout: '', stderr: '' });
    expect(await must(`dpkg --verify ${name}`)).toBe('');
  });

  test('every subcommand works, and writes only to the documented folders', async () => {
    await must('mkdir --parents /root/work && touch /root/mark && sleep 1');
    const [latest = ''] = /\d{8}-\d{6}-\w+/.exec(await must(`guard runs ${target}`)) ?? [];
    const calls: readonly [string, number][] = [
      ['run --soak 0s TARGET -- true', 0],
      ['plan TARGET -- true', 0],
      ['rehearse TARGET -- true', 0],
      ['forecast TARGET', 0],
      ['check TARGET', 0],
      ['init --output guard.yaml TARGET', 0],
      ['runs', 0],
      ['show LATEST', 0],
      ['points TARGET', 0],
      ['recover', 0],
      ['prune TARGET --dry-run', 0],
      ['rollback TARGET --dry-run', 0],
      ['confirm LATEST', 30],
      ['forget LATEST', 0],
      ['rollout status', 0],
      ['hook status TARGET', 1],
      ['doctor', 1],
      ['version', 0],
      ['completion bash', 0],
      ['help', 0],
      // The agent works on until it is asked to end.
      ['agent', 0],
    ];
    const commands = [...(await must('guard --help')).matchAll(/^ {2}([a-z]+)(?: [[<].*| {3,}.*)$/gm)];
    expect(calls.map(([words]) => words.split(' ')[0])).toEqual(
      expect.arrayContaining(commands.map(([, word]) => word)),
    );
    expect(commands.length).toBeGreaterThan(15);
    for (const [words, status] of calls) {
      const call = words.replace('TARGET', target).replace('LATEST', latest);
      const prefix = words === 'agent' ? 'timeout --signal=TERM 5 ' : '';
      const ended = await run(`cd /root/work && ${prefix}guard ${call}`);
      // timeout(1) tells that it has sent the signal.
      expect({ call, ...ended }).toMatchObject({ call, status: prefix === '' ? status : 124 });
    }
    expect(await must('ls -A /root/work')).toBe('guard.yaml');
    const written = await must(
      'find / -xdev -newer /root/mark -type f -not -path "/proc/*" -not -path "/sys/*" -not -path "/var/log/*"',
    );
    const others = written
      .split('\n')
      .filter((path) => !/^\/(var\/lib\/guard|root\/work|var\/cache\/incus-guard)\//.test(path));
    expect(others).toEqual([]);
    expect((await run('ls /var/cache/incus-guard')).status === 0).toBe(name === 'guard');
  });

  test('after a reboot in the middle of a run the unit finishes it', async () => {
    await must('systemctl enable guard-recover.service');
    // A container that starts again looks like another host, so that the lease decides.
    await must("cp -p /etc/guard/guard.yaml /root/; echo 'defaults: {lease: 1m}' >/etc/guard/guard.yaml");
    const running = run(`guard ${restPeriod} ${target} -- ${untilEnd}`);
    await waitFor(() => fileExists(target, '/root/begun'));
    await host.crash();
    await running;
    await waitFor(async () => !(await snapshotNames(target)).includes('guard-in-flight'), { limitMs: 180_000 });
    await waitFor(async () => (await run('systemctl is-active guard-recover.service')).stdout === 'inactive');
    await must('mv /root/guard.yaml /etc/guard/');
    expect(await must(`guard runs ${target} | head -n 2`)).toContain('rolled-back');
    expect(await fileExists(target, '/root/begun')).toBe(false);
  });

  test('an upgrade with a run in flight and with an agent at work', async () => {
    await must('systemctl enable --now guard-agent.service guard-forecast.timer');
    await must(`guard hook install ${target}`);
    const before = await agent('MainPID');
    const version = await must('guard --version');
    await incusCommand('exec', target, '--', 'rm', '--force', '/root/begun', '/root/end');
    const running = run(`guard ${restPeriod} ${target} -- ${untilEnd}`);
    await waitFor(() => fileExists(target, '/root/begun'));
    await must(`${install} /root/${name}_*.deb`);
    expect(await must('guard --version')).not.toBe(version);
    await waitFor(async () => (await agent('ActiveState')) === 'active' && (await agent('MainPID')) !== before);
    await incusCommand('exec', target, '--', 'touch', '/root/end');
    expect(await running).toMatchObject({ status: 0, stderr: expect.stringContaining('guard: kept') });
    await waitFor(async () => (await run(`guard hook status ${target}`)).status === 0);
    expect((await run('guard doctor')).stdout).toMatch(
      /^ok {7}agent: guard-agent\.service runs, and starts at boot\./m,
    );
    await must(`guard hook remove ${target}`);
  });

  test('removed, it leaves records and configuration; purged, nothing', async () => {
    await must(`echo "# mine" >>/etc/guard/guard.yaml; apt-get remove --yes ${name}`);
    expect((await run('systemctl is-active guard-agent.service guard-forecast.timer')).stdout).toBe(
      'inactive\ninactive',
    );
    expect(await must('tail -n 1 /etc/guard/guard.yaml; ls /var/lib/guard')).toContain('# mine\n');
    await must(`apt-get purge --yes ${name}`);
    expect(await must('find / -xdev -path /proc -prune -o -path /root -prune -o -iname "*guard*" -print')).toBe('');
  });
});
