import type { Platform } from '../platform/platform.ts';
import { neutralise } from '../text.ts';

/** Tells the people inside: those at a terminal at once, and whoever logs in later. */
export interface UserNotices {
  /** The instance is about to go back: every shell in it ends in a moment. */
  readonly warn: (text: string) => Promise<void>;
  /** Stays until `clear`, or the next boot: shown at each login, and at the terminals that are open. */
  readonly leave: (text: string) => Promise<void>;
  readonly clear: () => Promise<void>;
}

/** For each, in milliseconds: nobody inside can hold a run up for longer. */
const limitMs = 5000;

/** Below /run: it is no part of the instance that would be restored or upgraded. pam_motd shows it, without any package of ours. */
const file = '/run/motd.d/50-guard';

/** What cannot be told is not told: nothing depends on it. */
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

/** The text has come through a terminal's safety already; here it is only cut. */
function shown(text: string): string {
  return `${text
    .split('\n')
    .slice(0, 30)
    .map((line) => neutralise(line, 300))
    .join('\n')}\n`;
}

/**
 * Each terminal itself: `wall` would only reach those who have logged in, and nobody who came with `incus exec`. One that
 * nobody reads must not hold the others up.
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
