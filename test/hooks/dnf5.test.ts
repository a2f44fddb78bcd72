import { beforeAll } from 'vitest';
import { ownProject } from '../e2e/agent-under-test.ts';
import { hostUnderTest, imageOf } from '../host/host.ts';
import { baseOf } from './base.ts';
import { packageManagers } from './package-manager.ts';
import { describeManager } from './suite.ts';

let base = '';

/** No release of Debian has dnf5 yet, but sid has: it is installed into a trixie. The mirror of a machine may be an older copy. */
beforeAll(async () => {
  const image = await imageOf(await hostUnderTest(), 'trixie');
  await ownProject('gr-dnf5');
  base = await baseOf({
    name: 'gr-dnf5',
    image,
    script: `sed -e '/^Suites:/s/trixie.*/sid/' /etc/apt/sources.list.d/debian.sources |
  awk 'BEGIN { RS = ""; ORS = "\\n\\n" } NR == 1' >/etc/apt/sources.list.d/sid.sources
apt-get update -qq -o Acquire::Check-Valid-Until=false
apt-get install -qq --no-install-recommends -t sid dnf5 >/dev/null
apt-get install -qq --no-install-recommends rpm createrepo-c >/dev/null`,
    repositories: ['rpm'],
  });
});

describeManager(packageManagers.dnf5, () => base);
