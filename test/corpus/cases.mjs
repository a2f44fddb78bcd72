// Real upgrades of real Debian packages, with no configuration of guard's. Each case is a container with a service that answers
// (`install`, `configure`), a `change`, and a `probe` of its own that tells the truth. `expected` (healthy, broken, or failed by the command itself) is what the author believes;
// what is held against guard is what the probe says where nobody guards.
//   restart: the container is restarted before the probe, and guard is told --restart
//   settleSeconds: how long it takes until the truth shows
import { answers } from './cases/answers.mjs';
import { behind } from './cases/behind.mjs';
import { cache } from './cases/cache.mjs';
import { database } from './cases/database.mjs';
import { dns } from './cases/dns.mjs';
import { mail } from './cases/mail.mjs';
import { network } from './cases/network.mjs';
import { other } from './cases/other.mjs';
import { proxy } from './cases/proxy.mjs';
import { release } from './cases/release.mjs';
import { replacement } from './cases/replacement.mjs';
import { start } from './cases/start.mjs';
import { web } from './cases/web.mjs';

export const cases = [
  ...release,
  ...web,
  ...dns,
  ...mail,
  ...database,
  ...cache,
  ...proxy,
  ...other,
  ...network,
  ...start,
  ...answers,
  ...behind,
  ...replacement,
];
