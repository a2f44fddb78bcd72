import type { PlatformFailure } from '../../failure.ts';
import { keyOf } from './config.ts';

type Config = Readonly<Record<string, string>>;

/** With it the server refuses every start: Incus 7. A restore brings it back, and the restored instance has to start. */
const protection = 'security.protection.start';

/** Written with the change that lifts it, so that a guard that dies in between leaves what puts it back. */
const note = keyOf('start-protection');

/** In the note: the value comes from a profile, and the instance itself has none. */
const inherited = 'inherited';

export function isStartProtected(config: Config, expanded: Config): boolean {
  return expanded[protection] === 'true' || config[note] !== undefined;
}

/** The sentences of Incus and LXD. */
export function isProtectionFailure({ detail }: PlatformFailure): boolean {
  return /startup protection enabled|protected from being started/i.test(detail);
}

/** What lifts it. A note that is there already knows what was before. */
export function liftedProtection(config: Config): Config {
  const before = config[protection] === undefined ? inherited : 'true';
  return { [protection]: 'false', [note]: config[note] ?? before };
}

/** What puts it back; nothing where it is not lifted. */
export function returnedProtection(config: Config): Config {
  const before = config[note];
  if (before === undefined) return {};
  return { [protection]: before === inherited ? '' : 'true', [note]: '' };
}
