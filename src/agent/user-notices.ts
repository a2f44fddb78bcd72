import script from '../guest/tell-users.sh?raw';
import type { Platform } from '../platform/platform.ts';
import { neutralise } from '../text.ts';

/** Informs the users of an instance: at their terminals now, and at each later login. */
export interface UserNotices {
  /** The instance is about to be rolled back, which ends every shell in it. */
  readonly warn: (text: string) => Promise<void>;
  /** Shown at each login and at open terminals, until `clear` or the next boot. */
  readonly leave: (text: string) => Promise<void>;
  readonly clear: () => Promise<void>;
}

/** The time limit of each, in milliseconds, so that an instance cannot delay a run. */
const limitMs = 5000;

/** Below /run, so a restore or an upgrade does not affect it. pam_motd shows it. */
const file = '/run/motd.d/50-guard';

/** Failures are ignored: nothing depends on it. */
export function userNoticesFor(platform: Platform, instance: string): UserNotices {
  async function run(command: readonly string[], stdin?: string): Promise<void> {
    await platform.query(instance, {
      command,
      cwd: '/',
      user: 0,
      group: 0,
      limitMs,
      maxBytes: 1000,
      ...(stdin === undefined ? {} : { stdin }),
    });
  }
  return {
    warn: (text) => run(tell(''), shown(text)),
    leave: (text) => run(tell(file), shown(text)),
    clear: () => run(['rm', '-f', file]),
  };
}

/** `kept`: a file that keeps the text; empty for none. */
function tell(kept: string): string[] {
  return ['sh', '-c', script, 'guard', kept];
}

/** The text is already neutralised; here it is only shortened. */
function shown(text: string): string {
  return `${text
    .split('\n')
    .slice(0, 30)
    .map((line) => neutralise(line, 300))
    .join('\n')}\n`;
}
