import type { Writable } from 'node:stream';
import { isUtf8 } from 'node:buffer';
import type { Recorded } from '../event.ts';

/** One event a line. Bytes of the command are text where they are UTF-8, else base64. */
export const createJsonView =
  (stdout: Writable): ((event: Recorded) => void) =>
  (event) => {
    stdout.write(`${JSON.stringify(event.type === 'command-output' ? encoded(event) : event)}\n`);
  };

const encoded = ({ chunk, ...event }: Extract<Recorded, { type: 'command-output' }>): object => {
  const bytes = Buffer.from(chunk);
  return isUtf8(bytes)
    ? { ...event, encoding: 'utf8', data: bytes.toString('utf8') }
    : { ...event, encoding: 'base64', data: bytes.toString('base64') };
};
