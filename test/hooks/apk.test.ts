import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll } from 'vitest';
import { ownProject, removeProject } from '../e2e/agent-under-test.ts';
import { incusCommand, remove } from '../e2e/incus-subject.ts';
import { packageManagers } from './package-manager.ts';
import { describeManager } from './suite.ts';

const project = 'gr-apk';
const base = 'gr-apk-base';

/** A system of nothing but BusyBox, as Alpine's is: its shell runs the client and the hook. */
beforeAll(async () => {
  await execa('sh', [join(import.meta.dirname, '../e2e/busybox-image.sh')]);
  await ownProject(project);
  await incusCommand('launch', 'guard-busybox', base);
  await incusCommand('file', 'push', '--mode', '755', join(import.meta.dirname, 'apk-stand-in.sh'), `${base}/sbin/apk`);
  const made =
    'mkdir -p /opt /etc/apk /lib/apk/db; touch /etc/healthy; printf "P:busybox\\nV:1\\n\\n" >/lib/apk/db/installed';
  await incusCommand('exec', base, '--', 'sh', '-c', made);
  await incusCommand('stop', '--force', base);
});

afterAll(async () => {
  await remove(base, project);
  await removeProject(project);
});

describeManager(packageManagers.apk, () => base);
