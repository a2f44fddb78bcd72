import { err, ok, type Result } from '../result.ts';
import type { ConfigurationMistake } from './mistake.ts';

/** The text of a file that must be UTF-8; a byte order mark at its begin is left out. */
export function decodeText(file: string, bytes: Uint8Array): Result<string, ConfigurationMistake> {
  try {
    return ok(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    const text = goodBegin(bytes);
    const start = text.lastIndexOf('\n') + 1;
    return err({
      file,
      location: { line: text.split('\n').length, column: text.length - start + 1, text: text.slice(start) },
      message: 'The text from here on is not UTF-8.',
      advice: bytes[0] === 0xff || bytes[0] === 0xfe ? 'It looks like UTF-16.' : '',
    });
  }
}

/** Everything before the first byte that is wrong. */
function goodBegin(bytes: Uint8Array): string {
  const text = Buffer.from(bytes).toString('utf8');
  const again = Buffer.from(text);
  let length = 0;
  while (length < bytes.length && bytes[length] === again[length]) length += 1;
  // The wrong byte may have begun like the replacement character does.
  return Buffer.from(bytes.subarray(0, length))
    .toString('utf8')
    .replace(/\ufffd+$/, '');
}
