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
  async function run(script: string, stdin?: string): Promise<void> {
    await platform.query(instance, {
      command: ['sh', '-c', script],
      cwd: '/',
      user: 0,
      group: 0,
      limitMs,
      maxBytes: 1000,
      ...(stdin === undefined ? {} : { stdin }),
    });
  }
  return {
    warn: (text) => run(terminalScript, shown(text)),
    leave: (text) => run(`${fileScript}\n${terminalScript}`, shown(text)),
    clear: () => run(`rm -f ${file}`),
  };
}

/** The text is already neutralised; here it is only shortened. */
function shown(text: string): string {
  return `${text
    .split('\n')
    .slice(0, 30)
    .map((line) => neutralise(line, 300))
    .join('\n')}\n`;
}

/**
 * Writes to each terminal: `wall` reaches only users who logged in, not those of `incus exec`. A terminal that
 * nobody reads must not block the others.
 */
const terminalScript = `
text=\${text-$(cat)}
for terminal in /dev/pts/[0-9]* /dev/console; do
  [ -c "$terminal" ] && printf '\\r\\n%s\\n' "$text" | sed 's/$/\\r/' | timeout 2 tee "$terminal" >/dev/null 2>&1 &
done
wait
:`;

const fileScript = `
text=$(cat)
umask 022
mkdir -p /run/motd.d && printf '%s\\n' "$text" >${file}`;
