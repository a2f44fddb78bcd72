import { describe, expect, test } from 'vitest';
import type { Outcome } from '../../../src/event.ts';
import { killProcesses } from '../../../src/platform/memory/server.ts';
import { guardedRun } from '../../../src/run/guarded-run.ts';
import { createWorld, planOf, setVersion, startGuard, versionOf, type World } from '../engine/world.ts';

const run = '20270101-000000-aaaa';

/** A good command that is under way when `onCommand` is called. */
async function outcomeOf(world: World, onCommand: () => void): Promise<Outcome> {
  world.onCommand = onCommand;
  const guard = startGuard(world, { run });
  const end = await world.time.run(guard.process, () => guardedRun(planOf('good', run), guard.tools));
  if (end.end !== 'done') throw new Error(`the run is ${end.end}`);
  return end.value;
}

const endOf = (world: World) =>
  (world.journal.get(run) ?? []).flatMap((event) => (event.type === 'command-ended' ? [event.end] : []));

/** A reboot from inside: no client asked the server for it. */
function reboot({ instance, server }: World): void {
  killProcesses(instance, 15);
  instance.lastStartedAt = new Date(server.clock.now()).toISOString();
}

/** Lets the service manager inside say something about a shutdown. */
function serviceManager(world: World, said: () => string): void {
  const own = world.server.exec;
  world.server.exec = async (process) => {
    if (!process.command.some((word) => word.includes('systemd-shutdow'))) return own(process);
    await process.write('stdout', `${said()}\n`);
    return 0;
  };
}

describe('a command in whose middle the instance restarts', () => {
  test.each([true, false])('fails where somebody else restarted it, force %s (F10)', async (force) => {
    const world = createWorld();
    const user = startGuard(world, { run: 'user' });
    const own = world.server.exec;
    // What is installed when it is cut off looks healthy.
    world.server.exec = async (process) => {
      if (process.command[0] !== 'change') return own(process);
      setVersion(world, 'half');
      await user.platform.stopInstance('web', { force, limitMs: 60_000 });
      void user.platform.startInstance('web', { limitMs: 60_000 });
      return 0;
    };
    expect(await outcomeOf(world, () => {})).toEqual({ outcome: 'rolled-back', cause: 'command' });
    expect(endOf(world)).toEqual([{ kind: 'instance-stopped', restarted: true, cutOff: true }]);
    expect(versionOf(world)).toBe('v1');
  });

  test('is judged where it came from inside', async () => {
    const world = createWorld();
    expect(await outcomeOf(world, () => reboot(world))).toEqual({ outcome: 'kept' });
    expect(endOf(world)).toEqual([{ kind: 'instance-stopped', restarted: true }]);
  });

  test('is judged although a stop of before the command is still known to the server', async () => {
    const world = createWorld();
    const user = startGuard(world, { run: 'user' });
    await world.time.run(user.process, async () => {
      await user.platform.stopInstance('web', { force: true, limitMs: 60_000 });
      await user.platform.startInstance('web', { limitMs: 60_000 });
    });
    expect(await outcomeOf(world, () => reboot(world))).toEqual({ outcome: 'kept' });
  });

  test('fails where the server does not tell who restarted it', async () => {
    const world = createWorld();
    world.onCommand = () => reboot(world);
    const guard = startGuard(world, {
      run,
      faultOf: ({ name }) => (name === 'listOperations' ? 'refused' : null),
    });
    const end = await world.time.run(guard.process, () => guardedRun(planOf('good', run), guard.tools));
    expect(end).toEqual({ end: 'done', value: { outcome: 'rolled-back', cause: 'command' } });
  });
});

describe('a command that was killed by a shutdown from inside', () => {
  const shutsDownFor = (world: World, ms: number): void => {
    killProcesses(world.instance, 15);
    let isOver = false;
    serviceManager(world, () => (isOver ? 'none' : 'under-way'));
    world.server.clock.after(ms, () => {
      isOver = true;
      world.instance.lastStartedAt = new Date(world.server.clock.now()).toISOString();
    });
  };

  test.each([500, 5000, 45_000])('is waited for although the shutdown takes %i ms more', async (ms) => {
    const world = createWorld();
    expect(await outcomeOf(world, () => shutsDownFor(world, ms))).toEqual({ outcome: 'kept' });
    expect(endOf(world)).toEqual([{ kind: 'instance-stopped', restarted: true }]);
  });

  test('is a plain status where the service manager knows of no shutdown', async () => {
    const world = createWorld();
    serviceManager(world, () => 'none');
    const outcome = await outcomeOf(world, () => killProcesses(world.instance, 15));
    expect(outcome).toEqual({ outcome: 'rolled-back', cause: 'command' });
    expect(endOf(world)).toEqual([{ kind: 'exited', status: 143 }]);
  });

  test('fails where a shutdown never comes to its end', async () => {
    const world = createWorld();
    expect(await outcomeOf(world, () => shutsDownFor(world, 600_000))).toEqual({
      outcome: 'rolled-back',
      cause: 'command',
    });
  });
});
