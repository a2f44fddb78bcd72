import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll } from 'vitest';
import { ownProject, removeProject } from '../e2e/agent-under-test.ts';
import { incusCommand, remove } from '../e2e/incus-subject.ts';
import { packageManagers } from './package-manager.ts';
import { describeManager } from './suite.ts';

const project = 'gr-apk';
const base = 'gr-apk-base';

/** A real apk of version 3, linked statically: GUARD_TEST_APK names its file. Debian has none, so that else there is a stand-in. */
const real = process.env['GUARD_TEST_APK'];
const wrapper = '#!/bin/sh\nexec /usr/sbin/apk-static --allow-untrusted "$@"\n';

const standIn = async (): Promise<void> => {
  await incusCommand('file', 'push', '--mode', '755', join(import.meta.dirname, 'apk-stand-in.sh'), `${base}/sbin/apk`);
  const made =
    'mkdir -p /opt /etc/apk /lib/apk/db; touch /etc/healthy; printf "P:busybox\\nV:1\\n\\n" >/lib/apk/db/installed';
  await incusCommand('exec', base, '--', 'sh', '-c', made);
};

const realApk = async (file: string): Promise<void> => {
  await incusCommand('file', 'push', '--mode', '755', file, `${base}/usr/sbin/apk-static`);
  await execa('incus', ['file', 'push', '--mode', '755', '-', `${base}/sbin/apk`], { input: wrapper });
  await incusCommand('file', 'push', join(import.meta.dirname, 'apk-packages.sh'), `${base}/root/packages.sh`);
  await incusCommand('exec', base, '--', 'sh', '/root/packages.sh');
};

/** A system of nothing but BusyBox, as Alpine's is: its shell runs the client and the hook. */
beforeAll(async () => {
  await execa('sh', [join(import.meta.dirname, '../e2e/busybox-image.sh')]);
  await ownProject(project);
  await remove(base, project);
  await incusCommand('launch', 'guard-busybox', base);
  await (real === undefined ? standIn() : realApk(real));
  await incusCommand('stop', '--force', base);
});

afterAll(async () => {
  await remove(base, project);
  await removeProject(project);
});

describeManager(packageManagers.apk, () => base);
