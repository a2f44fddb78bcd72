import type { Clock } from '../../clock.ts';

/** What every question to a server needs. */
export interface Questions {
  readonly clock: Clock;
  readonly signal: AbortSignal | undefined;
  readonly remembering: Remembering;
}

/**
 * Puts a question, unless it was answered a moment ago: then the same answer is given again. `otherMs` is how long an answer
 * that is not good is remembered, in milliseconds.
 */
export type Remembering = (key: string, ask: () => Promise<string | null>, otherMs?: number) => Promise<string | null>;

/**
 * A watch looks many times a second at first, and servers turn away who asks so often: sshd, mod_evasive, limits of
 * request rates. That would be guard's own doing, and taken for a failure. A question without an answer is asked again each time.
 */
export function createMemory(clock: Clock, isGood: (said: string) => boolean): Remembering {
  const known = new Map<string, { readonly said: string; readonly at: number }>();
  return async (key, ask, otherMs = rest.other) => {
    const last = known.get(key);
    if (last !== undefined && clock.monotonic() - last.at < (isGood(last.said) ? rest.good : otherMs)) return last.said;
    known.delete(key);
    const said = await ask();
    if (said !== null && said !== 'unreachable') known.set(key, { said, at: clock.monotonic() });
    return said;
  };
}

/** Remembers what servers said for as long as it spares them. */
export function rememberAnswers(clock: Clock): Remembering {
  return createMemory(clock, isGoodAnswer);
}

function isGoodAnswer(said: string): boolean {
  return /^([123]\d\d( \(\w+\))?$|NOERROR|\+|\* (OK|PREAUTH)|SSH-|VERSION|success$|\S+=)/.test(said);
}

/** Milliseconds. */
const rest = { good: 3000, other: 1000 };
