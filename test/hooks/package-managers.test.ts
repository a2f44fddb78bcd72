import { beforeAll } from 'vitest';
import { ownProject } from '../e2e/agent-under-test.ts';
import { baseOf } from './base.ts';
import { packageManagers } from './package-manager.ts';
import { describeManager } from './suite.ts';

let base = '';

/** Debian has dnf 4, zypper and pacman as packages, all in one container: each manager is tested in a copy that has only it. */
beforeAll(async () => {
  await ownProject('gr-managers');
  base = await baseOf({
    name: 'gr-managers',
    image: 'guard-debian',
    script: `apt-get update -qq
apt-get install -qq --no-install-recommends \\
  dnf zypper rpm createrepo-c pacman-package-manager makepkg zstd libarchive-tools >/dev/null`,
    repositories: ['rpm', 'alpm', 'deb'],
  });
});

describeManager(packageManagers.apt, () => base);
describeManager(packageManagers.dnf, () => base);
describeManager(packageManagers.zypper, () => base);
describeManager(packageManagers.pacman, () => base);
