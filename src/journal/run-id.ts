import { randomInt } from 'node:crypto';

/** Letters and digits that nobody confuses when reading an id aloud. */
const alphabet = 'abcdefghjkmnpqrstuvwxyz23456789';

/** A new run's id: UTC date and time, so that ids sort by time, and four random characters, e.g. `20261123-055126-k3f9`. */
export const newRunId = (now: number, random: (below: number) => number = randomInt): string => {
  const [date = '', time = ''] = new Date(now)
    .toISOString()
    .replace(/\.\d+Z$/, '')
    .split('T');
  const suffix = Array.from({ length: 4 }, () => alphabet.charAt(random(alphabet.length))).join('');
  return `${date.replaceAll('-', '')}-${time.replaceAll(':', '')}-${suffix}`;
};

/** Whether a text has the form of a run's id: what is not one never becomes part of a path. */
export const isRunId = (text: string): boolean => /^\d{8}-\d{6}-[a-z0-9]{4}$/.test(text);
