import { execa } from 'execa';
import { incusCommand } from '../e2e/incus-subject.ts';

/** Many small containers in a project of their own. */
export interface TestFleet {
  readonly project: string;
  readonly names: readonly string[];
  readonly remove: () => Promise<void>;
}

/** The image is cheap: a container of it starts in half a second, and a run on it takes less than a second. */
export async function createFleet(project: string, count: number, prefix = 'web'): Promise<TestFleet> {
  await removeFleet(project);
  const images = await incusCommand('image', 'list', 'guard-busybox', '--format', 'csv', '--project', 'default');
  if (images === '') await execa('sh', ['test/e2e/busybox-image.sh'], { stdin: 'ignore' });
  await incusCommand('project', 'create', project, '-c', 'features.images=false', '-c', 'features.profiles=false');
  const names = Array.from({ length: count }, (_, index) => `${prefix}-${String(index + 1).padStart(2, '0')}`);
  const left = [...names];
  const launch = async (): Promise<void> => {
    for (let name = left.shift(); name !== undefined; name = left.shift())
      await incusCommand('launch', 'guard-busybox', name, '--project', project);
  };
  try {
    await Promise.all([launch(), launch(), launch(), launch()]);
  } catch (error) {
    // What is left would take its names away from the next test on this network.
    await removeFleet(project);
    throw error;
  }
  return { project, names, remove: () => removeFleet(project) };
}

async function removeFleet(project: string): Promise<void> {
  const { stdout } = await execa('incus', ['list', '--format', 'csv', '--columns', 'n', '--project', project], {
    reject: false,
    stdin: 'ignore',
  });
  const names = stdout.split('\n').filter((name) => name !== '');
  if (names.length > 0)
    await execa('incus', ['delete', '--force', ...names, '--project', project], { reject: false, stdin: 'ignore' });
  await execa('incus', ['project', 'delete', project], { reject: false, stdin: 'ignore' });
}

/**
 * What a file in a container says; null where there is none. Through the files API: on a loaded machine the output of
 * `incus exec` is lost now and then.
 */
export async function fileIn(fleet: TestFleet, name: string, path: string): Promise<string | null> {
  const words = ['file', 'pull', `${name}${path}`, '-', '--project', fleet.project];
  const { stdout, exitCode } = await execa('incus', words, { reject: false, stdin: 'ignore' });
  return exitCode === 0 ? stdout : null;
}

/** The names of the snapshots of a container. */
export async function snapshotsOf(fleet: TestFleet, name: string): Promise<string[]> {
  const text = await incusCommand('query', `/1.0/instances/${name}/snapshots?recursion=1&project=${fleet.project}`);
  return (JSON.parse(text) as { name: string }[]).map((snapshot) => snapshot.name);
}

/** The record of rollouts in the project; empty where there is none. */
export function projectRecord(fleet: TestFleet): Promise<string> {
  return incusCommand('project', 'get', fleet.project, 'user.guard.rollout');
}
