import { describe, expect, it } from 'vitest';

import { describeFailure, type PlatformFailureKind } from '../../../src/platform/failure.ts';
import { failureOf, serverFailure } from '../../../src/platform/incus/http/failure.ts';

const about = { purpose: 'take the snapshot g1 of web 1', project: 'user-1000', instance: 'web 1' };

describe('what the server says decides the kind', () => {
  // Texts as Incus 6.0.4 writes them.
  it.each<[number, string, PlatformFailureKind]>([
    [404, 'Failed to fetch instance "x" in project "default": Instance not found', 'not-found'],
    [500, 'Snapshot web01/nope does not exist', 'not-found'],
    [404, 'Project not found', 'not-found'],
    [
      500,
      'Failed to create "instances_snapshots" entry: UNIQUE constraint failed: instances_snapshots.instance_id, instances_snapshots.name',
      'name-taken',
    ],
    [409, 'Volume by that name already exists', 'name-taken'],
    [500, 'Instance is busy running a "stop" operation', 'busy'],
    [400, 'The storage volume is still in use', 'busy'],
    [500, 'Cannot restore custom volume used by running instances', 'busy'],
    [412, "ETag doesn't match: a vs b", 'changed'],
    [500, 'Project "p" doesn\'t allow for snapshot creation', 'restricted'],
    [500, 'Failed to write backup file: write /x/backup.yaml: no space left on device', 'no-space'],
    [500, 'open /x: disk quota exceeded', 'no-space'],
    [500, 'Failed shutting down instance, status is "Running": context deadline exceeded', 'timed-out'],
    [400, 'Invalid snapshot name: Cannot contain "/"', 'invalid'],
    [500, 'Invalid config: Unknown configuration key: nonsense.key', 'invalid'],
    [500, 'Create instance snapshot: file name too long', 'invalid'],
    [400, 'Instance is not running', 'invalid'],
    // The next six: test/e2e/states.test.ts.
    [500, "The container isn't running", 'invalid'],
    [500, 'Failed to retrieve PID of executing child process', 'invalid'],
    [500, 'In use', 'busy'],
    [500, 'Failed restarting instance: The instance is already running', 'busy'],
    [500, 'Failed stopping instance, status is "Running"', 'busy'],
    [500, 'Create instance snapshot: freezing the container failed', 'busy'],
    [500, 'Create instance snapshot: container is already frozen', 'busy'],
    [403, 'not authorized', 'forbidden'],
    [500, 'ERROR: Could not statfs', 'server'],
    [500, '', 'server'],
  ])('%i %s → %s', (code, detail, kind) => {
    expect(serverFailure(about, code, detail)).toMatchObject({ kind, code, operation: null });
  });
});

describe('the sentence for a person', () => {
  it('holds what was asked, what was said, and a command that works', () => {
    const failure = serverFailure(about, 500, 'Instance is busy running a "stop" operation');
    expect(describeFailure(failure)).toBe(
      'Could not take the snapshot g1 of web 1: Instance is busy running a "stop" operation. ' +
        "To end a hanging stop, run `incus stop --force 'web 1' --project user-1000`.",
    );
  });

  it('tells the administrator how to allow snapshots', () => {
    const failure = serverFailure(about, 500, 'Project "user-1000" doesn\'t allow for snapshot creation');
    expect(failure.advice).toContain('`incus project set user-1000 restricted.snapshots=allow`');
    const ofLxd = serverFailure({ ...about, product: 'LXD' }, 500, failure.detail);
    expect(ofLxd.advice).toContain('`lxc project set user-1000 restricted.snapshots=allow`');
  });

  it('says how to remove what an interrupted restore left, without which none works again', () => {
    const path = '/var/lib/incus/storage-pools/default/containers/web01';
    const detail = `Failed to rename "${path}" to "${path}.incustmp": rename ${path} ${path}.incustmp: file exists`;
    const { advice } = serverFailure(about, 500, detail);
    expect(advice).toContain(`btrfs subvolume delete ${path}.incustmp;`);
  });

  it('names the operation that may still go on', () => {
    const failure = failureOf('timed-out', about, 'it had not ended after 5 s', { operation: 'abc' });
    expect(failure.advice).toContain('`incus operation show abc --project user-1000`');
  });

  it('shows no control characters and no endless text', () => {
    const failure = serverFailure(about, 500, `\u001b[2Jcleared ${'x'.repeat(5000)}`);
    expect(failure.detail).toMatch(/^\\x1b\[2Jcleared x+… /);
    expect(failure.detail.length).toBeLessThan(1100);
  });

  it('does without advice where there is none', () => {
    expect(describeFailure(serverFailure(about, 500, 'odd'))).toBe('Could not take the snapshot g1 of web 1: odd.');
  });
});
