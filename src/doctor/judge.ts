import { shellWords } from '../text.ts';
import { describeTested, isTestedVersion } from '../platform/tested-version.ts';
import type {
  ClientFacts,
  HookFacts,
  HostFacts,
  InFlight,
  PoolFacts,
  ProgramFacts,
  ServerFacts,
  StateFacts,
  TerminalFacts,
  UnfinishedRun,
  UnitsFacts,
} from './facts.ts';
import { ok, problem, warning, type Finding } from './finding.ts';

/** What the facts mean for guard, in the order in which they are shown. */
export function judgeHost(facts: HostFacts): readonly Finding[] {
  const { server } = facts;
  const hooks = server.ok ? server.value.hooks : [];
  return [
    judgeProgram(facts.program),
    ...(server.ok ? judgeServer(server.value) : [problem('server', server.error.message, server.error.advice)]),
    judgeClient(facts.client),
    ...judgeState(facts.state),
    ...judgeUnits(facts.units, hooks),
    ...hooks.map(judgeHook),
    judgeClock(facts.clockSynchronized),
    judgeTerminal(facts.terminal),
    judgeConfiguration(facts.configuration),
    ...judgeLeftovers(facts.unfinishedRuns, server.ok ? server.value.restorePointsInFlight : []),
  ];
}

function judgeProgram({ version, commit, node, isSingleFile }: ProgramFacts): Finding {
  return ok('guard', `guard ${version} (commit ${commit}) on ${isSingleFile ? 'its own Node' : 'Node'} ${node}.`);
}

function judgeServer(server: ServerFacts): readonly Finding[] {
  return [judgeVersion(server), ...judgeProject(server), ...judgePools(server)];
}

function judgeVersion(server: ServerFacts): Finding {
  const { product, version, remote, project, instances } = server;
  const where = remote === null ? 'on the local socket' : `at ${remote}`;
  const count = `${instances} ${instances === 1 ? 'instance' : 'instances'}`;
  const message = `${product} ${version} answers ${where}: project ${project}, ${count}.`;
  if (isTestedVersion(server)) return ok('server', message);
  return warning('server', message, `Nothing has to be done. guard is tested with ${describeTested(server)}.`);
}

/** A restricted project refuses snapshots unless it is told otherwise. */
function judgeProject({ client, project, allowsSnapshots }: ServerFacts): readonly Finding[] {
  if (allowsSnapshots !== false) return [];
  return [
    problem(
      'project',
      `The project ${project} is restricted and does not allow snapshots.`,
      `Ask an administrator to run \`${shellWords([client, 'project', 'set', project, 'restricted.snapshots=allow'])}\`.`,
    ),
  ];
}

function judgePools({ client, pools }: ServerFacts): readonly Finding[] {
  if (pools === null)
    return [ok('pool', 'This user may not list storage pools: their drivers and free space are unknown.')];
  if (pools.length === 0)
    return [problem('pool', 'There is no storage pool.', `Create one: \`${client} storage create default btrfs\`.`)];
  return pools.flatMap((pool) => [judgeDriver(pool), ...judgeSpace(pool)]);
}

/** Drivers of which guard knows what it says here; its own tests run on btrfs and dir. */
const knownDrivers: ReadonlySet<string> = new Set(['btrfs', 'dir', 'zfs', 'lvm', 'ceph', 'linstor', 'truenas']);

function judgeDriver({ name, driver, snapshotCopies, snapshotReservesDisk, restoreNeedsNewest }: PoolFacts): Finding {
  const topic = `pool ${name}`;
  if (snapshotCopies)
    return warning(
      topic,
      `${driver} copies the whole instance for each restore point, and pauses it meanwhile.`,
      'Move instances that guard changes to a btrfs, zfs or LVM thin pool.',
    );
  if (snapshotReservesDisk)
    return warning(
      topic,
      `${driver} without a thin pool reserves the full size of the instance for each restore point.`,
      'Use a pool with lvm.use_thinpool=true.',
    );
  if (!knownDrivers.has(driver))
    return warning(
      topic,
      `guard does not know the ${driver} driver.`,
      'Try a rollback on an instance that you can lose.',
    );
  if (restoreNeedsNewest)
    return ok(
      topic,
      `${driver} takes restore points without copying. It can restore only the newest snapshot: a snapshot that is taken during a run blocks its rollback.`,
    );
  return ok(topic, `${driver} takes restore points without copying, and restores any of them.`);
}

function judgeClient({ name, version }: ClientFacts): Finding {
  if (version !== null) return ok('client', `The ${name} command is version ${version}.`);
  if (name !== 'incus')
    return warning(
      'client',
      `There is no ${name} command: commands that guard prints for a person cannot be run here.`,
      'Install the snap lxd, or the package lxd-client.',
    );
  return warning(
    'client',
    'There is no incus command: remotes cannot be reached, and commands that guard prints for a person cannot be run here.',
    'Install the package incus-client.',
  );
}

const mebibyte = 1024 * 1024;

/** With less than this, in bytes, guard refuses a run (src/run/restore-point/room.ts). */
const leastSpace = 64 * mebibyte;

/** With less than this share, or this many bytes, a large upgrade may fill the pool. */
const lowShare = 0.1;
const lowSpace = 2048 * mebibyte;

function judgeSpace({ name, space }: PoolFacts): readonly Finding[] {
  const topic = `space ${name}`;
  if (space === null) return [];
  const free = space.totalBytes - space.usedBytes;
  const message = `${sayBytes(free)} of ${sayBytes(space.totalBytes)} are free.`;
  if (free < leastSpace)
    return [problem(topic, message, `Free some: guard refuses runs with less than ${sayBytes(leastSpace)}.`)];
  if (free < lowSpace && free < space.totalBytes * lowShare)
    return [
      warning(topic, message, 'Free some, or enlarge the pool: `guard prune --dry-run` shows old restore points.'),
    ];
  return [ok(topic, message)];
}

/** With less than this, in bytes, the evidence of a rollback may not fit. */
const lowState = 100 * mebibyte;

function judgeState({ path, problem: reason, mode, isInMemory, free }: StateFacts): readonly Finding[] {
  const topic = 'records';
  if (reason !== null)
    return [problem(topic, reason, 'Make the folder writable, or set GUARD_STATE_DIR to another folder.')];
  const folder = mode === null ? `${path} will be created by the first run` : `Records are kept in ${path}`;
  if (isInMemory)
    return [
      warning(
        topic,
        `${folder}, which is in memory: a reboot deletes the records.`,
        'Set GUARD_STATE_DIR to a folder on a disk.',
      ),
    ];
  if (mode !== null && (mode & 0o077) !== 0)
    return [
      warning(
        topic,
        `${folder}, where other users can read evidence, with its logs and configuration.`,
        `Run \`${shellWords(['chmod', '700', path])}\`.`,
      ),
    ];
  if (free !== null && free < lowState)
    return [
      warning(
        topic,
        `${folder}, with ${sayBytes(free)} free.`,
        'Free some space, so that guard can write evidence and records.',
      ),
    ];
  return [ok(topic, `${folder}.`)];
}

const install = 'Install the unit: the Debian packages bring it, and it is in hooks/systemd of the npm package.';

function judgeUnits(units: UnitsFacts, hooks: readonly HookFacts[]): readonly Finding[] {
  if (units.kind === 'none')
    return [
      warning(
        'recover',
        'systemd does not run here, so nothing finishes interrupted runs after a reboot.',
        'Run `guard recover` at boot, after the server has started.',
      ),
    ];
  return [judgeRecoverUnit(units.recover), judgeAgentUnit(units.agent, hooks)];
}

function judgeRecoverUnit({ enabled, active }: { readonly enabled: string; readonly active: string }): Finding {
  const topic = 'recover';
  if (active === 'failed')
    return problem(
      topic,
      'guard-recover.service failed at the last boot.',
      'See `journalctl --unit guard-recover.service`, then run `guard recover`.',
    );
  if (enabled === 'not-found')
    return warning(
      topic,
      'Nothing finishes interrupted runs after a reboot: there is no guard-recover.service.',
      install,
    );
  if (enabled !== 'enabled')
    return warning(
      topic,
      `Nothing finishes interrupted runs after a reboot: guard-recover.service is ${enabled}.`,
      'Run `systemctl enable guard-recover.service`.',
    );
  return ok(topic, 'guard-recover.service finishes interrupted runs after a reboot.');
}

function judgeAgentUnit(
  { enabled, active }: { readonly enabled: string; readonly active: string },
  hooks: readonly HookFacts[],
): Finding {
  const topic = 'agent';
  if (active === 'failed')
    return problem(topic, 'guard-agent.service failed.', 'See `journalctl --unit guard-agent.service`.');
  if (active === 'active' && enabled === 'enabled') return ok(topic, 'guard-agent.service runs, and starts at boot.');
  if (active === 'active')
    return warning(
      topic,
      `guard-agent.service runs, but is ${enabled}.`,
      'Run `systemctl enable guard-agent.service`.',
    );
  if (hooks.some(({ agent }) => agent === 'answers'))
    return warning(
      topic,
      'An agent is running that guard-agent.service did not start: it will not start at boot.',
      enabled === 'not-found' ? install : 'Stop it, and run `systemctl enable --now guard-agent.service`.',
    );
  if (hooks.length === 0) return ok(topic, 'No agent is running. No instance has the hook, so none is needed.');
  return problem(
    topic,
    'Instances have the hook, but no agent is running: their package managers are not guarded.',
    enabled === 'not-found' ? install : 'Run `systemctl enable --now guard-agent.service`.',
  );
}

function judgeHook({ instance, isCurrent, agent }: HookFacts): Finding {
  const topic = `hook ${instance}`;
  if (!isCurrent)
    return warning(
      topic,
      'Its files differ from those of this version of guard.',
      `Run \`${shellWords(['guard', 'hook', 'install', instance])}\`.`,
    );
  if (agent === 'silent')
    return problem(
      topic,
      'No agent answers its package managers.',
      'Start the agent: `systemctl start guard-agent.service`.',
    );
  return ok(topic, agent === 'answers' ? 'The agent answers.' : 'It is up to date; the instance is not running.');
}

function judgeClock(synchronized: boolean | null): Finding {
  if (synchronized === null)
    return warning('clock', 'Whether the clock is synchronized is unknown.', 'Compare `date` with another host.');
  if (!synchronized)
    return warning(
      'clock',
      'The clock is not synchronized: run ids, expiry of restore points and deadlines depend on it.',
      'Enable systemd-timesyncd or chrony.',
    );
  return ok('clock', 'The clock is synchronized.');
}

function judgeTerminal({ isInteractive, columns, isUtf8 }: TerminalFacts): Finding {
  if (!isInteractive) return ok('terminal', 'There is no terminal, so guard would not ask questions.');
  const message = `The terminal has ${columns ?? 'unknown'} columns`;
  if (!isUtf8)
    return warning(
      'terminal',
      `${message} and its locale is not UTF-8.`,
      'Set LANG to a UTF-8 locale, for example C.UTF-8.',
    );
  return ok('terminal', `${message} and UTF-8.`);
}

function judgeConfiguration(configuration: HostFacts['configuration']): Finding {
  if (!configuration.ok) return problem('configuration', configuration.error.message, configuration.error.advice);
  const { file } = configuration.value;
  return ok('configuration', file === null ? 'No guard.yaml was found: the defaults apply.' : `${file} is valid.`);
}

function judgeLeftovers(runs: readonly UnfinishedRun[], inFlight: readonly InFlight[]): readonly Finding[] {
  const dead = runs.filter(({ isAlive }) => !isAlive);
  const others = inFlight.filter(
    // A run of this host that has just begun is in its records before the instance says so.
    ({ instance, isAlive }) => isAlive !== true && !runs.some((run) => run.instance === instance),
  );
  const findings = [...dead.map(judgeInterrupted), ...others.map(judgeInFlight)];
  if (findings.length > 0) return findings;
  const alive = runs.length;
  const message =
    alive === 0 ? 'No run is in flight or interrupted.' : `Runs in flight: ${alive}. None is interrupted.`;
  return [ok('runs', message)];
}

function judgeInterrupted({ run, instance, project }: UnfinishedRun): Finding {
  const words = ['guard', 'recover', ...(project === 'default' ? [] : ['--project', project]), instance];
  return problem('runs', `The run ${run} on ${instance} was interrupted.`, `Run \`${shellWords(words)}\`.`);
}

function judgeInFlight({ instance, host, isAlive }: InFlight): Finding {
  const words = shellWords(['guard', 'recover', instance]);
  if (isAlive === null && host !== null)
    return warning(
      'runs',
      `A run of host ${host} is in progress on ${instance}. This host cannot see whether it is still running.`,
      `Look on ${host}, or run \`${words}\`, which waits until its lease has expired.`,
    );
  return problem(
    'runs',
    `${instance} has a restore point in flight, but no run is in progress on it.`,
    `Run \`${words}\`.`,
  );
}

function sayBytes(bytes: number): string {
  const gibibytes = bytes / (1024 * mebibyte);
  return gibibytes >= 1 ? `${gibibytes.toFixed(1)} GiB` : `${Math.floor(bytes / mebibyte)} MiB`;
}
