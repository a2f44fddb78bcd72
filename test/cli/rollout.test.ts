import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { runProgram } from '../../src/cli/program.ts';
import { systemClock, type Clock } from '../../src/clock.ts';
import { addInstance } from '../../src/platform/memory/server.ts';
import { keptKey } from '../../src/run/lock/marker.ts';
import { temporaryFolder } from '../journal/temporary.ts';
import { createHost, gone, type MemoryHost } from './memory-host.ts';

// Whole rollouts on a server in memory, with the records of a host.

const names = ['web-1', 'web-2', 'web-3'];

interface RolloutHost extends MemoryHost {
  /** The instances on which the command was executed. */
  readonly changed: string[];
  /** The machine sleeps for so long, in milliseconds. */
  readonly sleepMachine: (ms: number) => void;
}

interface Story {
  /** What the command does to the instance of that name, from outside; it ends with the status. */
  readonly change: (instance: string, host: RolloutHost) => number;
  /** What happens while a run looks at the instance before its change. */
  readonly beforehand?: (instance: string, host: RolloutHost) => void;
}

/** How often a record that the server does not take is written again: that takes no time here. */
const publishPollMs = 1000;

async function hostWith({ change, beforehand }: Story): Promise<RolloutHost> {
  const made = await createHost();
  const changed: string[] = [];
  let asleepMs = 0;
  let waitedMs = 0;
  const clock: Clock = {
    ...systemClock,
    boottime: () => systemClock.boottime() + waitedMs + asleepMs,
    monotonic: () => systemClock.monotonic() + waitedMs,
    sleep: async (ms, signal) => {
      if (ms !== publishPollMs) return systemClock.sleep(ms, signal);
      waitedMs += ms;
      return systemClock.sleep(0);
    },
  };
  const host = {
    ...made,
    context: { ...made.context, clock },
    changed,
    sleepMachine: (ms: number) => void (asleepMs += ms),
  };
  for (const name of names) addInstance(host.server, name);
  host.server.exec = async ({ instance, command, write }) => {
    if (command[0] === 'change') {
      changed.push(instance.name);
      return change(instance.name, host);
    }
    beforehand?.(instance.name, host);
    await write('stdout', 'systemd running\n');
    return 0;
  };
  return host;
}

/** Another host has the rollout from now on. */
function takeOver({ notes }: RolloutHost): void {
  const text = notes.get('rollout') ?? '';
  notes.set('rollout', text.replace(/("holder":\{[^}]*"id":")[0-9a-f]+/, '$1another'));
}

const minute = 60_000;

/** What another host finds once the guard of this one is dead. */
function abandonedRecord(notes: ReadonlyMap<string, string>): string {
  return (notes.get('rollout') ?? '').replace(/("holder":\{[^}]*"id":")[0-9a-f]+/, `$1${gone.id}`);
}

const roll = (host: MemoryHost, ...words: string[]): Promise<number> =>
  runProgram(['run', '--soak', '0s', '--check', 'true', ...words, ...names, '--', 'change'], host.context);

describe('a rollout', () => {
  test('that is kept leaves nothing on the server', async () => {
    const host = await hostWith({ change: () => 0 });
    expect(await roll(host)).toBe(0);
    expect(host.changed).toEqual(names);
    expect([...host.notes]).toEqual([]);
  });

  test('that this host cannot record changes nothing, and claims nothing', async () => {
    const host = await hostWith({ change: () => 0 });
    await writeFile(join(host.stateDirectory, 'rollouts'), 'no folder');
    expect(await roll(host)).toBe(30);
    expect(host.said()).toContain('The rollout could not be recorded');
    expect(host.changed).toEqual([]);
    expect([...host.notes]).toEqual([]);
  });

  test('is refused beside another one of this host, also where guard may not write to the project', async () => {
    const host = await hostWith({ change: () => 0 });
    host.access.mayWriteNotes = false;
    const { exec } = host.server;
    let second: number | null = null;
    host.server.exec = async (call) => {
      if (call.command[0] === 'change' && call.instance.name === 'web-1')
        second ??= await runProgram(['run', 'web-2', 'web-3', '--', 'change'], host.context);
      return exec(call);
    };
    expect(await roll(host)).toBe(0);
    expect(second).toBe(31);
    expect(host.said()).toContain('which also has web-2, is in progress');
    expect(host.changed).toEqual(names);
  });

  test('that another host takes over while this one sleeps begins no further change', async () => {
    const host = await hostWith({
      change: (_name, self) => {
        self.sleepMachine(minute);
        takeOver(self);
        return 0;
      },
    });
    expect(await roll(host)).toBe(31);
    expect(host.changed).toEqual(['web-1']);
  });

  test('that another host took over and ended while this one slept begins no further change', async () => {
    const host = await hostWith({
      change: () => 0,
      beforehand: (name, self) => {
        if (name !== 'web-2') return;
        self.sleepMachine(minute);
        self.notes.delete('rollout');
      },
    });
    expect(await roll(host)).toBe(31);
    expect(host.changed).toEqual(['web-1']);
    expect([...host.notes]).toEqual([]);
  });

  test('that another host takes over while a run prepares does not begin its change', async () => {
    const host = await hostWith({
      change: () => 0,
      beforehand: (name, self) => {
        if (name !== 'web-2') return;
        self.sleepMachine(minute);
        takeOver(self);
      },
    });
    expect(await roll(host)).toBe(31);
    expect(host.changed).toEqual(['web-1']);
    expect(host.server.instances.get('web-2')?.snapshots).toEqual([]);
  });

  test('whose record is not readable any more pauses, and begins nothing that it could not record', async () => {
    const host = await hostWith({
      change: (name, self) => {
        if (name !== 'web-1') return 0;
        self.sleepMachine(minute);
        self.notes.set('rollout', 'nonsense');
        return 0;
      },
    });
    expect(await roll(host)).toBe(41);
    expect(host.said()).toContain('It was not begun, because that could not be recorded');
    expect(host.changed).toEqual(['web-1']);
    expect(host.notes.get('rollout')).toBe('nonsense');
    host.notes.delete('rollout');
    host.said();
    expect(await runProgram(['rollout', 'resume', 'last'], host.context)).toBe(30);
    expect(host.said()).toContain('is not on the server any more');
    expect(await runProgram(['rollout', 'resume', 'last', '--take-over'], host.context)).toBe(0);
    expect(host.changed).toEqual(names);
  });

  test('that died while it rolled everything back is ended by another host, and nothing is rolled back twice', async () => {
    let abandoned = '';
    const host = await hostWith({
      change: (name) => (name === 'web-2' ? 3 : 0),
      beforehand: (_name, { notes }) => {
        if (notes.get('rollout')?.includes('"reverting"') === true) abandoned = abandonedRecord(notes);
      },
    });
    expect(await roll(host, '--all-or-nothing')).toBe(40);
    const first = host.server.instances.get('web-1');
    const before = { snapshots: first?.snapshots.map(({ name }) => name), startedAt: first?.lastStartedAt };
    expect(abandoned).toContain('"reverting"');
    host.notes.set('rollout', abandoned);
    const other = {
      ...host.context,
      environment: { ...host.context.environment, GUARD_STATE_DIR: await temporaryFolder() },
    };
    host.said();
    const [id = ''] = Object.keys((JSON.parse(abandoned) as { rollouts: object }).rollouts);
    expect(await runProgram(['rollout', 'resume', id], other)).toBe(40);
    expect(host.said()).toContain('1 rolled back too, 1 rolled back, 1 not started');
    expect({ snapshots: first?.snapshots.map(({ name }) => name), startedAt: first?.lastStartedAt }).toEqual(before);
    expect(host.changed).toEqual(['web-1', 'web-2']);
  });

  test('whose end was interrupted is ended by another host, and not resumed', async () => {
    let abandoned = '';
    const host = await hostWith({
      change: (_name, { server: { instances } }) => {
        instances.delete('web-2');
        return 0;
      },
      beforehand: (_name, { notes }) => {
        if (notes.get('rollout')?.includes('"reverting"') === true) abandoned = abandonedRecord(notes);
      },
    });
    expect(await roll(host, '--all-or-nothing')).toBe(41);
    expect(await runProgram(['rollout', 'abort', 'last'], host.context)).toBe(0);
    expect(abandoned).toContain('"reverting"');
    host.notes.set('rollout', abandoned);
    const other = {
      ...host.context,
      environment: { ...host.context.environment, GUARD_STATE_DIR: await temporaryFolder() },
    };
    const [id = ''] = Object.keys((JSON.parse(abandoned) as { rollouts: object }).rollouts);
    host.said();
    expect(await runProgram(['rollout', 'resume', id], other)).toBe(30);
    expect(host.said()).toContain(`guard rollout abort ${id}`);
    expect(await runProgram(['rollout', 'abort', id], other)).toBe(0);
    expect(host.changed).toEqual(['web-1']);
    expect([...host.notes]).toEqual([]);
  });

  test('that another host has ended is not repeated by the first one', async () => {
    const host = await hostWith({
      change: (_name, { server: { instances } }) => {
        instances.delete('web-2');
        return 0;
      },
    });
    expect(await roll(host)).toBe(41);
    const [id = ''] = Object.keys((JSON.parse(host.notes.get('rollout') ?? '') as { rollouts: object }).rollouts);
    const stateDirectory = await temporaryFolder();
    const other = { ...host.context, environment: { ...host.context.environment, GUARD_STATE_DIR: stateDirectory } };
    expect(await runProgram(['rollout', 'resume', id, '--skip-refused'], other)).toBe(0);
    expect([...host.notes]).toEqual([]);
    expect(host.changed).toEqual(['web-1', 'web-3']);
    expect(await runProgram(['rollout', 'resume', 'last', '--skip-refused'], host.context)).toBe(30);
    expect(await runProgram(['rollout', 'abort', 'last'], host.context)).toBe(30);
    expect(host.changed).toEqual(['web-1', 'web-3']);
  });

  test('whose end the server does not know yet is taken from its record', async () => {
    let before = '';
    const host = await hostWith({
      change: (name, { notes }) => {
        if (name === 'web-3') before = notes.get('rollout') ?? '';
        return 0;
      },
    });
    expect(await roll(host)).toBe(0);
    host.notes.set('rollout', before);
    expect(await runProgram(['rollout', 'resume', 'last'], host.context)).toBe(30);
    expect([...host.notes]).toEqual([]);
    expect(await roll(host)).toBe(0);
  });

  test('does not go on while it is not known what became of an interrupted run', async () => {
    let abandoned = '';
    const host = await hostWith({
      change: (name, { notes }) => {
        if (name === 'web-1') abandoned = abandonedRecord(notes);
        return 0;
      },
    });
    expect(await roll(host)).toBe(0);
    expect(abandoned).toContain('"running"');
    host.notes.set('rollout', abandoned);
    // A later run was kept there: it took the place of the note that the change of the rollout may have left.
    const first = host.server.instances.get('web-1');
    if (first !== undefined) first.metadata = { ...first.metadata, [keptKey]: '20991231-235959-zzzz' };
    const stateDirectory = await temporaryFolder();
    const other = { ...host.context, environment: { ...host.context.environment, GUARD_STATE_DIR: stateDirectory } };
    const [id = ''] = Object.keys((JSON.parse(abandoned) as { rollouts: object }).rollouts);
    host.changed.length = 0;
    host.said();
    expect(await runProgram(['rollout', 'resume', id], other)).toBe(30);
    expect(host.said()).toContain('the interrupted run on web-1 could not be finished');
    expect(host.said()).toBe('');
    expect(await runProgram(['rollout', 'abort', id], other)).toBe(40);
    expect(host.said()).toContain('it is not known whether the change of the rollout was kept');
    expect(host.changed).toEqual([]);
    expect([...host.notes]).toEqual([]);
  });

  test('that a second host cannot record stays as the first one left it', async () => {
    const host = await hostWith({
      change: (_name, { server: { instances } }) => {
        instances.delete('web-2');
        return 0;
      },
    });
    expect(await roll(host)).toBe(41);
    const left = host.notes.get('rollout') ?? '';
    const stateDirectory = await temporaryFolder();
    await writeFile(join(stateDirectory, 'rollouts'), 'no folder');
    const other = { ...host.context, environment: { ...host.context.environment, GUARD_STATE_DIR: stateDirectory } };
    const [id = ''] = Object.keys((JSON.parse(left) as { rollouts: object }).rollouts);
    expect(await runProgram(['rollout', 'resume', id], other)).toBe(30);
    const withoutBeat = (text: string): string => text.replace(/"beat":\d+/, '');
    expect(withoutBeat(host.notes.get('rollout') ?? '')).toBe(withoutBeat(left));
  });

  test.each(['deleted', 'renamed'])('an instance that is %s before its turn pauses it', async (how) => {
    const host = await hostWith({
      change: (_name, { server: { instances } }) => {
        const next = instances.get('web-2');
        if (next === undefined) return 0;
        instances.delete('web-2');
        if (how === 'renamed') {
          next.name = 'other';
          instances.set('other', next);
        }
        return 0;
      },
    });
    expect(await roll(host)).toBe(41);
    expect(host.changed).toEqual(['web-1']);
    expect(await runProgram(['rollout', 'resume', 'last', '--skip-refused'], host.context)).toBe(0);
    expect(host.changed).toEqual(['web-1', 'web-3']);
  });
});
